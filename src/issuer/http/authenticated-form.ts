/**
 * What `/token`, `/introspect` and `/revoke` have in common: a form whose sender has authenticated (RFC 6749 section
 * 3.2.1, RFC 7662 section 2.1, RFC 7009 section 2.1), a response, and the log line of a refusal.
 */
import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { isWaybillError } from '../../errors.ts';
import { presentedCertificate, type AddressList, type CertificateProxy } from '../../identity/index.ts';
import { AttemptsExceeded, nameOf, type Issuer, type Party } from '../index.ts';
import type { Admission } from './admission.ts';
import type { ObservedEndpoint, ObservedRequest, RequestObserver } from './observed-request.ts';
import { sendOAuthError } from './responses.ts';
import { credentialsOf } from './credentials.ts';
import { parseForm, type Form, type FormRequest, type Handler } from './form.ts';
import { addressOf, remoteAddress } from './remote-address.ts';

export interface EndpointOptions {
  /** The issuer that answers now. */
  readonly issuer: () => Issuer;
  readonly log: Logger;
  /** The proxy that passes client certificates in a header. Default: only certificates of the connection count. */
  readonly certificateProxy?: CertificateProxy | undefined;
  /** Proxies whose `X-Forwarded-For` is trusted. Default: none, only the connection's address counts. */
  readonly forwardedFrom?: AddressList | undefined;
  /** Hears of every request at the three endpoints. Default: nobody does. */
  readonly observer?: RequestObserver | undefined;
}

/** A request whose form has been read and whose sender has authenticated. */
export interface AuthenticatedForm {
  /** The issuer that authenticated the sender, also if a reload replaces it meanwhile. */
  readonly issuer: Issuer;
  readonly party: Party;
  readonly form: Form;
  readonly request: FormRequest;
  /** The certificate that the sender presented; it may have authenticated otherwise. */
  readonly presented: ReturnType<typeof presentedCertificate>;
  readonly log: Logger;
}

/** What an endpoint adds to what is counted of a request that succeeds. Default: the outcome `ok`. */
export type Answered = Partial<Pick<ObservedRequest, 'outcome' | 'tree'>>;

/** One of the endpoints that authenticate. */
export interface FormEndpoint {
  readonly name: ObservedEndpoint;
  /** Responds, or throws the error to respond with. */
  readonly answer: (asked: AuthenticatedForm, response: ServerResponse) => Promise<Answered>;
  /** What the form says that is counted, however the request ends. Default: nothing. */
  readonly observed?: (form: Form) => Pick<ObservedRequest, 'grant'>;
}

export function formEndpoint(
  options: EndpointOptions,
  admission: Admission,
  endpoint: FormEndpoint,
): Handler {
  const { log, certificateProxy, forwardedFrom, observer } = options;
  const work = async (request: FormRequest, response: ServerResponse): Promise<void> => {
    const issuer = options.issuer();
    const address = forwardedFrom ? remoteAddress(request) : addressOf(request.socket);
    const since = performance.now();
    let party: Party | undefined;
    let form: Form | undefined;
    let answered: Answered;
    try {
      form = parseForm(request.body);
      const presented = presentedCertificate(request, certificateProxy);
      party = await issuer.authenticate(credentialsOf(request, form, presented), address);
      answered = await endpoint.answer({ issuer, party, form, request, presented, log }, response);
    } catch (error) {
      logRefusal(log, error, { party, address });
      answered = { outcome: sendOAuthError(response, error) };
    }
    observer?.answered({
      endpoint: endpoint.name,
      caller: party?.kind ?? 'unknown',
      outcome: 'ok',
      seconds: (performance.now() - since) / 1_000,
      ...(form && endpoint.observed?.(form)),
      ...answered,
    });
  };
  return (request, response) => admission.run(response, () => work(request as FormRequest, response));
}

/** The sender of a refused request, as far as it is known. */
interface Refused {
  readonly party?: Party | undefined;
  readonly address?: string | undefined;
}

/**
 * Logs faults of the client as warnings and faults of the issuer as errors, never the request itself. A block is one
 * warning, however many requests it refuses.
 */
export function logRefusal(log: Logger, error: unknown, { party, address }: Refused = {}): void {
  const client = party && nameOf(party);
  if (!isWaybillError(error)) return log.error({ err: error, client }, 'failed');
  const { code, message: reason, detail } = error;
  const from = isWaybillError(error, 'invalid_client', 'too_many_attempts') ? { address } : {};
  const line = { error: code, reason, detail, client, ...from };
  if (!(error instanceof AttemptsExceeded)) log.warn(line, 'refused');
  else if (error.begins) log.warn(line, 'blocked');
  else log.debug(line, 'still blocked');
}
