/** What `token/signature.ts` does, by the browser's own Web Crypto, which answers later. */
import type { SigningAlgorithm } from '../../../token/index.ts';

/** How Web Crypto is asked to check each algorithm (RFC 7518 section 3, RFC 8037 section 3.1). */
const SCHEMES: Readonly<Record<SigningAlgorithm, AlgorithmIdentifier | EcdsaParams | RsaPssParams>> = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' },
  PS256: { name: 'RSA-PSS', saltLength: 32 },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
};

/** A key that is not for the algorithm is refused by the browser: it holds nothing. */
export async function isSignedBy(
  key: CryptoKey,
  alg: SigningAlgorithm,
  signed: string,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  try {
    return await crypto.subtle.verify(SCHEMES[alg], key, signature, new TextEncoder().encode(signed));
  } catch {
    return false;
  }
}
