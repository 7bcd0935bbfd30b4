/** Verifies signatures with the browser's Web Crypto, which is asynchronous. */
import { requireKeyFor, type SignatureCheck, type SigningAlgorithm } from '../../../../token/index.ts';

/** Web Crypto parameters of each algorithm (RFC 7518 section 3, RFC 8037 section 3.1). */
const SCHEMES: Readonly<Record<SigningAlgorithm, Parameters<typeof crypto.subtle.verify>[0]>> = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' },
  EdDSA: { name: 'Ed25519' },
  PS256: { name: 'RSA-PSS', saltLength: 32 },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
};

export const isSignedBy: SignatureCheck = async (key, alg, signed, signature) => {
  try {
    requireKeyFor(key, alg);
    const bytes = new TextEncoder().encode(signed);
    return await crypto.subtle.verify(SCHEMES[alg], key, new Uint8Array(signature), bytes);
  } catch {
    return false;
  }
};
