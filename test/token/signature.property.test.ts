/** Verifying with Node's own crypto against jose's `compactVerify`: what one accepts, the other does. */
import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

import { expect } from 'chai';
import fc from 'fast-check';
import { compactVerify, importJWK } from 'jose';
import type { CryptoKey } from 'jose';

import { fromBase64url, transientBytes } from '../../src/token/base64url.ts';
import { openEnvelope } from '../../src/token/compact.ts';
import { isSignedBy } from '../../src/token/signature.ts';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../../src/token/index.ts';
import { claims, makeSigner, type Signer } from '../support/keys/signer.ts';

/** Whether jose takes the token for this algorithm. */
async function joseTakes(token: string, key: CryptoKey, alg: SigningAlgorithm): Promise<boolean> {
  return compactVerify(token, key, { algorithms: [alg] }).then(
    () => true,
    () => false,
  );
}

/** Whether we do: as the verifier goes, up to the claims. */
function weTake(token: string, key: CryptoKey, alg: SigningAlgorithm): boolean {
  try {
    const { header, signed, signature } = openEnvelope(token);
    return header['alg'] === alg && isSignedBy(key, alg, signed, signature) === true;
  } catch {
    return false;
  }
}

/** Signatures of a good one's length and of others, and a good one with something done to it. */
function damaged(signature: Buffer): fc.Arbitrary<Uint8Array> {
  const { length } = signature;
  return fc.oneof(
    fc.tuple(fc.nat(length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
      const changed = Buffer.from(signature);
      changed[at]! ^= bits;
      return changed;
    }),
    fc.nat(length).map((cut) => signature.subarray(0, cut)),
    fc.uint8Array({ minLength: 1, maxLength: 8 }).map((more) => Buffer.concat([signature, more])),
    fc.uint8Array({ minLength: 1, maxLength: 8 }).map((more) => Buffer.concat([more, signature])),
    fc.uint8Array({ minLength: length, maxLength: length }),
    fc.constantFrom(0, 255).map((byte) => Buffer.alloc(length, byte)),
    fc.constant(Buffer.concat([signature.subarray(length / 2), signature.subarray(0, length / 2)])),
    fc.constant(Buffer.concat([signature.subarray(0, length / 2), Buffer.alloc(length / 2)])),
  );
}

describe('checking a signature', () => {
  for (const alg of SIGNING_ALGORITHMS) {
    describe(alg, () => {
      let signer: Signer;
      let key: CryptoKey;
      let token: string;

      before(async () => {
        signer = await makeSigner(alg);
        key = (await importJWK(signer.publicJwk, alg)) as CryptoKey;
        token = await signer.sign(claims());
      });

      it('takes what the key signed, short or long', async () => {
        for (const blob of ['', 'x'.repeat(40_000), 'ä'.repeat(9000)]) {
          const signed = await signer.sign(claims({ blob }));
          expect([weTake(signed, key, alg), await joseTakes(signed, key, alg)]).to.deep.equal([true, true]);
        }
      });

      it('agrees with jose on damaged signatures', async () => {
        const [header, payload, signature = ''] = token.split('.');
        await fc.assert(
          fc.asyncProperty(damaged(Buffer.from(signature, 'base64url')), async (bytes) => {
            const candidate = [header, payload, Buffer.from(bytes).toString('base64url')].join('.');
            expect(weTake(candidate, key, alg)).to.equal(await joseTakes(candidate, key, alg));
          }),
        );
      });

      it('takes no token with a changed character, and nothing that jose refuses', async () => {
        const change = fc.tuple(fc.nat(token.length - 1), fc.constantFrom(...'AZaz09-_.=+/ ~Ł'));
        let compared = 0;
        await fc.assert(
          fc.asyncProperty(change, async ([at, character]) => {
            const candidate = token.slice(0, at) + character + token.slice(at + 1);
            fc.pre(candidate !== token);
            expect(weTake(candidate, key, alg)).to.equal(false);
            // jose reads base64url that is not canonical.
            if (/[=+/ Ł]/.test(character) || at === token.length - 1) return;
            expect(await joseTakes(candidate, key, alg)).to.equal(false);
            compared += 1;
          }),
        );
        expect(compared).to.be.above(0);
      });

      it('takes no other key, of no other algorithm', async () => {
        expect(SIGNING_ALGORITHMS.length).to.be.above(1);
        for (const other of SIGNING_ALGORITHMS) {
          const { publicJwk } = await makeSigner(other);
          const foreign = (await importJWK(publicJwk, other)) as CryptoKey;
          expect(weTake(token, foreign, alg), other).to.equal(false);
          expect(await joseTakes(token, foreign, alg), other).to.equal(false);
        }
      });
    });
  }

  it('RFC 7518 section 3.4: takes no ECDSA signature in DER', async () => {
    const signer = await makeSigner();
    const key = (await importJWK(signer.publicJwk, 'ES256')) as CryptoKey;
    const token = await signer.sign(claims());
    const [r, s] = [0, 32].map((at) =>
      integer(Buffer.from(token.split('.')[2]!, 'base64url').subarray(at, at + 32)),
    );
    const body = Buffer.concat([r!, s!]);
    const der = Buffer.concat([Buffer.from([0x30, body.length]), body]).toString('base64url');
    const candidate = [...token.split('.').slice(0, 2), der].join('.');
    expect(weTake(candidate, key, 'ES256')).to.equal(false);
    expect(await joseTakes(candidate, key, 'ES256')).to.equal(false);
  });

  it('RFC 7518 sections 3.3 and 3.5: uses no RSA key under 2048 bits, and no private key', async () => {
    const signed = 'e30.e30';
    for (const [alg, name] of [
      ['RS256', 'RSASSA-PKCS1-v1_5'],
      ['PS256', 'RSA-PSS'],
    ] as const) {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
      const algorithm = { name, hash: 'SHA-256' };
      const small = await imported(publicKey, algorithm, 'verify');
      const own = await imported(privateKey, algorithm, 'sign');
      for (const key of [small, own])
        expect(() => isSignedBy(key, alg, signed, Buffer.alloc(128))).to.throw(TypeError);
    }
  });
});

describe('reading base64url', () => {
  it('takes a text where encoding its bytes gives that text again, and no other', () => {
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'ABQZagwz059-_') }),
      fc.string({ unit: fc.constantFrom(...'AQgw-_=+/ \nŁ\u{1F600}~.') }),
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, fc.nat(3), (candidate, padding) => {
        for (const form of [candidate, candidate + '='.repeat(padding)]) {
          const bytes = Buffer.from(form, 'base64url');
          const expected = bytes.toString('base64url') === form ? bytes.toString('hex') : undefined;
          expect(fromBase64url(form)?.toString('hex')).to.equal(expected);
          expect(transientBytes(form)?.toString('hex')).to.equal(expected);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('reads what is longer than its room', () => {
    const bytes = Buffer.alloc(60_000, 0xa7);
    expect(transientBytes(bytes.toString('base64url'))).to.deep.equal(bytes);
    expect(transientBytes(`${bytes.toString('base64url')}=`)).to.equal(undefined);
  });
});

async function imported(
  key: KeyObject,
  algorithm: { name: string; hash: string },
  usage: 'sign' | 'verify',
): Promise<CryptoKey> {
  const type = usage === 'sign' ? 'pkcs8' : 'spki';
  const der = Uint8Array.from(key.export({ type, format: 'der' } as { type: 'spki'; format: 'der' }));
  return crypto.subtle.importKey(type, der, algorithm, true, [usage]);
}

/** DER of a number (X.690 section 8.3). */
function integer(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const short = bytes.subarray(start);
  const value = short[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short;
  return Buffer.concat([Buffer.of(2, value.length), value]);
}
