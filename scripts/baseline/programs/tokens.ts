/** Issues the tokens that extractors are measured with, in a process of its own: node tokens.ts CHECKOUT INPUTS, as JSON. */
import { decodeJwt } from 'jose';
import { CLIENT, ENTRY } from '../../bench/online-boutique.ts';
import { SCOPE } from '../../bench/order/strategies.ts';
import { issuerOf, load } from '../checkout.ts';
import { writeTokens, type Inputs } from '../inputs.ts';

/** Twice of what a cold cache keeps. */
const ORDERS = 200;
const CALLEE = 'checkoutservice';
const WAY_TO_LEAF = [CALLEE, 'paymentservice'];

function below(token: string, way: readonly string[]): string {
  const [name, ...rest] = way;
  if (name === undefined) return token;
  const child = decodeJwt<{ embedded?: Readonly<Record<string, string>> }>(token).embedded?.[name];
  if (child === undefined) throw new TypeError(`the tree has no ${name}`);
  return below(child, rest);
}

const [folder = '', json = ''] = process.argv.slice(2);
const inputs = JSON.parse(json) as Inputs;
const issuer = await issuerOf(await load(folder), inputs.embedding);
const { plan, jwks } = issuer;

async function orders(encoding: 'nested' | 'packed'): Promise<string[]> {
  const client = plan.clients.get(CLIENT);
  if (!client) throw new TypeError(`the graph has no client ${CLIENT}`);
  const tokens: string[] = [];
  while (tokens.length < ORDERS)
    tokens.push((await issuer.issue(client, { scopes: [SCOPE], encoding })).token);
  return tokens;
}

const audienceOf = (service = ''): string => plan.services.get(service)?.audience ?? '';
const nested = await orders('nested');
const entry = { audience: audienceOf(ENTRY), callee: CALLEE };
writeTokens(inputs.tokens, {
  issuer: plan.issuer.url,
  jwks: { keys: [...jwks.keys] },
  kinds: {
    leaf: {
      audience: audienceOf(WAY_TO_LEAF.at(-1)),
      tokens: nested.map((root) => below(root, WAY_TO_LEAF)),
    },
    nested: { ...entry, tokens: nested },
    packed: { ...entry, tokens: await orders('packed') },
  },
});
