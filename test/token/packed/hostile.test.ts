import { expect } from 'chai';
import fc from 'fast-check';
import { deflateRawSync } from 'node:zlib';

import { isWaybillError } from '../../../src/errors.ts';
import {
  keySet,
  pack,
  tokenVerifier,
  unpack,
  type TokenVerifier,
  type UnpackLimits,
} from '../../../src/token/index.ts';
import { ISSUER, NOW, claims, makeSigner } from '../../support/keys/signer.ts';
import { DICTIONARY } from '../../../src/token/packed/dictionary.ts';
import { readFromThePage } from './specification/reader.ts';

const seed = Date.now() % 2 ** 31;
const CODES = ['token_packed', 'token_too_large', 'token_tree_too_large'] as const;

/** The nested token, or undefined for one that was refused as it should be; anything else is thrown. */
function unpacked(packed: string, limits?: UnpackLimits): string | undefined {
  try {
    return unpack(packed, limits);
  } catch (error) {
    if (isWaybillError(error, ...CODES)) return undefined;
    throw error;
  }
}

function pageReads(packed: string): string | undefined {
  try {
    return readFromThePage(packed);
  } catch {
    return undefined;
  }
}

describe(`the packed coding on hostile input (seed ${seed})`, () => {
  let nested: string;
  let bundle: Buffer;
  let verify: TokenVerifier;

  before(async () => {
    const signer = await makeSigner();
    verify = tokenVerifier({ issuer: ISSUER, keys: keySet({ keys: [signer.publicJwk] }), clock: () => NOW });
    const token = (n: number, embedded: object = {}) =>
      signer.sign(
        claims({
          aud: `https://service-${n}.boutique.example`,
          jti: `Su8WNTctWx_KQyMWzcrfnQ.${n}`,
          txn: 'Su8WNTctWx_KQyMWzcrfnQ',
          ...(n > 0 ? { act: { sub: `spiffe://boutique.example/service-${n - 1}` } } : {}),
          ...(Object.keys(embedded).length > 0 ? { embedded } : {}),
        }),
      );
    nested = await token(0, {
      'service-1': await token(1, { 'service-2': await token(2) }),
      'service-3': await token(3),
    });
    bundle = Buffer.from(pack(nested).slice(4), 'base64url');
  });

  const text = (bytes: Uint8Array): string => `wb1~${Buffer.from(bytes).toString('base64url')}`;

  /** The outcome for a changed bundle: refused, the same token in another spelling, or one that does not verify. */
  async function requireUseless(changed: string): Promise<void> {
    const result = unpacked(changed);
    if (result === undefined || result === nested) return;
    let accepted = true;
    try {
      await verify(result);
    } catch (error) {
      if (!isWaybillError(error)) throw error;
      accepted = false;
    }
    expect(accepted, 'a changed bundle verifies').to.equal(false);
  }

  it('with any one bit changed unpacks the same token, or one that does not verify, or none', async () => {
    for (let bit = 0; bit < bundle.length * 8; bit += 1) {
      const changed = Buffer.from(bundle);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      await requireUseless(text(changed));
    }
  });

  it('with any end cut off unpacks a token that does not verify, or none', async () => {
    for (let length = 0; length < bundle.length; length += 1)
      await requireUseless(text(bundle.subarray(0, length)));
  });

  it('refuses a bundle with anything behind it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (more) => {
        expect(unpacked(text(Buffer.concat([bundle, more])))).to.equal(undefined);
      }),
      { seed, numRuns: 100 },
    );
  });

  it('refuses what is changed in the text alone', () => {
    const packed = text(bundle);
    for (const changed of [
      `${packed}=`,
      `${packed}A`,
      `${packed}\n`,
      packed.replace('~', '~ '),
      packed.toUpperCase(),
    ]) {
      expect(unpacked(changed) === undefined || unpacked(changed) === changed).to.equal(true);
    }
  });

  it('takes any bytes within its bounds, or refuses them, and nothing else', () => {
    const limits = { maxNestedBytes: 4096, maxTokens: 8, maxDepth: 4 };
    const bytes = fc.tuple(fc.constantFrom(0, 1), fc.uint8Array({ maxLength: 400 }));
    fc.assert(
      fc.property(bytes, ([deflated, plain]) => {
        const body = deflated === 1 ? deflateRawSync(plain, { dictionary: DICTIONARY }) : plain;
        const head = 2 * body.length + deflated;
        const varint = head < 128 ? [head] : [(head % 128) + 128, head >> 7];
        const result = unpacked(text(Uint8Array.from([...varint, ...body, ...new Uint8Array(200)])), limits);
        expect(result?.length ?? 0).to.be.at.most(4096);
        unpacked(text(plain), limits);
      }),
      { seed, numRuns: 3000 },
    );
  });

  it('schemas/packed.md: a reader written from the page alone refuses the same', () => {
    const change = fc.tuple(fc.nat(bundle.length * 8 - 1), fc.nat(bundle.length * 8 - 1));
    fc.assert(
      fc.property(change, (bits) => {
        const changed = Buffer.from(bundle);
        for (const bit of bits) changed[bit >> 3]! ^= 1 << (bit & 7);
        expect(pageReads(text(changed))).to.equal(unpacked(text(changed), { maxNestedBytes: 2 ** 24 }));
      }),
      { seed, numRuns: 150 },
    );
  });

  it('is not made to work or to grow by a small bundle', () => {
    // One word of 6,000 letters, then the same word in a byte each, in a list that would have 48 MB.
    const word = [...new Array<number>(6000).fill(0x77), 0];
    const record = [19, 0, 0x7b, 0x7d, 0, 0, 0, 1, ...Buffer.from('scope\0'), 0, 1, 0xc9, 0x3e, ...word];
    const body = [...record, ...new Array<number>(8000).fill(0), 0];
    const deflated = deflateRawSync(Uint8Array.from(body), { dictionary: DICTIONARY });
    expect(deflated.length).to.be.below(64);
    const bomb = text(Uint8Array.from([2 * deflated.length + 1, ...deflated]));
    requireRefusedInLittleMemory(bomb);
  });

  it('inflates no more than a body may have', () => {
    const deflated = deflateRawSync(Buffer.alloc(32 * 2 ** 20));
    const head = 2 * deflated.length + 1;
    const varint = [(head % 128) + 128, ((head >> 7) % 128) + 128, head >> 14];
    requireRefusedInLittleMemory(text(Uint8Array.from([...varint, ...deflated])));
  });

  function requireRefusedInLittleMemory(bomb: string): void {
    const before = process.memoryUsage();
    expect(unpacked(bomb, { maxPackedBytes: 2 ** 20 })).to.equal(undefined);
    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).to.be.below(8 * 2 ** 20);
  }
});
