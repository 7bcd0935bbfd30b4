/** DPoP proofs by keys with which anyone can sign: their signatures are fixed, and need no private key. */
import { createHash } from 'node:crypto';

import { encoded } from '../mutate/jwt.ts';

/** The prefix of a SHA-256 digest in an RSASSA-PKCS1-v1_5 signature (RFC 8017 section 9.2). */
const DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');
/** Ed25519: the neutral element, and a signature that it verifies for every text. */
const NEUTRAL = Buffer.from([1, ...new Array<number>(31).fill(0)]);

export function weakKeys(claims: object): string[] {
  return [
    ...[2_048, 1_024].map((bits) => withExponentOne(claims, bits / 8)),
    signedWith(claims, 'Ed25519', { kty: 'OKP', crv: 'Ed25519', x: NEUTRAL.toString('base64url') }, () =>
      Buffer.concat([NEUTRAL, Buffer.alloc(32)]),
    ),
  ];
}

/** RSA with e = 1: the signature is the padded digest itself. */
function withExponentOne(claims: object, bytes: number): string {
  const n = Buffer.alloc(bytes, 0xff).toString('base64url');
  return signedWith(claims, 'RS256', { kty: 'RSA', n, e: 'AQ' }, (signed) => {
    const digest = Buffer.concat([DIGEST_INFO, createHash('sha256').update(signed).digest()]);
    const padding = Buffer.alloc(bytes - digest.length - 3, 0xff);
    return Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), digest]);
  });
}

function signedWith(claims: object, alg: string, jwk: object, sign: (signed: string) => Buffer): string {
  const header = JSON.stringify({ typ: 'dpop+jwt', alg, jwk });
  const signed = `${encoded(header)}.${encoded(JSON.stringify(claims))}`;
  return `${signed}.${sign(signed).toString('base64url')}`;
}
