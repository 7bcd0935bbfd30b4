/** `POST /token`, as a list of steps: read the form, authenticate, see to which key, choose the grant, issue, answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { WaybillError } from '../errors.ts';
import { presentedCertificate, type CertificateProxy } from '../identity/index.ts';
import { nameOf, type Issuer, type Party } from '../issuer/index.ts';
import { NO_STORE, sendJson, sendOAuthError } from './answers.ts';
import { credentialsOf } from './credentials.ts';
import { parseForm } from './form.ts';
import { grantOf } from './grants.ts';

/** @param request its `body` is text where it is form-encoded. */
export async function answerTokenRequest(
  issuer: Issuer,
  request: IncomingMessage & { readonly body?: unknown },
  response: ServerResponse,
  log: Logger,
  proxy?: CertificateProxy,
): Promise<void> {
  let party: Party | undefined;
  try {
    const form = parseForm(request.body);
    const presented = presentedCertificate(request, proxy);
    party = await issuer.authenticate(credentialsOf(request, form, presented));
    const proofs = request.headersDistinct['dpop'] ?? [];
    const cnf = await issuer.confirm(party, { certificate: presented?.certificate, proofs });
    const { tree, answer } = await grantOf(form)(issuer, party, form, cnf);
    const { token, opaque, client, caller, entry, scope, txn, tokens, bytes, expiresIn, tokenType } = tree;
    const kind = { ...(opaque ? { opaque } : {}), ...(cnf ? { cnf } : {}) };
    log.info(
      { client, caller, entry, scopes: scope, txn, tokens, bytes, ...kind, graph: issuer.plan.digest },
      'issued',
    );
    const body = { access_token: token, ...answer, token_type: tokenType, expires_in: expiresIn, scope };
    sendJson(response, 200, body, NO_STORE);
  } catch (error) {
    logRefusal(log, error, party);
    sendOAuthError(response, error);
  }
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
