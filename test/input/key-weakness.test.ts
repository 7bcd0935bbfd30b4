import { generateKeyPairSync, verify, constants } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';

import { expect } from 'chai';

import { keyObjectWeakness, keyWeakness } from '../../src/input/key-weakness.ts';
import {
  ed25519Jwk,
  keyOf,
  lowOrderEncodings,
  lowOrderPoints,
  lowOrderSignature,
  pkcs1Padded,
  pssPadded,
  rsaWith,
  unitRsa,
} from '../support/keys/weak-keys.ts';

/** By its members and as a key that was read: the same. */
function weakness(jwk: JsonWebKey): string | undefined {
  const found = keyWeakness(jwk);
  expect(keyObjectWeakness(keyOf(jwk)) === undefined, JSON.stringify(jwk)).to.equal(found === undefined);
  return found;
}

const jwkOf = (key: KeyObject): JsonWebKey => key.export({ format: 'jwk' });

describe('A public key from outside', () => {
  it('is accepted if only its owner can sign with it', () => {
    for (const bits of [2048, 3072, 4096]) expect(weakness(rsaWith('AQAB', bits))).to.equal(undefined);
    expect(weakness(jwkOf(generateKeyPairSync('ed25519').publicKey))).to.equal(undefined);
    for (const namedCurve of ['P-256', 'P-384', 'P-521'])
      expect(weakness(jwkOf(generateKeyPairSync('ec', { namedCurve }).publicKey))).to.equal(undefined);
    const { publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
    expect(keyObjectWeakness(publicKey)).to.equal(undefined);
  });

  it('with the RSA exponent 1 verifies what anyone signs, and is refused', () => {
    const jwk = unitRsa();
    const input = Buffer.from('anything');
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    expect(verify('sha256', input, keyOf(jwk), pkcs1Padded('anything'))).to.equal(true);
    expect(verify('sha256', input, { key: keyOf(jwk), ...pss }, pssPadded('anything'))).to.equal(true);
    expect(weakness(jwk)).to.match(/exponent/);
  });

  it('RFC 8017 section 3.1: has an odd RSA exponent from 3 to 2^32', () => {
    const { n } = rsaWith('AQAB');
    const with_ = (e: bigint): string | undefined => {
      const hex = e.toString(16);
      const octets = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
      return weakness({ kty: 'RSA', n: n!, e: octets.toString('base64url') });
    };
    for (const e of [3n, 5n, 17n, 257n, 65_537n, 2n ** 32n - 1n])
      expect(with_(e), `${e}`).to.equal(undefined);
    for (const e of [0n, 1n, 2n, 4n, 65_536n, 2n ** 32n + 1n, 2n ** 64n + 1n, 2n ** 2047n + 1n])
      expect(with_(e), `${e}`).to.match(/exponent/);
    // Zeros before it change nothing.
    expect(keyWeakness({ kty: 'RSA', n, e: 'AAAB' })).to.match(/exponent/);
    expect(keyWeakness({ kty: 'RSA', n, e: 'AAEAAQ' })).to.equal(undefined);
    for (const e of [undefined, 7, '', '=', 'AQAB!', ' AQAB', null])
      expect(keyWeakness({ kty: 'RSA', n, e }), String(e)).to.match(/exponent/);
  });

  it('RFC 7518 section 3.3: has an RSA modulus of 2,048 to 8,192 bits, whatever zeros stand before it', () => {
    const modulus = (bits: number, zeros = 0): string => {
      const hex = ((1n << BigInt(bits - 1)) | 1n).toString(16);
      const octets = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
      return Buffer.concat([Buffer.alloc(zeros), octets]).toString('base64url');
    };
    const of = (n: unknown) => keyWeakness({ kty: 'RSA', e: 'AQAB', n });
    for (const bits of [2048, 2049, 3071, 8192]) expect(of(modulus(bits)), `${bits}`).to.equal(undefined);
    for (const bits of [2, 512, 1024, 2041, 2047])
      expect(of(modulus(bits, 256))).to.equal(`its modulus has ${bits} bits; RSA keys have at least 2048`);
    for (const bits of [8193, 16_384])
      expect(of(modulus(bits))).to.equal(`its modulus has ${bits} bits; RSA keys have at most 8192`);
    for (const n of [undefined, 7, '', 'AAAA', `${modulus(2048)} `]) expect(of(n)).to.match(/at least 2048/);
  });

  it('on Ed25519 is not one of the eight points of low order, in any encoding', () => {
    const points = lowOrderPoints();
    expect(new Set(points.map(String)).size).to.equal(8);
    const encodings = lowOrderEncodings();
    // 5 values of y, those of 0 and 1 also as p and p + 1, each with either sign.
    expect(new Set(encodings).size).to.equal(14);
    let forged = 0;
    for (const x of encodings) {
      const inputs = Array.from({ length: 16 }, (_, index) => `message ${index}`);
      if (inputs.some((input) => lowOrderSignature(x, input))) forged += 1;
      expect(weakness(ed25519Jwk(x)), x).to.match(/low order|not encoded/);
    }
    expect(forged, 'with each of them anyone can sign').to.equal(14);
  });

  it('RFC 8032 section 5.1.3: on Ed25519 is encoded in one way', () => {
    for (let above = 0; above < 19; above += 1)
      for (const sign of [0x7f, 0xff]) {
        const octets = Buffer.concat([
          Buffer.from([0xed + above]),
          Buffer.alloc(30, 0xff),
          Buffer.from([sign]),
        ]);
        expect(weakness(ed25519Jwk(octets.toString('base64url')))).to.match(/not encoded/);
      }
    for (const x of [undefined, 7, '', 'AAAA', Buffer.alloc(33, 1).toString('base64url')])
      expect(keyWeakness({ kty: 'OKP', crv: 'Ed25519', x })).to.match(/32 octets/);
  });

  it('RFC 7518 section 6.2.1: lies on its curve, which the platform checks when it reads the key', () => {
    const { x } = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
    expect(() => keyOf({ kty: 'EC', crv: 'P-256', x: x!, y: x! })).to.throw();
  });

  it('is of no other kind', () => {
    for (const { publicKey } of [
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('ed448'),
      generateKeyPairSync('x25519'),
    ])
      expect(keyObjectWeakness(publicKey)).to.match(/kind/);
  });
});
