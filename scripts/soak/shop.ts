/** A small shop with a real issuer, and its tokens prepared as bytes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  authenticatingParties,
  createIssuer,
  generateKey,
  keyRing,
  memoryStore,
  type ClientPlan,
  type Issuer,
  type KeyRing,
  type Plan,
  type ServicePlan,
} from 'waybill';
import { clientOf, compiled } from '../bench/boutique.ts';

/** Seconds since the epoch, for all but the measured issuer: prepared tokens must not expire. */
export const NOW = 1_800_000_000;

/** Scopes of the entry: each set of them is another request. */
export const SCOPES = Array.from({ length: 12 }, (_, n) => `order:number-${n}`);

/** A claim of the callees, so that tokens are as large as those of a real tree: some 8 KB nested. */
const TERMS = 'All goods remain ours until they are paid for. '.repeat(32);

const auth = (name: string): string => `auth: { method: client_secret_basic, secret_env: ${name} }`;
const more = SCOPES.map((scope) => `${scope}: { calls: { payment: [charge] } }`).join(', ');

/** `web` gets tokens, `kiosk` references, `app` tokens that are bound to its key; `edge` is the gateway before shop. */
const GRAPH = `waybill: 1
issuer: { url: 'https://tokens.example' }
defaults: { audience: 'https://{name}.example', headers: { profile: go }, caller: none }
claims: { terms: { value: '${TERMS}' } }
clients:
  web: { ${auth('WEB')}, calls: { shop: [buy, ${SCOPES.join(', ')}] } }
  kiosk: { ${auth('KIOSK')}, token: opaque, calls: { shop: [buy] } }
  app: { ${auth('APP')}, dpop_bound_access_tokens: true, calls: { shop: [buy] } }
  edge: { ${auth('EDGE')}, introspect: [shop], calls: { shop: [buy] } }
services:
  shop:
    ${auth('SHOP')}
    scopes:
      buy: { calls: { payment: [charge], mail: [send], ads: { scopes: [show], mode: exchange } } }
      ${more.replaceAll('}, order', '}\n      order')}
  payment: { claims: [terms], scopes: { charge: { calls: { bank: [book] } } } }
  bank: { scopes: { book: {} } }
  mail: { claims: [terms], scopes: { send: {} } }
  ads: { scopes: { show: {} } }
`;

export interface Shop {
  readonly plan: Plan;
  readonly keys: KeyRing;
  readonly issuer: Issuer;
  readonly entry: ServicePlan;
  readonly client: (name: string) => ClientPlan;
  readonly secret: (name: string) => string;
  /** Trees for the shop, every second one packed. */
  readonly tokens: readonly string[];
  /** References to such trees. */
  readonly references: readonly string[];
}

/** Prepared inputs of each kind. */
export const INPUTS = 300;

export async function openShop(): Promise<Shop> {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-soak-'));
  const file = path.join(folder, 'graph.yaml');
  writeFileSync(file, GRAPH);
  const plan = compiled([file]);
  rmSync(folder, { recursive: true });
  const keys = keyRing([await generateKey(plan.issuer.signing, () => NOW)], plan.issuer.signing);
  const entry = plan.services.get('shop');
  if (!entry) throw new TypeError('the graph has no shop');
  const client = (name: string): ClientPlan => clientOf(plan, name);
  const issuer = issuerWith({ plan, keys }, () => NOW);
  const issued = async (name: string, encoding?: 'nested' | 'packed'): Promise<string> =>
    (await issuer.issue(client(name), { scopes: ['buy'], encoding })).token;
  const [tokens, references]: [string[], string[]] = [[], []];
  for (let n = 0; n < INPUTS; n += 1) {
    tokens.push(await issued('web', n % 2 === 0 ? 'nested' : 'packed'));
    references.push(await issued('kiosk'));
  }
  return { plan, keys, entry, issuer, client, secret: secretOf, tokens, references };
}

/** @param references most of them that its store keeps. */
export function issuerWith(
  { plan, keys }: Pick<Shop, 'plan' | 'keys'>,
  clock: () => number,
  references = 10_000,
): Issuer {
  const secrets = new Map([...authenticatingParties(plan).keys()].map((name) => [name, secretOf(name)]));
  const store = memoryStore({ clock, maxEntries: { token: references } });
  return createIssuer({ plan, keys, secrets, clock, store });
}

function secretOf(name: string): string {
  return `the secret of ${name}`;
}

/** A header value as a server delivers it: a new text each time. */
export function delivered(bytes: Buffer): string {
  return bytes.toString('latin1');
}
