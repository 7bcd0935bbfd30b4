/**
 * Checks the signature of a JWS (RFC 7518 section 3, RFC 8037 section 3.1) with Node's own crypto, synchronously: on its
 * way through Web Crypto's threads a check takes three times the CPU of the check itself. Web Crypto checks where Node's
 * own throws, as in runtimes that have only a part of it.
 */

import { KeyObject, constants, verify, type VerifyKeyObjectInput } from 'node:crypto';

import type { CryptoKey } from 'jose';

import { WaybillError } from '../errors.ts';
import type { SigningAlgorithm } from '../protocol.ts';
import { requireKeyFor } from './key-algorithm.ts';
import type { SignatureCheck } from './platform.ts';
import { isSignedInWebCrypto } from './web-signature.ts';

/** How Node is asked to check with a key. */
interface Scheme {
  readonly digest: 'sha256' | null;
  /** Undefined: that of the modulus, which OpenSSL compares. */
  readonly signatureBytes: number | undefined;
  readonly options: Omit<VerifyKeyObjectInput, 'key'>;
}

const ed25519: Scheme = { digest: null, signatureBytes: 64, options: {} };

const SCHEMES: Readonly<Record<SigningAlgorithm, Scheme>> = {
  ES256: {
    digest: 'sha256',
    signatureBytes: 64,
    options: { dsaEncoding: 'ieee-p1363' }, // RFC 7518 section 3.4: R and S, not DER
  },
  Ed25519: ed25519,
  EdDSA: ed25519,
  PS256: {
    digest: 'sha256',
    signatureBytes: undefined,
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, // section 3.5: that of the digest
  },
  RS256: {
    digest: 'sha256',
    signatureBytes: undefined,
    options: { padding: constants.RSA_PKCS1_PADDING },
  },
};

const keyObjects = new WeakMap<CryptoKey, KeyObject>();

export const isSignedBy = ((key, alg, signed, signature) => {
  requireKeyFor(key, alg);
  const { digest, signatureBytes, options } = SCHEMES[alg];
  if (signatureBytes !== undefined && signature.length !== signatureBytes) return false;
  try {
    return verify(digest, asciiBytes(signed), { key: keyObjectOf(key), ...options }, signature);
  } catch (cause) {
    // workerd takes no KeyObject here; with the key in another form it refuses valid signatures of PS256.
    return isSignedInWebCrypto(key, alg, signed, signature).catch(() => {
      const detail = 'node:crypto threw, and Web Crypto too; some platforms have only a part of them';
      throw new WaybillError('crypto_failed', 'the signature cannot be checked on this platform', {
        detail,
        cause,
      });
    });
  }
}) satisfies SignatureCheck;

/** Where a text becomes bytes for as long as it takes to check it; a longer one has to find its own room. */
const room = Buffer.allocUnsafeSlow(32 * 1024);

function asciiBytes(text: string): Uint8Array {
  if (text.length > room.length) return Buffer.from(text, 'latin1');
  return room.subarray(0, room.write(text, 'latin1'));
}

function keyObjectOf(key: CryptoKey): KeyObject {
  let object = keyObjects.get(key);
  if (object === undefined) {
    object = KeyObject.from(key);
    keyObjects.set(key, object);
  }
  return object;
}
