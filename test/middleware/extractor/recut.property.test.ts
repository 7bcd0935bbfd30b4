import { expect } from 'chai';

import { extractor, type Extractor } from '../../../src/middleware/index.ts';
import { unpack } from '../../../src/token/index.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { recut } from '../../support/packed/recut.ts';
import { ISSUER, NOW, claims, makeSigner, type Json, type Signer } from '../../support/keys/signer.ts';

const seed = Date.now() % 2 ** 31;
const CUTS = 1_500;

const audience = (name: string): string => `https://${name}.boutique.example`;

describe(`a bundle that its holder has repacked (seed ${seed})`, () => {
  let signer: Signer;
  /** By name. */
  const tokens = new Map<string, string>();

  before(async () => {
    signer = await makeSigner();
    const token = async (name: string, n: number, more: Json, children: readonly string[] = []) => {
      const embedded = Object.fromEntries(children.map((child) => [child, tokens.get(child)!]));
      const own = {
        aud: audience(name),
        jti: `T1.${n}`,
        ...more,
        ...(children.length > 0 ? { embedded } : {}),
      };
      // What stands behind the children in the text.
      const last = n % 2 === 0 ? { note: { a: [1, '":', ',"'], b: '{"c":"d"}' } } : {};
      tokens.set(name, await signer.sign({ ...claims(own), ...last }));
    };
    await token('stock', 4, { act: { sub: 'spiffe://boutique.example/cart' }, email: '"a","b":"c"' });
    await token('cart', 3, { act: { sub: 'spiffe://boutique.example/order' } }, ['stock']);
    await token('mail', 2, { act: { sub: 'order' }, tags: ['a', 'b', { c: 'd,"e":"f"' }] });
    const onDemand = { crm: audience('crm'), pay: audience('pay') };
    await token('order', 1, { act: { sub: 'edge' }, on_demand: onDemand }, ['cart', 'mail']);
    await token('edge', 0, { claim: { embedded: { order: 'x.y.z' } } }, ['order', 'mail']);
  });

  function extractorOf(name: string): Extractor {
    return extractor({
      issuer: ISSUER,
      audience: audience(name),
      caller: 'none',
      jwksUri: `${ISSUER}/jwks`,
      clock: () => NOW,
      fetch: async () => Response.json({ keys: [signer.publicJwk] }),
    });
  }

  it('gives the children that the signature covers, down to the leaves', async () => {
    const random = seededRandom(seed);
    const services = new Map([...tokens.keys()].map((name) => [name, extractorOf(name)]));
    const children: Readonly<Record<string, readonly string[]>> = {
      edge: ['order', 'mail'],
      order: ['cart', 'mail'],
      cart: ['stock'],
    };
    let taken = 0;

    async function follow(name: string, token: string): Promise<void> {
      expect(unpack(token)).to.equal(tokens.get(name));
      const request = await services.get(name)!.authenticate({ authorization: `Bearer ${token}` });
      for (const child of children[name] ?? []) {
        taken += 1;
        await follow(child, request.child(child));
      }
    }

    for (let i = 0; i < CUTS; i += 1) await follow('edge', recut(tokens.get('edge')!, random));
    expect(taken).to.equal(CUTS * 5);
  });
});
