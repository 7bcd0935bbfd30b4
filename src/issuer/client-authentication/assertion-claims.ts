/**
 * The claims that every signed assertion of a client must have. The audience must be this issuer's URL and nothing else:
 * another server could publish our endpoint as its own and collect assertions that name it (threat 10).
 */
import { decodeJwt, decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose';
import { WaybillError } from '../../errors.ts';
import { describeLostMarks } from '../stores/index.ts';

/** Characters. An assertion has a few claims and needs no certificate chain in its header. */
export const MAX_ASSERTION = 8 * 1024;
/** Seconds that the client's clock may be ahead. */
const TOLERANCE = 5;

/** Not verified: it only selects the keys that must have signed it. */
export interface DecodedAssertion {
  readonly header: ProtectedHeaderParameters;
  readonly payload: JWTPayload;
}

/** @throws WaybillError `invalid_client` */
export function decodeAssertion(assertion: string): DecodedAssertion {
  if (assertion.length > MAX_ASSERTION) throw refused(`The assertion is larger than ${MAX_ASSERTION} bytes.`);
  try {
    return { payload: decodeJwt(assertion), header: decodeProtectedHeader(assertion) };
  } catch {
    throw refused('The assertion is not a signed JWT.');
  }
}

/** rfc7523bis section 3: the issuer identifier, as the sole value. @throws WaybillError `invalid_client` */
export function requireSoleAudience({ aud }: JWTPayload, issuer: string): void {
  const audiences = [aud].flat();
  if (audiences.length === 1 && audiences[0] === issuer) return;
  throw refused(`The aud of the assertion must be ${issuer} and nothing else.`);
}

/**
 * @param now seconds since the epoch.
 * @param maxLifetime seconds from now to `exp`.
 * @returns `exp`.
 * @throws WaybillError `invalid_client`
 */
export function requireTimes(
  { exp, iat = 0, nbf = 0 }: JWTPayload,
  now: number,
  maxLifetime: number,
): number {
  if (![exp, iat, nbf].every(Number.isFinite) || exp === undefined) {
    throw refused('The assertion needs exp, and its times must be numbers.');
  }
  if (now >= exp) throw refused('The assertion has expired.');
  if (exp > now + maxLifetime + TOLERANCE) {
    throw refused(`The assertion lives longer than ${maxLifetime} seconds.`);
  }
  if (Math.max(iat, nbf) > now + TOLERANCE) throw refused('The assertion is from the future.');
  return exp;
}

/** Valid in every other respect, so its refusal does not count as a failed attempt of the client. */
export class OutdatedAssertion extends WaybillError<'invalid_client'> {}

/**
 * Refuses assertions that may have been used before the marks of the store begin, after a restart or a loss of data. An
 * assertion cannot have been used before its `iat`; one without `iat` cannot have been used while its end was too far
 * away. This relies on the clock of the client.
 *
 * @param since seconds since the epoch (`Store.marksSince`).
 * @param maxLifetime as for `requireTimes`.
 * @throws OutdatedAssertion
 */
export function requireKnownUse(
  { iat, nbf = 0, exp = 0 }: JWTPayload,
  since: number,
  maxLifetime: number,
): void {
  if ((iat ?? Math.max(nbf, exp - maxLifetime) - TOLERANCE) >= since) return;
  const lost = describeLostMarks('assertions', since);
  throw new OutdatedAssertion(
    'invalid_client',
    iat === undefined
      ? `The assertion has no iat, and ${lost}. Make one with iat.`
      : `The assertion is too old: ${lost}. Make a new one.`,
  );
}

export function refused(message: string): WaybillError {
  return new WaybillError('invalid_client', message);
}

/**
 * An unknown client and a wrong key get the same answer; only the log says which it was.
 *
 * @param hint what can be seen in the assertion itself.
 */
export function unaccepted(detail: string, hint = ''): WaybillError {
  const message = `Unknown client, or the assertion is not signed by its key.${hint}`;
  return new WaybillError('invalid_client', message, { detail });
}
