/** Verifies signatures with the browser's crypto. */
import { isSignedInWebCrypto, requireKeyFor, type SignatureCheck } from '../../../../token/index.ts';

export const isSignedBy: SignatureCheck = async (key, alg, signed, signature) => {
  try {
    requireKeyFor(key, alg);
    return await isSignedInWebCrypto(key, alg, signed, signature);
  } catch {
    return false;
  }
};
