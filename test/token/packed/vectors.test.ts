import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inflateRawSync } from 'node:zlib';
import { decodeJwt, type JSONWebKeySet } from 'jose';

import { isWaybillError } from '../../../src/errors.ts';
import { isPacked, keySet, pack, tokenVerifier, unpack } from '../../../src/token/index.ts';
import { DICTIONARY } from '../../../src/token/packed/dictionary.ts';
import type { Payload } from '../../support/issuer/trees.ts';
import { readFromThePage } from './specification/reader.ts';

interface Vectors {
  readonly keys: JSONWebKeySet['keys'];
  readonly tokens: readonly {
    readonly name: string;
    readonly coding: 'deflated' | 'stored' | 'bare';
    readonly nestedFor?: readonly (readonly string[])[];
    readonly nested: string;
    readonly packed: string;
  }[];
  readonly refused: readonly {
    readonly name: string;
    readonly code: string;
    readonly reason: string;
    readonly limits?: Readonly<Record<string, number>>;
    readonly packed: string;
  }[];
}

function vectorsIn(name: string): Vectors {
  const file = fileURLToPath(new URL(`../../vectors/${name}`, import.meta.url));
  return JSON.parse(readFileSync(file, 'utf8')) as Vectors;
}

/** The body as it is before DEFLATE, and the pool; undefined for what is not packed. */
function bodyOf(token: string): string | undefined {
  if (!isPacked(token)) return undefined;
  const bundle = Buffer.from(token.slice(4), 'base64url');
  const at = bundle.findIndex((byte) => byte < 128) + 1;
  const head = bundle.subarray(0, at).reduce((sum, byte, place) => sum + (byte % 128) * 128 ** place, 0);
  const end = at + Math.floor(head / 2);
  const body = bundle.subarray(at, end);
  const stored = head % 2 === 0 ? body : inflateRawSync(body, { dictionary: DICTIONARY });
  return Buffer.concat([stored, bundle.subarray(end)]).toString('hex');
}

for (const file of ['packed-v1.json', 'packed-v1.1.json']) {
  describe(`the packed coding, test/vectors/${file}`, () => {
    const vectors = vectorsIn(file);
    for (const { name, coding, nestedFor, nested, packed } of vectors.tokens) {
      it(`unpacks and packs: ${name}`, () => {
        expect(unpack(packed)).to.equal(nested);
        expect(isPacked(packed)).to.equal(coding !== 'bare');
        const again = pack(nested, { nestedFor });
        if (coding === 'bare') expect(again).to.equal(packed);
        // Another DEFLATE finds other matches, though never with many more bytes, and may find some where none were.
        else expect(again.length).to.be.within(packed.length * 0.97, packed.length * 1.03);
        expect(bodyOf(again)).to.equal(bodyOf(packed));
      });
      if (coding !== 'bare') {
        it(`schemas/packed.md: a reader written from the page alone unpacks: ${name}`, () => {
          expect(readFromThePage(packed)).to.equal(nested);
        });
      }
    }

    for (const { name, code, reason, limits, packed } of vectors.refused) {
      it(`refuses: ${name}`, () => {
        let thrown: unknown;
        try {
          unpack(packed, limits);
        } catch (error) {
          thrown = error;
        }
        if (!isWaybillError(thrown)) throw thrown as Error;
        expect({ code: thrown.code, reason: thrown.message }).to.deep.equal({ code, reason });
      });
      if (code === 'token_packed') {
        it(`schemas/packed.md: a reader written from the page alone refuses: ${name}`, () => {
          expect(() => readFromThePage(packed)).to.throw();
        });
      }
    }

    if (file === 'packed-v1.1.json') {
      for (const { name, packed, coding } of vectors.tokens.filter((token) => token.coding !== 'bare')) {
        it(`threat 28: a reader of revision 1.0 refuses, and never misreads (${coding}): ${name}`, () => {
          expect(() => readFromThePage(packed, '1.0')).to.throw();
        });
      }

      it('has whole chains of actors, the client innermost (L1)', () => {
        const child = vectors.tokens.find(({ name }) => name === 'its child checkoutservice, sent on');
        const { embedded = {} } = decodeJwt<Payload>(child?.nested ?? '');
        expect(decodeJwt<Payload>(embedded['paymentservice'] ?? '').act).to.deep.equal({
          sub: 'spiffe://boutique.example/checkoutservice',
          act: { sub: 'spiffe://boutique.example/frontend', act: { sub: 'storefront' } },
        });
      });
    }

    it('has trees whose signatures hold once they are unpacked', async () => {
      const keys = keySet({ keys: [...vectors.keys] });
      const verify = tokenVerifier({
        issuer: 'https://tokens.boutique.example',
        keys,
        clock: () => 1_800_000_000,
      });
      const [checkout, child] = vectors.tokens;
      for (const vector of [checkout, child]) {
        const { claims } = await verify(unpack(vector?.packed ?? ''));
        expect(Object.keys(claims.embedded ?? {})).to.not.be.empty;
      }
    });
  });
}
