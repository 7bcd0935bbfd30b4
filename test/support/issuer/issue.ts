/** Issues trees with real keys, in this process. */

import type { ClientPlan, Plan, ServicePlan } from '../../../src/graph/index.ts';
import {
  authenticatingParties,
  createIssuer,
  type AttemptLimits,
  type ExchangeRequest,
  type IssuedTree,
  type Issuer,
  type IssuerOptions,
} from '../../../src/issuer/index.ts';
import { generateKey, keyRing, type KeyRecord, type KeyRing } from '../../../src/issuer/keys/index.ts';
import type { SigningAlgorithm } from '../../../src/token/index.ts';
import { memoryStore, type MemoryStoreOptions, type Store } from '../../../src/issuer/stores/index.ts';

/** Keys are made once for each algorithm: RSA takes its time. */
const records = new Map<SigningAlgorithm, Promise<KeyRecord>>();

export async function keysFor(alg: SigningAlgorithm): Promise<KeyRing> {
  let record = records.get(alg);
  if (!record) {
    record = generateKey(alg, () => 1_750_000_000);
    records.set(alg, record);
  }
  return keyRing([await record], alg);
}

/** For issuers at which a test fails on purpose, and more often than any client in earnest. */
export const PATIENT: AttemptLimits = {
  client: { failures: 1_000, seconds: 60 },
  address: { failures: 1_000, seconds: 60 },
};

export function secretsFor(plan: Plan): Map<string, string> {
  return new Map([...authenticatingParties(plan).keys()].map((name) => [name, secretOf(name)]));
}

export function secretOf(client: string): string {
  return `secret of ${client}: 100 % + größer & "more"`;
}

export async function issuerFor(
  plan: Plan,
  clock?: () => number,
  more: Partial<IssuerOptions> = {},
): Promise<Issuer> {
  const keys = await keysFor(plan.issuer.signing);
  const clocked = clock ? { clock } : {};
  return createIssuer({
    plan,
    keys,
    secrets: secretsFor(plan),
    store: firstStore(clocked),
    ...clocked,
    ...more,
  });
}

export function clientOf(plan: Plan, name: string): ClientPlan {
  const client = plan.clients.get(name);
  if (!client) throw new Error(`no client ${name}`);
  return client;
}

export function serviceOf(plan: Plan, name: string): ServicePlan {
  const service = plan.services.get(name);
  if (!service) throw new Error(`no service ${name}`);
  return service;
}

/** What a service that shows this token gets for its callee. */
export async function exchange(
  issuer: Issuer,
  service: string,
  subjectToken: string,
  request: Partial<ExchangeRequest>,
): Promise<IssuedTree> {
  const wanted = { subjectToken, audiences: [], resources: [], scopes: [], ...request };
  return issuer.exchange(serviceOf(issuer.plan, service), wanted);
}

/** Issues one tree to a client of the plan. */
export async function issue(
  plan: Plan,
  client: string,
  scopes: readonly string[] = [],
  resources: readonly string[] = [],
): Promise<IssuedTree> {
  const issuer = await issuerFor(plan);
  return issuer.issue(clientOf(plan, client), { scopes, resources });
}

/** A store in memory that no other came before: nothing can have been used already, whatever its time. */
export function firstStore(options: MemoryStoreOptions = {}): Store {
  return memoryStore({ since: 0, ...options });
}
