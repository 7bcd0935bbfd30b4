/** Online Boutique's graph, an issuer of it in this process, and the tokens that it issues: what several parts measure with. */
import {
  authenticatingParties,
  compileGraph,
  createIssuer,
  generateKey,
  keyRing,
  keySet,
  systemClock,
  tokenVerifier,
  unfoldTree,
  type ClientPlan,
  type Issuer,
  type KeyRecord,
  type Plan,
  type TokenTree,
} from 'waybill';
import { verifyTree } from '../../dist/token/index.js';
import { CLIENT, GRAPH } from './online-boutique.ts';

export { CLIENT, ENTRY, GRAPH, ROOT } from './online-boutique.ts';

export interface Shop {
  readonly plan: Plan;
  readonly issuer: Issuer;
  readonly client: ClientPlan;
  /** The only key, private half and all. */
  readonly key: KeyRecord;
}

export async function openShop(): Promise<Shop> {
  const plan = compiled([GRAPH]);
  return { plan, client: clientOf(plan, CLIENT), ...(await issuerOf(plan)) };
}

/** As `waybill serve` makes it: of the published package, with a new key and the system's clock. */
export async function issuerOf(plan: Plan): Promise<Pick<Shop, 'issuer' | 'key'>> {
  const key = await generateKey(plan.issuer.signing, systemClock);
  return { issuer: issuerWith(key, plan), key };
}

export function issuerWith(key: KeyRecord, plan: Plan): Issuer {
  const parties = [...authenticatingParties(plan).keys()];
  const secrets = new Map(parties.map((name) => [name, `the secret of ${name}`]));
  return createIssuer({ plan, keys: keyRing([key], key.alg), secrets });
}

export function compiled(paths: readonly string[]): Plan {
  const { plan, findings } = compileGraph(paths);
  if (plan) return plan;
  throw new TypeError(findings.map(({ file, line, message }) => `${file}:${line} ${message}`).join('\n'));
}

export function clientOf(plan: Plan, name: string): ClientPlan {
  const client = plan.clients.get(name);
  if (!client) throw new TypeError(`the graph has no client ${name}`);
  return client;
}

/** All that the client may ask of its entry: the largest tree. */
export function allScopes(client: ClientPlan): string[] {
  return client.calls.flatMap(({ scopes }) => scopes.map(({ name }) => name));
}

/** Opens a tree and verifies every token of it: nothing is measured that is not right. */
export async function verifiedTree(token: string, issuer: Issuer, tokens: number): Promise<TokenTree> {
  const tree = unfoldTree(token);
  const verify = tokenVerifier({ issuer: issuer.plan.issuer.url, keys: keySet(issuer.jwks) });
  const verdicts = await verifyTree(tree, verify);
  const refused = verdicts.find(({ outcome }) => outcome instanceof Error);
  if (refused) throw new TypeError('a token of the tree does not verify', { cause: refused.outcome });
  if (verdicts.length !== tokens)
    throw new TypeError(`the tree has ${verdicts.length} tokens, not ${tokens}`);
  return tree;
}

/** The tokens of a tree, leaves first. */
export function leavesFirst(tree: TokenTree): TokenTree[] {
  return [...tree.children.flatMap(leavesFirst), tree];
}
