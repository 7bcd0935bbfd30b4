/** Key pairs of services for sealed tokens. */
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { KeyAgreement, SealCurve } from '../../../src/protocol.ts';

export interface SealKeyPair {
  readonly publicJwk: JWK & { readonly kid: string };
  readonly privateJwk: JWK & { readonly kid: string };
  /** As a service publishes it. */
  readonly jwks: { readonly keys: readonly JWK[] };
}

const ALG = 'ECDH-ES';

export async function sealKeyPair(
  kid: string,
  { crv = 'P-256', alg }: { readonly crv?: SealCurve; readonly alg?: KeyAgreement } = {},
): Promise<SealKeyPair> {
  const { publicKey, privateKey } = await generateKeyPair(ALG, { crv, extractable: true });
  const more = { use: 'enc', kid, ...(alg === undefined ? {} : { alg }) };
  const publicJwk = { ...(await exportJWK(publicKey)), ...more };
  return {
    publicJwk,
    privateJwk: { ...(await exportJWK(privateKey)), ...more },
    jwks: { keys: [publicJwk] },
  };
}
