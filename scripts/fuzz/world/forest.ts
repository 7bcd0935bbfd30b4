/**
 * Trees with a record of every token: what it says, whom it is for, who presents it, what it holds. The record is read from
 * the issued text by plain means. What an exchange may give is recorded too, from the same request to an issuer whose graph
 * embeds what this one's lets services fetch.
 */
import { readFileSync } from 'node:fs';

import { CompactEncrypt, compactDecrypt, importJWK } from 'jose';

import type { Plan, ServicePlan } from '../../../src/graph/index.ts';
import { createIssuer, type Issuer } from '../../../src/issuer/index.ts';
import { keyRing, type KeyRing } from '../../../src/issuer/keys/index.ts';
import { pack } from '../../../src/token/index.ts';
import { sealKeyPair, type SealKeyPair } from '../../../test/support/keys/seal-keys.ts';
import { Secrets } from '../judge.ts';
import { scratchGraph } from './scratch-graph.ts';
import {
  LOGIN,
  NOW,
  clientOf,
  clock,
  forgerKey,
  issuerKey,
  loginKey,
  publishedBy,
  secretOf,
} from './shop.ts';

/** Who presents the roots. */
export const GATEWAY = 'spiffe://fuzz.example/edge';

export type Payload = Readonly<Record<string, unknown>> & {
  readonly aud: string;
  readonly sub: string;
  readonly client_id: string;
  readonly txn: string;
  readonly exp: number;
  readonly scope: string;
  readonly act?: Actor;
  readonly embedded?: Readonly<Record<string, string>>;
  readonly on_demand?: Readonly<Record<string, string>>;
};

export interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

/** A token as it was issued. */
export interface Grown {
  /** Nested; opened where it was sealed. */
  readonly text: string;
  /** As its parent holds it: the text, or that sealed. */
  readonly carried: string;
  readonly packed: string;
  readonly payload: Payload;
  readonly children: ReadonlyMap<string, Grown>;
  /** What it would be if nothing were left to fetch. */
  readonly whole: Whole;
}

/** A token of the issuer that embeds everything: its transaction and times are its own. */
export interface Whole {
  readonly payload: Payload;
  readonly children: ReadonlyMap<string, Whole>;
}

export interface Forest {
  readonly plan: Plan;
  readonly keys: KeyRing;
  readonly issuer: Issuer;
  readonly secrets: Secrets;
  /** Roots, and trees that services fetched. */
  readonly trees: readonly Grown[];
  /** Every token of every tree. */
  readonly tokens: readonly Grown[];
  readonly byText: ReadonlyMap<string, Grown>;
  /** Sealed texts, by what is in them: as issued, and sealed by those who have the public key of a service, as all have. */
  readonly opened: ReadonlyMap<string, string>;
  /** Of the one service to which tokens are sealed. */
  readonly vaultKey: SealKeyPair;
}

const REQUESTS = [
  { client: 'web', user: 'alice', scopes: ['order', 'look'], amount: 1250 },
  { client: 'web', user: 'bob', scopes: ['order'], amount: 90_000 },
  { client: 'web', user: 'alice', scopes: ['look'] },
  { client: 'web', user: 'bob', scopes: ['manage'] },
  { client: 'web', scopes: ['order'] },
  { client: 'kiosk', user: 'alice', scopes: ['order'], amount: 7 },
  { client: 'kiosk', scopes: ['order', 'look'], amount: 1250 },
  { client: 'kiosk', scopes: ['look'] },
] as const;

let grown: Promise<Forest> | undefined;

/** Nothing in it changes, so one is enough. Its ids are random; inputs are changes of it, and do not depend on them. */
export function growForest(): Promise<Forest> {
  grown ??= makeForest();
  return grown;
}

async function makeForest(): Promise<Forest> {
  const graph = readFileSync(new URL('forest.yaml', import.meta.url), 'utf8');
  const { kid, privateJwk: jwk } = issuerKey;
  const keys = keyRing([{ kid, alg: 'Ed25519', status: 'active', created: NOW, jwk }], 'Ed25519', clock);
  const [vaultKey, otherKey] = await Promise.all([sealKeyPair('vault'), sealKeyPair('other')]);
  const issuer = issuerFor(graph, keys, vaultKey);
  const whole = issuerFor(graph.replaceAll(', mode: exchange', ''), keys, vaultKey);
  const trees: Grown[] = [];
  for (const { client, scopes, ...more } of REQUESTS) {
    const [own, other] = await Promise.all([issuer, whole].map((each) => rootOf(each, client, scopes, more)));
    const tree = await grow(own!, await wholeOf(other!, vaultKey), vaultKey);
    trees.push(tree, ...(await fetchedBelow(tree, issuer, vaultKey)));
  }
  const tokens = trees.flatMap(below);
  const secrets = new Secrets();
  secrets.add(...[...issuer.plan.clients.keys(), ...issuer.plan.services.keys()].map(secretOf));
  for (const { text } of tokens) secrets.addToken(text);
  const byText = new Map(tokens.map((token) => [token.text, token]));
  const opened = await sealedBy(tokens, [vaultKey, otherKey]);
  return { plan: issuer.plan, keys, issuer, secrets, trees, tokens, byText, opened, vaultKey };
}

/** Sealed tokens as issued, and what a forger who has the public keys seals: others' tokens, forged ones, sealed ones. */
async function sealedBy(
  tokens: readonly Grown[],
  [own, other]: readonly [SealKeyPair, SealKeyPair],
): Promise<ReadonlyMap<string, string>> {
  const issued = tokens.filter(({ text, carried }) => carried !== text);
  const opened = new Map(issued.map(({ text, carried }) => [carried, text]));
  const header = { alg: 'Ed25519', typ: 'at+jwt', kid: issuerKey.kid };
  const texts = [
    ...issued.flatMap(({ text, carried, payload }) => [text, carried, forgerKey.jws(payload, header)]),
    ...tokens.slice(0, 20).map(({ text }) => text),
  ];
  for (const text of texts) {
    for (const { publicJwk } of [own, own, other]) {
      const aud = opened.size % 3 === 0 ? 'https://ledger.fuzz.example' : 'https://vault.fuzz.example';
      const sealed = await new CompactEncrypt(Buffer.from(text))
        .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT', kid: own.publicJwk.kid, aud })
        .encrypt(publicJwk);
      opened.set(sealed, text);
    }
  }
  return opened;
}

function issuerFor(graph: string, keys: KeyRing, vault: SealKeyPair): Issuer {
  const scratch = scratchGraph();
  try {
    const { plan, findings } = scratch.compile(graph);
    if (!plan) throw new Error(findings.map(({ message }) => message).join('\n'));
    const names = [...plan.clients.keys(), ...plan.services.keys()];
    const secrets = new Map(names.map((name) => [name, secretOf(name)]));
    const encryptionKeys = new Map([['vault', vault.jwks]]);
    return createIssuer({ plan, keys, secrets, clock, encryptionKeys, fetch: publishedBy(keys) });
  } finally {
    scratch.close();
  }
}

interface Details {
  readonly user?: string;
  readonly amount?: number;
}

async function rootOf(
  issuer: Issuer,
  name: string,
  scopes: readonly string[],
  { user, amount }: Details,
): Promise<string> {
  const client = clientOf(issuer.plan, name);
  const request = {
    scopes,
    encoding: 'nested' as const,
    ...(amount === undefined ? {} : { request: { amount } }),
  };
  const issued =
    user === undefined
      ? await issuer.issue(client, request)
      : await issuer.issueFor(client, { token: idTokenOf(user), type: 'id_token' }, request);
  return issued.token;
}

function idTokenOf(user: string): string {
  const claims = { iss: LOGIN, aud: 'https://shop.fuzz.example', sub: user, email: `${user}@fuzz.example` };
  const header = { alg: 'Ed25519', typ: 'JWT', kid: loginKey.kid };
  return loginKey.jws({ ...claims, iat: NOW, exp: NOW + 300 }, header);
}

/** The trees that services can fetch with the tokens of a tree, and with those again. */
async function fetchedBelow(tree: Grown, issuer: Issuer, key: SealKeyPair): Promise<Grown[]> {
  const fetched: Grown[] = [];
  for (const token of below(tree)) {
    const service = serviceAt(issuer.plan, token.payload.aud);
    for (const callee of Object.keys(token.payload.on_demand ?? {})) {
      const request = { subjectToken: token.text, audiences: [callee], resources: [], scopes: [] };
      const { token: text } = await issuer.exchange(service, { ...request, encoding: 'nested' });
      const found = await grow(text, token.whole.children.get(callee)!, key);
      fetched.push(found, ...(await fetchedBelow(found, issuer, key)));
    }
  }
  return fetched;
}

function serviceAt(plan: Plan, audience: string): ServicePlan {
  return [...plan.services.values()].find((service) => service.audience === audience)!;
}

async function grow(carried: string, whole: Whole, key: SealKeyPair): Promise<Grown> {
  const text = await openedWith(key, carried);
  const payload = payloadOf(text);
  const children = new Map<string, Grown>();
  for (const [name, child] of Object.entries(payload.embedded ?? {}))
    children.set(name, await grow(child, whole.children.get(name)!, key));
  return { text, carried, packed: pack(text), payload, children, whole };
}

async function wholeOf(carried: string, key: SealKeyPair): Promise<Whole> {
  const payload = payloadOf(await openedWith(key, carried));
  const children = new Map<string, Whole>();
  for (const [name, child] of Object.entries(payload.embedded ?? {}))
    children.set(name, await wholeOf(child, key));
  return { payload, children };
}

/** With jose alone. */
async function openedWith({ privateJwk }: SealKeyPair, carried: string): Promise<string> {
  if (!isSealed(carried)) return carried;
  const { plaintext } = await compactDecrypt(carried, await importJWK(privateJwk, 'ECDH-ES'));
  return Buffer.from(plaintext).toString();
}

/** RFC 7516 section 9: five parts. */
export function isSealed(token: string): boolean {
  return token.split('.').length === 5;
}

export function payloadOf(text: string): Payload {
  return JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString('utf8')) as Payload;
}

/** A token and all that it holds. */
export function below(token: Grown): Grown[] {
  return [token, ...[...token.children.values()].flatMap(below)];
}
