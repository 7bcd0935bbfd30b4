import { isAscii } from 'node:buffer';
import { generateKeyPairSync, sign, webcrypto, type KeyObject } from 'node:crypto';
import { constants, deflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { importJWK } from 'jose';

import { PageBuffer } from '../../../src/architect/explore/page/platform/buffer.ts';
import { compression as ofPage } from '../../../src/architect/explore/page/platform/compression.ts';
import { isAscii as isAsciiOfPage } from '../../../src/architect/explore/page/platform/node-buffer.ts';
import { isSignedBy as isSignedByOfPage } from '../../../src/architect/explore/page/platform/signature.ts';
import { SIGNING_ALGORITHMS, type Inflated, type SigningAlgorithm } from '../../../src/token/index.ts';
import { DICTIONARY } from '../../../src/token/packed/dictionary.ts';
import { compression as ofNode } from '../../../src/token/packed/zlib.ts';
import { isSignedBy } from '../../../src/token/signature.ts';
import { makeSigner } from '../../support/keys/signer.ts';

const seed = Date.now() % 2 ** 31;
const MAX = 32_768;
const OPTIONS = { dictionary: DICTIONARY, maxBytes: MAX };
const page = ofPage(OPTIONS);
const node = ofNode(OPTIONS);

/** Bodies of up to some 40 KiB: of the dictionary, of themselves, and of what was never seen. */
const body = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc
        .tuple(fc.nat(DICTIONARY.length), fc.integer({ min: 1, max: 200 }))
        .map(([at, length]) => DICTIONARY.slice(at, at + length)),
      fc
        .tuple(fc.nat(255), fc.integer({ min: 1, max: 3_000 }))
        .map(([byte, times]) => new Uint8Array(times).fill(byte)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.concat(parts));

const level = fc.constantFrom(0, 1, 6, 9);
const strategy = fc.constantFrom(
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_FIXED,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
);

/** Stored, fixed and dynamic blocks, one or many. */
const stream = fc
  .tuple(body, level, strategy, fc.integer({ min: 1, max: 9 }))
  .map(([bytes, chosen, way, memLevel]) =>
    deflateRawSync(bytes, { dictionary: DICTIONARY, level: chosen, strategy: way, memLevel }),
  );

/** Some bytes changed, cut off at the end or added there. */
const damaged = fc
  .tuple(
    fc.oneof(stream, fc.uint8Array({ minLength: 1, maxLength: 60 })),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
    fc.integer({ min: -3, max: 3 }),
  )
  .map(([bytes, changes, more]) => {
    const changed = Buffer.alloc(Math.max(0, bytes.length + more));
    Buffer.from(bytes).copy(changed);
    for (const [at, byte] of changes) if (changed.length > 0) changed[at % changed.length] = byte;
    return changed;
  });

function shown(inflated: Inflated | undefined): { body: string; read: number } | undefined {
  return inflated && { body: inflated.body.toString('latin1'), read: inflated.read };
}

describe(`the compression of Node and that of the page (seed ${seed})`, () => {
  it('inflate every stream alike, even a damaged one', () => {
    const counts = { inflated: 0, followed: 0, refused: 0 };
    fc.assert(
      fc.property(damaged, (bytes) => {
        const expected = shown(node.inflate(bytes));
        if (!expected) counts.refused += 1;
        else if (expected.read === bytes.length) counts.inflated += 1;
        else counts.followed += 1;
        expect(shown(page.inflate(bytes))).to.deep.equal(expected);
      }),
      { seed, numRuns: 1_500 },
    );
    for (const [what, count] of Object.entries(counts)) expect(count, what).to.be.above(50);
  });

  it('deflate streams that the other inflates, to nearly the same size', () => {
    const sizes = { node: 0, page: 0 };
    fc.assert(
      fc.property(
        body.filter(({ length }) => length <= MAX),
        (bytes) => {
          for (const [writer, reader] of [
            [node, page],
            [page, node],
          ] as const) {
            const written = writer.deflate(bytes);
            sizes[writer === node ? 'node' : 'page'] += written.length;
            const read = reader.inflate(written);
            expect(read?.body.equals(bytes)).to.equal(true);
            expect(read?.read).to.equal(written.length);
          }
        },
      ),
      { seed, numRuns: 200 },
    );
    expect(sizes.page / sizes.node).to.be.within(0.99, 1.01);
  });

  it('stop at the bound, however small the stream and however many blocks it has', () => {
    const zeros = (length: number): Buffer =>
      deflateRawSync(Buffer.alloc(length), { dictionary: DICTIONARY });
    const stored = (length: number): Buffer => {
      const blocks = [];
      for (let left = length; left > 0; left -= 1_000) {
        const size = Math.min(left, 1_000);
        const header = Buffer.from([
          left > 1_000 ? 0 : 1,
          size & 255,
          size >> 8,
          ~size & 255,
          (~size >> 8) & 255,
        ]);
        blocks.push(header, Buffer.alloc(size));
      }
      return Buffer.concat(blocks);
    };
    for (const make of [zeros, stored])
      for (const { inflate } of [node, page]) {
        expect(inflate(make(MAX))?.body.length).to.equal(MAX);
        for (const length of [MAX + 1, 2 * MAX, 10_000_000])
          expect(inflate(make(length))).to.equal(undefined);
      }
  });

  it('allocate no more memory in the page than the bound, whatever the stream', () => {
    const bomb = deflateRawSync(Buffer.alloc(50_000_000), { level: 9 });
    const made: number[] = [];
    const Bytes = globalThis.Uint8Array;
    const counting = new Proxy(Bytes, {
      construct(target, args: unknown[], newTarget) {
        if (typeof args[0] === 'number') made.push(args[0]);
        return Reflect.construct(target, args, newTarget) as Uint8Array;
      },
    });
    globalThis.Uint8Array = counting;
    try {
      expect(page.inflate(bomb)).to.equal(undefined);
    } finally {
      globalThis.Uint8Array = Bytes;
    }
    // The output, and the window that every inflating has.
    expect(made.reduce((sum, length) => sum + length, 0)).to.be.within(MAX, 3 * MAX);
  });
});

describe(`the Buffer of the page (seed ${seed})`, () => {
  const READ = ['utf8', 'latin1', 'base64', 'base64url'] as const;
  const read = fc.constantFrom(...READ);
  const written = fc.constantFrom(...READ, 'hex' as const);
  const plainBytes = (bytes: Uint8Array): number[] => [...bytes];

  it("writes bytes as Node's does", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        written,
        fc.nat(300),
        fc.nat(300),
        (bytes, as, start, end) => {
          const [own, real] = [PageBuffer.from(bytes), Buffer.from(bytes)];
          expect(own.toString(as)).to.equal(real.toString(as));
          expect(own.toString(as, start, end)).to.equal(real.toString(as, start, end));
          expect(plainBytes(own.subarray(start, end))).to.deep.equal(plainBytes(real.subarray(start, end)));
          // The types of the library do not know that a part of a Buffer is one.
          const part = own.subarray(start) as unknown as Buffer;
          expect(part.toString(as)).to.equal(real.subarray(start).toString(as));
        },
      ),
      { seed, numRuns: 1_000 },
    );
  });

  it("reads text as Node's does, even with characters of another alphabet", () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.string({ unit: fc.constantFrom(...'AQgw09az-_+/= .\n'), maxLength: 40 }),
    );
    const compared = { foreign: 0, own: 0 };
    fc.assert(
      fc.property(text, read, (candidate, as) => {
        // Node takes the low byte of characters outside the alphabets; tokens only need to know whether it was base64url.
        if (/[^\0-\xff]/.test(candidate) && as.startsWith('base64')) {
          const again = (made: Buffer | InstanceType<typeof PageBuffer>): boolean =>
            made.toString(as) === candidate;
          expect(again(PageBuffer.from(candidate, as))).to.equal(again(Buffer.from(candidate, as)));
          compared.foreign += 1;
          return;
        }
        compared.own += 1;
        expect(plainBytes(PageBuffer.from(candidate, as))).to.deep.equal(
          plainBytes(Buffer.from(candidate, as)),
        );
        expect(PageBuffer.byteLength(candidate)).to.equal(Buffer.byteLength(candidate));
        const [own, real] = [PageBuffer.alloc(64), Buffer.alloc(64)];
        // The types of the library lack the form without an offset, which it has.
        const write = own.write.bind(own) as unknown as (text: string, as: string) => number;
        expect(write(candidate, as)).to.equal(real.write(candidate, as));
        expect(plainBytes(own)).to.deep.equal(plainBytes(real));
      }),
      { seed, numRuns: 1_000 },
    );
    expect(Object.values(compared)).to.not.include(0);
  });

  it("finds bytes, reverses, fills and joins them, and reads and writes numbers as Node's does", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 4, maxLength: 40 }),
        fc.nat(255),
        fc.nat(2 ** 32 - 1),
        (bytes, byte, number) => {
          const [own, real] = [PageBuffer.from(bytes), Buffer.from(bytes)];
          expect(own.includes(byte)).to.equal(real.includes(byte));
          for (const size of [1, 2, 3, 4])
            expect(own.readUIntBE(bytes.length - size, size)).to.equal(
              real.readUIntBE(bytes.length - size, size),
            );
          own.reverse();
          real.reverse();
          expect(own.writeUInt32BE(number, 0)).to.equal(real.writeUInt32BE(number, 0));
          expect(plainBytes(own)).to.deep.equal(plainBytes(real));
          expect(plainBytes(PageBuffer.alloc(bytes.length, byte))).to.deep.equal(
            plainBytes(Buffer.alloc(bytes.length, byte)),
          );
          for (const length of [bytes.length, 2 * bytes.length])
            expect(plainBytes(PageBuffer.concat([bytes, own], length))).to.deep.equal(
              plainBytes(Buffer.concat([bytes, real], length)),
            );
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it('refuses an encoding that is not compared', () => {
    for (const as of ['hex', 'ascii', 'ucs2', 'constructor'])
      expect(() => PageBuffer.from('61', as)).to.throw(TypeError, as);
  });

  it('knows ASCII, in a part of a larger buffer too', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(40), (bytes, at) => {
        const part = bytes.subarray(at);
        expect(isAsciiOfPage(part)).to.equal(isAscii(part));
      }),
      { seed, numRuns: 500 },
    );
  });
});

describe('the signatures of the page', () => {
  const signed = 'e30.e30';

  async function imported(key: KeyObject, alg: SigningAlgorithm): Promise<webcrypto.CryptoKey> {
    const algorithm = { name: alg === 'PS256' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    return webcrypto.subtle.importKey('spki', key.export({ type: 'spki', format: 'der' }), algorithm, true, [
      'verify',
    ]);
  }

  for (const alg of SIGNING_ALGORITHMS) {
    it(`${alg}: hold where Node's do, and nowhere else`, async () => {
      const signer = await makeSigner(alg);
      const key = (await importJWK(signer.publicJwk, alg)) as webcrypto.CryptoKey;
      const [header, payload, text = ''] = (await signer.sign({ sub: 'a' })).split('.');
      const signature = Buffer.from(text, 'base64url');
      const other = Buffer.from(signature);
      other[3]! ^= 1;
      const input = `${header}.${payload}`;
      for (const [candidate, expected] of [
        [signature, true],
        [other, false],
        [signature.subarray(1), false],
      ] as const) {
        expect(isSignedBy(key, alg, input, candidate)).to.equal(expected);
        expect(await isSignedByOfPage(key, alg, input, candidate)).to.equal(expected);
      }
    });
  }

  it('refuse an RSA key under 2048 bits, which a browser would accept', async () => {
    for (const alg of ['RS256', 'PS256'] as const) {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
      const key = await imported(publicKey, alg);
      const padding = alg === 'PS256' ? { padding: 6, saltLength: 32 } : {};
      const signature = sign('sha256', Buffer.from(signed), { key: privateKey, ...padding });
      const scheme = alg === 'PS256' ? { name: 'RSA-PSS', saltLength: 32 } : { name: 'RSASSA-PKCS1-v1_5' };
      expect(await webcrypto.subtle.verify(scheme, key, signature, Buffer.from(signed))).to.equal(true);
      expect(() => isSignedBy(key, alg, signed, signature)).to.throw(TypeError);
      expect(await isSignedByOfPage(key, alg, signed, signature)).to.equal(false);
    }
  });
});
