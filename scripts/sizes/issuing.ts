/** Issues trees as `waybill serve` does: a real key, real random ids. The time stands still, so that sizes do too. */
import { authenticatingParties, createIssuer } from '../../src/issuer/index.ts';
import { generateKey, keyRing } from '../../src/keys/index.ts';
import type { Plan } from '../../src/graph/index.ts';

const NOW = 1_800_000_000;

export interface Asked {
  readonly client: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
}

/** The root token with its children nested in it. */
export async function issuedTree(plan: Plan, { client, scopes, resources }: Asked): Promise<string> {
  const alg = plan.issuer.signing;
  const clock = (): number => NOW;
  const keys = keyRing([await generateKey(alg, clock)], alg);
  const secrets = new Map(
    [...authenticatingParties(plan).keys()].map((name) => [name, `the secret of ${name}`]),
  );
  const issuer = createIssuer({ plan, keys, secrets, clock });
  const party = plan.clients.get(client);
  if (!party) throw new Error(`no client ${client}`);
  return (await issuer.issue(party, { scopes, resources })).token;
}
