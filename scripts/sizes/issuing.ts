/** Issues trees as `waybill serve` does: a real key, real random ids. The time stands still, so that sizes do too. */
import { authenticatingParties, createIssuer } from '../../src/issuer/index.ts';
import { generateKey, keyRing, type KeyRing } from '../../src/issuer/keys/index.ts';
import type { Plan } from '../../src/graph/index.ts';
import type { SigningAlgorithm } from '../../src/token/index.ts';

/** Seconds since the epoch at which every tree is issued. */
export const NOW = 1_800_000_000;

export interface Asked {
  readonly client: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
}

export async function newKeys(alg: SigningAlgorithm): Promise<KeyRing> {
  return keyRing([await generateKey(alg, () => NOW)], alg);
}

/** The root token with its children nested in it. */
export async function issuedTree(plan: Plan, asked: Asked, ring?: KeyRing): Promise<string> {
  const { client, scopes, resources } = asked;
  const clock = (): number => NOW;
  const keys = ring ?? (await newKeys(plan.issuer.signing));
  const secrets = new Map(
    [...authenticatingParties(plan).keys()].map((name) => [name, `the secret of ${name}`]),
  );
  const issuer = createIssuer({ plan, keys, secrets, clock });
  const party = plan.clients.get(client);
  if (!party) throw new Error(`no client ${client}`);
  return (await issuer.issue(party, { scopes, resources })).token;
}
