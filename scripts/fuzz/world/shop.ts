/**
 * The world of the inputs: a graph, its issuer, and tokens that it signed. The issuer's trees are signed again with fixed
 * ids and times, so that the same seed gives the same inputs in every run.
 */
import { compileGraph } from '../../../src/planning/compile.ts';
import type { ClientPlan, Plan, ServicePlan } from '../../../src/graph/index.ts';
import { createIssuer, type Issuer, type IssuerOptions, type Party } from '../../../src/issuer/index.ts';
import { keyRing, type KeyRing } from '../../../src/issuer/keys/index.ts';
import { pack } from '../../../src/token/index.ts';
import { corpus } from '../corpus/corpus.ts';
import { Secrets } from '../judge.ts';
import { fuzzKey } from './keys.ts';

/** Seconds since the epoch: the clock of everything that is fuzzed stands still. */
export const NOW = 1_800_000_000;
export const clock = (): number => NOW;
export const ISSUER = 'https://tokens.fuzz.example';
export const FRONT = 'https://front.fuzz.example';
export const CHECKOUT = 'https://checkout.fuzz.example/v1/orders';
export const LOGIN = 'https://login.fuzz.example';

export const issuerKey = fuzzKey('issuer');
export const loginKey = fuzzKey('login');
export const clientKey = fuzzKey('client');
/** The attacker's. */
export const forgerKey = fuzzKey('forger');

export interface Tokens {
  /** Trees, as JWTs: roots of several clients, subtrees, and a root that is bound to a key. */
  readonly trees: readonly string[];
  /** JWTs without children. */
  readonly leaves: readonly string[];
  /** The trees, packed. */
  readonly packed: readonly string[];
  /** Signed by the issuer and not valid here: expired, from the future, of another type, issuer or audience. */
  readonly useless: readonly string[];
}

export interface Shop {
  readonly plan: Plan;
  readonly keys: KeyRing;
  readonly tokens: Tokens;
  /** Of clients, and the tokens above. */
  readonly secrets: Secrets;
  /** An ID token of the provider `login`. */
  readonly idToken: string;
  /** A new issuer with a store of its own. */
  issuer(options?: Partial<IssuerOptions>): Issuer;
}

/** The fuzzer's failed logins must not be slowed down. */
const PATIENT = { failures: Number.MAX_SAFE_INTEGER, seconds: 60 };

export function secretOf(name: string): string {
  return `the secret of ${name}: 100 % + größer`;
}

export function clientOf(plan: Plan, name: string): ClientPlan {
  return plan.clients.get(name)!;
}

export function serviceOf(plan: Plan, name: string): ServicePlan {
  return plan.services.get(name)!;
}

export function partyOf(plan: Plan, name: string): Party {
  const client = plan.clients.get(name);
  return client ? { kind: 'client', client } : { kind: 'service', service: serviceOf(plan, name) };
}

/** Key sets of the clients whose graph names a file. */
export function keySets(): Map<string, unknown> {
  return new Map<string, unknown>([
    ['keyed', { keys: [clientKey.publicJwk] }],
    ['own', { keys: [{ kty: 'EC', x5c: [corpus.certificates.own.base64] }] }],
  ]);
}

/** What the issuer and the middleware fetch: key sets and metadata that are where they should be. */
export function publishedBy(keys: KeyRing): typeof globalThis.fetch {
  const documents = new Map<string, object>([
    [`${LOGIN}/jwks`, { keys: [loginKey.publicJwk] }],
    [`${ISSUER}/jwks`, keys.jwks],
    [`${ISSUER}/.well-known/oauth-authorization-server`, { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` }],
  ]);
  return async (address) => {
    const document = documents.get(address instanceof Request ? address.url : address.toString());
    return document ? Response.json(document) : new Response('', { status: 404 });
  };
}

let opened: Promise<Shop> | undefined;

/** Nothing in it changes, so one is enough. */
export function openShop(): Promise<Shop> {
  opened ??= makeShop();
  return opened;
}

async function makeShop(): Promise<Shop> {
  const { plan, findings } = compileGraph([new URL('graph.yaml', import.meta.url).pathname], { clock });
  if (!plan) throw new Error(findings.map(({ message }) => message).join('\n'));
  const { kid, privateJwk: jwk } = issuerKey;
  const keys = keyRing([{ kid, alg: 'Ed25519', status: 'active', created: NOW, jwk }], 'Ed25519', clock);
  const names = [...plan.clients.keys(), ...plan.services.keys()];
  const issuer = (options: Partial<IssuerOptions> = {}): Issuer =>
    createIssuer({
      plan,
      keys,
      secrets: new Map(names.map((name) => [name, secretOf(name)])),
      keySets: keySets(),
      attempts: { client: PATIENT, address: PATIENT },
      clock,
      fetch: publishedBy(keys),
      ...options,
    });
  const tokens = await tokensOf(plan, issuer());
  const idToken = loginKey.jws(
    {
      iss: LOGIN,
      aud: 'https://shop.fuzz.example',
      sub: 'alice',
      email: 'alice@fuzz.example',
      iat: NOW,
      exp: NOW + 300,
    },
    { alg: 'Ed25519', typ: 'JWT', kid: loginKey.kid },
  );
  const secrets = new Secrets();
  secrets.add(...names.map(secretOf));
  const { trees, leaves, packed, useless } = tokens;
  for (const token of [...trees, ...leaves, ...packed, ...useless, idToken]) secrets.addToken(token);
  return { plan, keys, tokens, secrets, idToken, issuer };
}

type Claims = Readonly<Record<string, unknown>> & {
  readonly jti: string;
  readonly embedded?: Readonly<Record<string, string>>;
};

async function tokensOf(plan: Plan, issuer: Issuer): Promise<Tokens> {
  const wanted = [
    ['web', ['order', 'look'], FRONT],
    ['web', ['order'], FRONT],
    ['web', ['look'], FRONT],
    ['kiosk', ['look'], FRONT],
    ['edge', ['look'], FRONT],
    ['web', ['manage'], 'https://admin.fuzz.example'],
  ] as const;
  const roots: string[] = [];
  for (const [at, [client, scopes, resource]] of wanted.entries()) {
    const { token } = await issuer.issue(clientOf(plan, client), { scopes, resources: [resource] });
    roots.push(signedAgain(token, `Fuzz${at}tWx_KQyMWzcrfnQ0`));
  }
  const [first = ''] = roots;
  const claims = claimsOf(first);
  const bound = issuerKey.jws({ ...claims, cnf: { jkt: 'x'.repeat(43) } });
  const subtrees = roots.flatMap(below).filter((token) => claimsOf(token).embedded !== undefined);
  const trees = [...new Set([...roots.filter((token) => claimsOf(token).embedded), bound, ...subtrees])];
  const leaves = [...new Set(roots.flatMap(below).filter((token) => !claimsOf(token).embedded))];
  const header = { alg: 'Ed25519', typ: 'at+jwt', kid: issuerKey.kid };
  const useless = [
    issuerKey.jws({ ...claims, exp: NOW }),
    issuerKey.jws({ ...claims, iat: NOW + 60 }),
    issuerKey.jws({ ...claims, iss: 'https://other.example' }),
    issuerKey.jws({ ...claims, aud: 'https://other.example' }),
    issuerKey.jws(claims, { ...header, typ: 'JWT' }),
    issuerKey.jws(claims, { ...header, kid: 'other' }),
    forgerKey.jws(claims, header),
  ];
  return { trees, leaves, packed: trees.map((token) => pack(token)), useless };
}

/** The same tree with this transaction and numbered ids, signed again from the leaves up. */
function signedAgain(token: string, txn: string): string {
  const { embedded, ...claims } = claimsOf(token);
  const children = Object.entries(embedded ?? {}).map(
    ([name, child]) => [name, signedAgain(child, txn)] as const,
  );
  const jti = `${txn}.${claims.jti.split('.').at(-1)}`;
  const same = { ...claims, jti, txn };
  return issuerKey.jws(children.length > 0 ? { ...same, embedded: Object.fromEntries(children) } : same);
}

/** All tokens of a tree, itself among them. */
function below(token: string): string[] {
  return [token, ...Object.values(claimsOf(token).embedded ?? {}).flatMap(below)];
}

export function claimsOf(token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Claims;
}
