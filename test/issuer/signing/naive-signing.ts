/** A tree signed plainly: objects, `JSON.stringify`, base64url of each level. */
import type { Plan } from '../../../src/graph/index.ts';
import type { Signer } from '../../../src/issuer/keys/index.ts';
import type { MeasuredToken } from '../../../src/planning/header-budget/index.ts';
import { plainAct, plainInput, type PlainValues } from '../../support/issuer/plain-token.ts';

/** What all tokens of a tree have. */
export type PlainTree = Omit<PlainValues, 'iss' | 'n' | 'held' | 'embedded'>;

/** @param held what a token keeps for later, by its number: it is encrypted anew each time. */
export async function signPlainly(
  plan: Plan,
  signer: Signer,
  { shape, n, children }: MeasuredToken,
  tree: PlainTree,
  held: ReadonlyMap<number, string>,
): Promise<string> {
  const forwarded = shape.branches.filter(({ mode }) => mode === 'forward');
  const scopes = [...shape.scopes, ...forwarded.flatMap((branch) => branch.scopes)];
  const lives = [shape.service, ...scopes].map(({ lifetime = Infinity }) => lifetime);
  const exp = Math.min(tree.exp, tree.iat + Math.min(...lives));
  const embedded: [string, string][] = [];
  const chain = plainAct(shape, tree) ?? tree.chain ?? { sub: tree.client.name };
  for (const { branch, token } of children)
    embedded.push([branch.callee, await signPlainly(plan, signer, token, { ...tree, exp, chain }, held)]);
  const values = { ...tree, iss: plan.issuer.url, exp, n, held: held.get(n), embedded };
  const input = plainInput(signer.alg, signer.kid, shape, values);
  return `${input}.${Buffer.from(await signer.sign(input)).toString('base64url')}`;
}
