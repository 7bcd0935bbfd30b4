/**
 * The tokens that extractors are measured with: an order at Online Boutique, issued many times over, so that a token that
 * was never seen can come with every request.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JSONWebKeySet } from 'jose';
import { pack, unfoldTree, type TokenTree } from 'waybill';
import { CLIENT, ENTRY, GRAPH, clientOf, compiled, issuerOf, verifiedTree } from '../boutique.ts';
import type { PartOptions } from '../part.ts';

/** One token as different services would get it, and as often as there are orders. */
export interface Kind {
  readonly name: string;
  /** Of the service that gets it. */
  readonly audience: string;
  /** The callee whose token is handed out; absent where it carries none. */
  readonly callee: string | undefined;
  readonly tokens: readonly Token[];
}

export interface Token {
  /** As it comes in. */
  readonly sent: Buffer;
  /** The JWT that it is, or unpacks to. */
  readonly jwt: Buffer;
}

/** All that whoever verifies them has to know. */
export interface Issued {
  readonly issuer: { readonly url: string; readonly jwks: JSONWebKeySet };
  readonly kinds: readonly Kind[];
}

const ORDER = ['checkout'];
const TOKENS = 12;
const WAY_TO_LEAF = ['checkoutservice', 'paymentservice'];

export async function issueTokens(
  orders: number,
  { folder, tell }: Pick<PartOptions, 'folder' | 'tell'>,
): Promise<Issued> {
  const plan = compiled([longLived(folder)]);
  const { issuer } = await issuerOf(plan);
  const roots: string[] = [];
  while (roots.length < orders) {
    tell(`issuing token ${roots.length + 1} of ${orders}`);
    const { token } = await issuer.issue(clientOf(plan, CLIENT), { scopes: ORDER, encoding: 'nested' });
    roots.push(token);
  }
  await verifiedTree(roots[0]!, issuer, TOKENS);
  const leaves = roots.map((root) => below(unfoldTree(root), WAY_TO_LEAF));
  const audienceOf = (service = ''): string => plan.services.get(service)?.audience ?? '';
  const entry = { audience: audienceOf(ENTRY), callee: WAY_TO_LEAF[0] };
  return {
    issuer: { url: plan.issuer.url, jwks: { keys: [...issuer.jwks.keys] } },
    kinds: [
      {
        name: 'leaf',
        audience: audienceOf(WAY_TO_LEAF.at(-1)),
        callee: undefined,
        tokens: leaves.map((leaf) => tokenOf(leaf)),
      },
      { name: 'checkout nested', ...entry, tokens: roots.map((root) => tokenOf(root)) },
      { name: 'checkout packed', ...entry, tokens: roots.map((root) => tokenOf(root, pack(root))) },
    ],
  };
}

export function writeTokens(file: string, { issuer, kinds }: Issued): void {
  const texts = kinds.map(({ tokens, ...kind }) => ({
    ...kind,
    tokens: tokens.map(({ sent, jwt }) => [jwt.toString('latin1'), sent.toString('latin1')]),
  }));
  writeFileSync(file, JSON.stringify({ issuer, kinds: texts }));
}

/** @param file by `writeTokens`. */
export function readTokens(file: string): Issued {
  const { issuer, kinds } = JSON.parse(readFileSync(file, 'utf8')) as Issued & {
    readonly kinds: readonly { readonly tokens: unknown }[];
  };
  return {
    issuer,
    kinds: kinds.map(({ tokens, ...kind }) => ({
      ...kind,
      tokens: (tokens as unknown as readonly [jwt: string, sent: string][]).map(([jwt, sent]) =>
        tokenOf(jwt, sent),
      ),
    })),
  };
}

function tokenOf(jwt: string, sent = jwt): Token {
  return { sent: Buffer.from(sent), jwt: Buffer.from(jwt) };
}

function below(tree: TokenTree, way: readonly string[]): string {
  const [name, ...rest] = way;
  if (name === undefined) return tree.compact;
  const child = tree.children.find((one) => one.name === name);
  if (!child) throw new TypeError(`the tree has no ${name}`);
  return below(child, rest);
}

/** @returns the graph with tokens that outlive a run on a busy machine. */
function longLived(folder: string): string {
  const text = readFileSync(GRAPH, 'utf8');
  const changed = text.replace('lifetime: 5m', 'lifetime: 12h');
  if (changed === text) throw new TypeError(`${GRAPH} says otherwise how long tokens live`);
  const file = path.join(folder, 'long-lived.yaml');
  writeFileSync(file, changed);
  return file;
}
