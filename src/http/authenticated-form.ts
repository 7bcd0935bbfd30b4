/**
 * What `/token`, `/introspect` and `/revoke` have in common: a form whose sender has authenticated (RFC 6749 section
 * 3.2.1, RFC 7662 section 2.1, RFC 7009 section 2.1), an answer, and what is logged and told of a refusal.
 */
import type { ServerResponse } from 'node:http';
import type { Request, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { WaybillError } from '../errors.ts';
import { presentedCertificate, type CertificateProxy } from '../identity/index.ts';
import { nameOf, type Issuer, type Party } from '../issuer/index.ts';
import { sendOAuthError } from './answers.ts';
import { credentialsOf } from './credentials.ts';
import { parseForm, type Form } from './form.ts';

export interface EndpointOptions {
  /** The issuer that answers now. */
  readonly issuer: () => Issuer;
  readonly log: Logger;
  /** The proxy that passes client certificates in a header; absent: only the connection's own count. */
  readonly certificateProxy?: CertificateProxy | undefined;
}

/** A request that has been read and whose sender is known. */
export interface AuthenticatedForm {
  /** The one that authenticated the sender: a reload does not change it half way. */
  readonly issuer: Issuer;
  readonly party: Party;
  readonly form: Form;
  readonly request: Request;
  readonly log: Logger;
}

/** Answers, or throws what is to be told instead. */
export type FormAnswer = (asked: AuthenticatedForm, response: ServerResponse) => Promise<void>;

/** The body of the request is text where it is form-encoded. */
export function formEndpoint(options: EndpointOptions, answer: FormAnswer): RequestHandler {
  const { log, certificateProxy } = options;
  return async (request, response) => {
    const issuer = options.issuer();
    let party: Party | undefined;
    try {
      const form = parseForm(request.body as unknown);
      const certificate = presentedCertificate(request, certificateProxy);
      party = await issuer.authenticate(credentialsOf(request, form, certificate));
      await answer({ issuer, party, form, request, log }, response);
    } catch (error) {
      logRefusal(log, error, party);
      sendOAuthError(response, error);
    }
  };
}

/** What the other side did wrong is a warning, what we did wrong is an error; the request itself is never logged. */
export function logRefusal(log: Logger, error: unknown, party?: Party): void {
  const client = party && nameOf(party);
  if (error instanceof WaybillError) {
    log.warn({ error: error.code, reason: error.message, detail: error.detail, client }, 'refused');
  } else {
    log.error({ err: error, client }, 'failed');
  }
}
