/** Seals a signed token to its service. In: the nested JWT and a public key. Out: the JWE that carriers pass on. */

import { CompactEncrypt, type CryptoKey, type JWK } from 'jose';

import { sealedHeader, type SealKeySize } from './header.ts';

/** A public key of a service. */
export interface SealKey extends SealKeySize {
  readonly key: CryptoKey | JWK;
}

/**
 * Encrypts a token, with a key pair of its own each time. Nothing is compressed: lengths would tell what is equal (RFC
 * 8725 section 3.6).
 *
 * @param nested the signed token with all that it embeds, never packed: the packed coding compresses too.
 * @param aud its first audience.
 * @param exp seconds since the epoch, where it ends before the token that embeds it.
 */
export async function sealToken(
  nested: string,
  sealKey: SealKey,
  aud: string,
  exp: number | undefined,
): Promise<string> {
  return new CompactEncrypt(Buffer.from(nested, 'latin1'))
    .setProtectedHeader({ ...sealedHeader(sealKey, aud, exp) })
    .encrypt(sealKey.key);
}
