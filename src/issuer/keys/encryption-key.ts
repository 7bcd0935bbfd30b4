/** Key pairs of services, for tokens that are sealed to them. The private half is for the service alone. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { KeyAgreement, SealCurve } from '../../protocol.ts';

/** A key of a service as a JWK (RFC 7517). */
export interface EncryptionJwk extends JWK {
  readonly kid: string;
}

/** Characters, as the ids of signing keys have them. */
const KID_CHARS = 8;

/** @returns the private key, named after its thumbprint (RFC 7638). */
export async function generateEncryptionKey(crv: SealCurve, alg: KeyAgreement): Promise<EncryptionJwk> {
  const { privateKey } = await generateKeyPair(alg, { crv, extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = (await calculateJwkThumbprint(jwk)).slice(0, KID_CHARS);
  return { ...jwk, use: 'enc', alg, kid };
}

/** The public half. */
export function publicEncryptionKey({ kty, crv, x, y, use, alg, kid }: JWK): JWK {
  return Object.fromEntries(
    Object.entries({ kty, crv, x, y, use, alg, kid }).filter(([, value]) => value !== undefined),
  );
}
