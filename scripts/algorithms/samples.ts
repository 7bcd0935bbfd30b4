/** A token of each algorithm and each `typ`, signed and verified with jose. */
import { createPublicKey } from 'node:crypto';
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';

import { SIGNING_ALGORITHMS } from '../../src/protocol.ts';

const TYPES = ['JWT', 'at+jwt'];

/** A token to verify, and what a library of another language needs. */
export interface Sample {
  /** `alg/typ` */
  readonly name: string;
  readonly alg: string;
  /** The same object for all of an algorithm. */
  readonly jwk: object;
  readonly pem: string;
  readonly token: string;
}

/** @throws JOSEError where jose does not accept one. */
export async function samples(): Promise<Sample[]> {
  const made: Sample[] = [];
  for (const alg of SIGNING_ALGORITHMS) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), alg, kid: 'k', use: 'sig' };
    const pem = createPublicKey({ key: jwk, format: 'jwk' })
      .export({ type: 'spki', format: 'pem' })
      .toString();
    for (const typ of TYPES) {
      const token = await new SignJWT({ scope: 's' })
        .setProtectedHeader({ alg, typ, kid: 'k' })
        .setAudience('a')
        .setExpirationTime('5m')
        .sign(privateKey);
      await jwtVerify(token, publicKey, { algorithms: [alg], typ });
      made.push({ name: `${alg}/${typ}`, alg, jwk, pem, token });
    }
  }
  return made;
}
