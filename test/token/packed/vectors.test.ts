import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { JSONWebKeySet } from 'jose';

import { isWaybillError } from '../../../src/errors.ts';
import { isPacked, keySet, pack, tokenVerifier, unpack } from '../../../src/token/index.ts';
import { readFromThePage } from './specification/reader.ts';

interface Vectors {
  readonly keys: JSONWebKeySet['keys'];
  readonly tokens: readonly {
    readonly name: string;
    readonly coding: 'modelled' | 'stored' | 'bare';
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

const file = fileURLToPath(new URL('../../vectors/packed-v1.json', import.meta.url));
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

describe('the packed coding, test/vectors/packed-v1.json', () => {
  for (const { name, coding, nested, packed } of vectors.tokens) {
    it(`unpacks and packs: ${name}`, () => {
      expect(unpack(packed)).to.equal(nested);
      expect(pack(nested)).to.equal(packed);
      expect(isPacked(packed)).to.equal(coding !== 'bare');
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
