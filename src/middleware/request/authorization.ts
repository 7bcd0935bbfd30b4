/**
 * The token of a request, read from its `Authorization` header (no other place): as a bearer token (RFC 6750 section
 * 2.1), or with the scheme of tokens that are bound to a DPoP key (RFC 9449 section 7.1).
 */

import { WaybillError } from '../../errors.ts';
import { copyText } from '../../input/copy-text.ts';
import { isPacked, type TokenType } from '../../token/index.ts';
import { challengedWithDpop } from './challenge.ts';

/** One string per header line, in any container that frameworks use. */
export type AuthorizationHeader = string | readonly string[] | undefined;

export interface PresentedToken {
  readonly scheme: TokenType;
  readonly token: string;
}

/** Which tokens are read. */
export interface AcceptedTokens {
  /** The largest, in bytes. */
  readonly inbound: number;
  readonly packed: PackedTokens;
}

/** Whether packed tokens are read: `refuse` answers them 401 before anything is unpacked. */
export type PackedTokens = 'accept' | 'refuse';

/** `b64token` of RFC 6750 section 2.1, which is `token68` of RFC 9110 section 11.2. */
const TOKEN68 = /^[A-Za-z0-9._~+/-]+=*$/;

const SCHEME = /^(bearer|dpop)(?: +|$)/i;

/** Most characters of a header line beside its token that a cache may keep with it. */
const MAX_BESIDE = 64;

/**
 * Takes the token out of the header, and does not look at its characters: that takes longer than finding it among those
 * that were verified, so it is left to `refusedToken`.
 *
 * @param accepted `inbound`: the largest token in bytes, checked before anything else is done with it; `packed`: whether
 *   a packed one is accepted.
 * @throws WaybillError `token_missing` where there is no such token, `token_repeated` where there are two headers,
 *   `token_too_large`; `token_packed` for a packed token that is not accepted.
 */
export function presentedToken(
  authorization: AuthorizationHeader,
  { inbound, packed }: AcceptedTokens,
): PresentedToken {
  const [line, ...more] = linesOf(authorization);
  if (more.length > 0) throw repeated();
  const scheme = SCHEME.exec(line ?? '');
  // Another scheme is no failed attempt at this one: RFC 6750 section 3.1 asks for an answer without error code.
  if (line === undefined || scheme === null)
    throw new WaybillError('token_missing', 'the request has no bearer token, nor one with the scheme DPoP');
  const piece = line.slice(scheme[0].length).trimEnd();
  const token = line.length - piece.length > MAX_BESIDE ? copyText(piece) : piece;
  requireSize(token, inbound);
  // The Fetch standard joins repeated headers with a comma, which no token contains.
  if (token.includes(',')) throw repeated();
  if (packed === 'refuse' && isPacked(token))
    throw new WaybillError('token_packed', 'the token is packed, and packed tokens are not accepted here');
  return { scheme: scheme[1]?.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', token };
}

/**
 * What to answer where a token was refused. A token with invalid characters is neither a JWT, packed or not, nor a
 * reference: that is its only fault then, and it has no scheme.
 *
 * @param error why it was refused.
 * @returns the error to throw.
 */
export function refusedToken({ scheme, token }: PresentedToken, error: unknown): unknown {
  if (!TOKEN68.test(token)) return new WaybillError('token_malformed', 'the token has invalid characters');
  return scheme === 'DPoP' ? challengedWithDpop(error) : error;
}

export function linesOf(header: AuthorizationHeader): readonly string[] {
  return typeof header === 'string' ? [header] : (header ?? []);
}

function requireSize(token: string, limit: number): void {
  if (token.length <= limit) return;
  const size = `${token.length} bytes`;
  throw new WaybillError('token_too_large', `the token has ${size}, this service accepts ${limit} bytes`);
}

function repeated(): WaybillError {
  return new WaybillError('token_repeated', 'the request has more than one Authorization header');
}
