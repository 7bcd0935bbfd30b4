/** The bearer token of a request, read from its `Authorization` header (RFC 6750 section 2.1; no other place). */

import { WaybillError } from '../errors.ts';

/** One string per header line, in any container that frameworks use. */
export type AuthorizationHeader = string | readonly string[] | undefined;

/** `b64token` of RFC 6750 section 2.1. */
const B64TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * @param limit the largest token in bytes; checked before anything else is done with it.
 * @throws WaybillError `token_missing` where there is no bearer token, `token_repeated` where there are two headers,
 *   `token_too_large`, `token_malformed`.
 */
export function bearerToken(authorization: AuthorizationHeader, limit: number): string {
  const [line, ...more] = typeof authorization === 'string' ? [authorization] : (authorization ?? []);
  if (more.length > 0) throw repeated();
  const scheme = /^bearer(?: +|$)/i.exec(line ?? '');
  // Another scheme is no failed attempt at this one: RFC 6750 section 3.1 asks for an answer without error code.
  if (line === undefined || scheme === null)
    throw new WaybillError('token_missing', 'the request has no bearer token');
  const token = line.slice(scheme[0].length).trimEnd();
  requireSize(token, limit);
  // The Fetch standard joins repeated headers with a comma, which no bearer token contains.
  if (token.includes(',')) throw repeated();
  if (!B64TOKEN.test(token))
    throw new WaybillError('token_malformed', 'the bearer token has characters that none has');
  return token;
}

function requireSize(token: string, limit: number): void {
  if (token.length <= limit) return;
  const size = `${token.length} bytes`;
  throw new WaybillError(
    'token_too_large',
    `the bearer token has ${size}, this service accepts ${limit} bytes`,
  );
}

function repeated(): WaybillError {
  return new WaybillError('token_repeated', 'the request has more than one Authorization header');
}
