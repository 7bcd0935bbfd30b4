/**
 * Part 1: what it costs to issue a tree, against what its signatures cost.
 *
 * Timed on each side, for the 16 tokens of Online Boutique's largest tree:
 * - Waybill: `issuer.issue`, from the names of scopes to the text of the root token; ids and times are new each time.
 *   Client authentication and HTTP are part 2's.
 * - Bare signatures: `sign` of node:crypto (ES256, r and s side by side) over the 16 signing inputs of such a tree, which
 *   lie ready as bytes. Nothing is put together, serialised or encoded.
 * - jose: `SignJWT` for each token, leaves first; each payload is an object that lies ready but for its children.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { SignJWT, importJWK, type CryptoKey, type JWTPayload } from 'jose';
import { unpack, type TokenTree } from 'waybill';
import { allScopes, leavesFirst, openShop, verifiedTree, type Shop } from './boutique.ts';
import type { Part } from './part.ts';
import { awaited, inTurns, repeated } from './rounds.ts';
import { quotients, spreadOf } from './spread.ts';

const TOKENS = 16;
const NESTED = 'Waybill, nested';
const PACKED = 'Waybill, packed';
const BARE = 'bare signatures';
const JOSE = 'jose SignJWT';

export const issue: Part = {
  name: 'issue',
  title: `Issuing ${TOKENS} tokens in process`,
  async run(options) {
    const shop = await openShop();
    const issued = async (encoding: 'nested' | 'packed'): Promise<string> =>
      (await shop.issuer.issue(shop.client, { scopes: allScopes(shop.client), encoding })).token;
    const tree = await verifiedTree(await issued('nested'), shop.issuer, TOKENS);
    await verifiedTree(unpack(await issued('packed')), shop.issuer, TOKENS);
    const signPlainly = await josesWay(tree, shop);
    await verifiedTree(await signPlainly(), shop.issuer, TOKENS);

    const samples = await inTurns(
      [
        awaited(NESTED, () => issued('nested')),
        awaited(PACKED, () => issued('packed')),
        repeated(BARE, bareSignatures(tree, shop)),
        awaited(JOSE, signPlainly),
      ],
      options,
    );
    const of = (name: string): readonly number[] => samples.get(name) ?? [];
    return {
      ratios: [
        { name: `${NESTED} / ${BARE}`, target: { atMost: 1.12 }, ...quotients(of(NESTED), of(BARE)) },
        { name: `${PACKED} / ${BARE}`, ...quotients(of(PACKED), of(BARE)) },
        { name: `${JOSE} / ${BARE}`, ...quotients(of(JOSE), of(BARE)) },
        { name: `${NESTED} / ${JOSE}`, ...quotients(of(NESTED), of(JOSE)) },
      ],
      figures: [...samples].map(([name, values]) => ({ name, unit: 'µs', ...spreadOf(values) })),
      notes: [`CPU of ${TOKENS} tokens, ES256: the largest tree of graphs/online-boutique.yaml.`],
    };
  },
};

function bareSignatures(tree: TokenTree, { key }: Shop): () => void {
  const inputs = leavesFirst(tree).map(({ compact }) =>
    Buffer.from(compact.slice(0, compact.lastIndexOf('.'))),
  );
  const options = {
    key: createPrivateKey({ key: key.jwk, format: 'jwk' }),
    dsaEncoding: 'ieee-p1363',
  } as const;
  return () => {
    for (const input of inputs) sign('sha256', input, options);
  };
}

async function josesWay(tree: TokenTree, { key }: Shop): Promise<() => Promise<string>> {
  const imported = (await importJWK(key.jwk, key.alg)) as CryptoKey;
  const header = { alg: key.alg, typ: 'at+jwt', kid: key.kid };
  const signed = async ({ payload, children }: TokenTree): Promise<string> => {
    const embedded: Record<string, string> = {};
    for (const child of children) embedded[child.name] = await signed(child);
    const claims: JWTPayload = children.length === 0 ? payload : { ...payload, embedded };
    return new SignJWT(claims).setProtectedHeader(header).sign(imported);
  };
  return () => signed(tree);
}
