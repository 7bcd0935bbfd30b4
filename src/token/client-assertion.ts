/** Writes the assertion with which a client or a service authenticates to an issuer (RFC 7523 section 3). */

import { randomBytes, type KeyObject } from 'node:crypto';

import { CompactSign } from 'jose';

import type { FullySpecifiedAlgorithm } from '../protocol.ts';

/** rfc7523bis section 4: a `typ` of its own, so that it cannot pass for another kind of token. */
export const CLIENT_ASSERTION_TYPE = 'client-authentication+jwt';

/** Seconds; it is made for one request. */
const LIFETIME = 60;

export interface AssertionKey {
  readonly key: KeyObject;
  readonly alg: FullySpecifiedAlgorithm;
  /** Undefined where the key has none in the set that the issuer knows. */
  readonly kid: string | undefined;
}

/** @param audience the issuer's URL: its sole audience (rfc7523bis section 3). @param now seconds since the epoch. */
export async function signClientAssertion(
  clientId: string,
  audience: string,
  { key, alg, kid }: AssertionKey,
  now: number,
): Promise<string> {
  const claims = {
    iss: clientId,
    sub: clientId,
    aud: audience,
    jti: randomBytes(16).toString('base64url'),
    iat: now,
    exp: now + LIFETIME,
  };
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg, typ: CLIENT_ASSERTION_TYPE, ...(kid === undefined ? {} : { kid }) })
    .sign(key);
}
