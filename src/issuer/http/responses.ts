/**
 * Turns errors into responses: OAuth errors (RFC 6749 section 5.2) at the OAuth endpoints, problem details (RFC 9457)
 * everywhere else. Details for the log are in neither.
 */
import type { ServerResponse } from 'node:http';
import {
  WaybillError,
  isStepUpRequired,
  isWaybillError,
  type ErrorCode,
  type RequiredLogin,
} from '../../errors.ts';
import { AttemptsExceeded } from '../index.ts';

/** Codes that an OAuth client may see, with their status. Every other code is a fault of the issuer. */
const OAUTH_STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
  insufficient_user_authentication: 400,
  invalid_dpop_proof: 400,
  invalid_authorization_details: 400,
};

/** Something that the issuer needs is unavailable, or it is overloaded; the client may try again. */
const UNAVAILABLE: readonly ErrorCode[] = ['provider_unavailable', 'store_unavailable', 'overloaded'];

/** An `invalid_request` with its own HTTP status. */
export class HttpError extends WaybillError<'invalid_request'> {
  readonly status: number;

  constructor(status: number, message: string) {
    super('invalid_request', message);
    this.status = status;
  }
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  const own = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  response.writeHead(status, Object.assign(own, headers));
  response.end(text);
}

/** RFC 6749 section 5.1: responses with tokens must not be cached, not by HTTP/1.0 caches either. */
export const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' };

/** @returns the code of the OAuth error in the response. */
export function sendOAuthError(response: ServerResponse, error: unknown): string {
  const later = isWaybillError(error) ? retryLater(error) : undefined;
  if (later) {
    const body = { error: 'temporarily_unavailable', error_description: describable(later.message) };
    sendJson(response, later.status, body, { ...NO_STORE, 'retry-after': `${later.seconds}` });
    return body.error;
  }
  const status = isWaybillError(error) ? OAUTH_STATUS[error.code] : undefined;
  if (!isWaybillError(error) || status === undefined) {
    const body = { error: 'server_error', error_description: 'The issuer failed. Its log has the reason.' };
    sendJson(response, 500, body, NO_STORE);
    return body.error;
  }
  // RFC 9110 section 15.5.2: a 401 names a scheme; RFC 6749 section 5.2 requires Basic if the client tried it.
  const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="waybill", charset="UTF-8"' } : {};
  sendJson(
    response,
    error instanceof HttpError ? error.status : status,
    {
      error: error.code,
      error_description: describable(error.message),
      ...(isStepUpRequired(error) ? loginMembers(error) : {}),
    },
    { ...NO_STORE, ...challenge },
  );
  return error.code;
}

/** What the client asks the provider for, with the names of OpenID Connect Core section 3.1.2.1 (RFC 9470 section 4). */
export function loginMembers({ acrValues, maxAge }: RequiredLogin): Readonly<Record<string, unknown>> {
  return {
    ...(acrValues ? { acr_values: acrValues.join(' ') } : {}),
    ...(maxAge === undefined ? {} : { max_age: maxAge }),
  };
}

/** RFC 6749 section 5.2 has no code for these; `temporarily_unavailable` is from section 4.1.2.1. */
function retryLater(error: WaybillError): { status: number; seconds: number; message: string } | undefined {
  const { message } = error;
  if (error instanceof AttemptsExceeded) return { status: 429, seconds: error.retryAfter, message }; // RFC 6585 section 4
  return UNAVAILABLE.includes(error.code) ? { status: 503, seconds: 1, message } : undefined;
}

/** RFC 6749 section 5.2: visible ASCII without `"` and `\`. A name in a request may hold anything. */
function describable(message: string): string {
  return message
    .replace(/"/g, "'")
    .replace(/[^\x20-\x7e]|\\/g, '?')
    .slice(0, 1_000);
}

export function sendProblem(
  response: ServerResponse,
  status: number,
  title: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendJson(
    response,
    status,
    { type: 'about:blank', title, status, detail },
    { 'content-type': 'application/problem+json', ...headers },
  );
}
