/** Ed25519 keys that are derived from a name: the same in every run, so that an input can be run again. */
import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';

import type { JWK } from 'jose';

export interface FuzzKey {
  readonly kid: string;
  readonly publicKey: KeyObject;
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
  /** The signature of a text, in base64url. Ed25519 signs the same text the same way each time. */
  readonly sign: (text: string) => string;
  /** A compact JWS of this payload. */
  readonly jws: (payload: object | string, header?: Readonly<Record<string, unknown>>) => string;
}

/** The prefix of the 32 bytes of the key in PKCS #8 (RFC 8410 section 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** @param name nothing secret: these keys guard nothing. */
export function fuzzKey(name: string): FuzzKey {
  const seed = createHash('sha256').update(`waybill fuzz ${name}`).digest();
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const kid = `fuzz-${name}`;
  const own = { kid, alg: 'Ed25519' };
  const signText = (text: string): string => sign(null, Buffer.from(text), privateKey).toString('base64url');
  return {
    kid,
    publicKey,
    privateJwk: { ...(privateKey.export({ format: 'jwk' }) as JWK), ...own },
    publicJwk: { ...(publicKey.export({ format: 'jwk' }) as JWK), ...own, use: 'sig' },
    sign: signText,
    jws(payload, header = { alg: 'Ed25519', typ: 'at+jwt', kid }) {
      const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
      const signed = [JSON.stringify(header), text]
        .map((part) => Buffer.from(part).toString('base64url'))
        .join('.');
      return `${signed}.${signText(signed)}`;
    },
  };
}
