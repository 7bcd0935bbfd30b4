/** The signature algorithms of the issuer: how to generate a key and how to sign. Looked up once for each key. */
import { constants, generateKeyPair, sign, type KeyObject, type SignKeyObjectInput } from 'node:crypto';
import { promisify } from 'node:util';

import { SIGNATURE_BYTES } from '../../protocol.ts';
import type { SigningAlgorithm } from '../../token/index.ts';

interface AlgorithmEntry {
  /** The `kty` and `crv` of its keys (RFC 7518 section 6, RFC 8037 section 2). */
  readonly kty: string;
  readonly crv?: string;
  /** Runs outside the event loop: an RSA key takes a while. */
  readonly generate: () => Promise<KeyObject>;
  /** RFC 7518 section 3.1: the digest; null if the algorithm has its own. */
  readonly digest: 'sha256' | null;
  readonly options: Omit<SignKeyObjectInput, 'key'>;
}

const RSA_BITS = 2048;
const generatePair = promisify(generateKeyPair);
const generateRsa = async () => (await generatePair('rsa', { modulusLength: RSA_BITS })).privateKey;

const ed25519: AlgorithmEntry = {
  kty: 'OKP',
  crv: 'Ed25519',
  generate: async () => (await generatePair('ed25519')).privateKey,
  digest: null,
  options: {},
};

export const algorithms: Readonly<Record<SigningAlgorithm, AlgorithmEntry>> = {
  ES256: {
    kty: 'EC',
    crv: 'P-256',
    generate: async () => (await generatePair('ec', { namedCurve: 'P-256' })).privateKey,
    digest: 'sha256',
    options: { dsaEncoding: 'ieee-p1363' }, // RFC 7518 section 3.4: r and s side by side, not DER
  },
  Ed25519: ed25519,
  EdDSA: ed25519,
  PS256: {
    kty: 'RSA',
    generate: generateRsa,
    digest: 'sha256',
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  },
  RS256: {
    kty: 'RSA',
    generate: generateRsa,
    digest: 'sha256',
    options: { padding: constants.RSA_PKCS1_PADDING },
  },
};

/** Signs for one key. */
export interface Signer {
  readonly alg: SigningAlgorithm;
  readonly kid: string;
  /** Bytes of each signature: sizes are computed before anything is signed. */
  readonly signatureBytes: number;
  /**
   * @param input ASCII: header and payload of a token (RFC 7515 section 5.1).
   * @returns the signature as in the token; a promise if a KMS or an HSM makes it.
   */
  readonly sign: (input: string) => Uint8Array | Promise<Uint8Array>;
  /** The same without a promise, for a key that this process holds: tree templates are signed in place. */
  readonly signNow?: (input: Uint8Array) => Uint8Array;
}

/** Shared by all inputs up to its size, since signing is synchronous; longer inputs get a buffer of their own. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

function bytesOf(ascii: string): Uint8Array {
  if (ascii.length > scratch.length) return Buffer.from(ascii, 'latin1');
  return scratch.subarray(0, scratch.write(ascii, 0, 'latin1'));
}

export function localSigner(alg: SigningAlgorithm, kid: string, key: KeyObject): Signer {
  const { digest, options } = algorithms[alg];
  const modulusBits = key.asymmetricKeyDetails?.modulusLength;
  const input: SignKeyObjectInput = { ...options, key };
  return {
    alg,
    kid,
    signatureBytes: modulusBits === undefined ? SIGNATURE_BYTES[alg] : Math.ceil(modulusBits / 8),
    sign: (text) => sign(digest, bytesOf(text), input),
    signNow: (bytes) => sign(digest, bytes, input),
  };
}
