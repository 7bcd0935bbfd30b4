/** The measure of a client that there is not: with the longest name and the largest values of all that there are. */
import type { ClaimPlan, Plan } from '../../graph/index.ts';
import {
  Measure,
  signingSize,
  worstClaimBytes,
  worstConfirmation,
  worstSubject,
  type HeldClaims,
} from './measure.ts';

/** The text that takes most as JSON. */
export function longest(names: readonly string[]): string {
  return names.reduce(
    (most, name) =>
      Buffer.byteLength(JSON.stringify(name)) > Buffer.byteLength(JSON.stringify(most)) ? name : most,
    '',
  );
}

export function heaviest(plan: Plan, heldClaims: HeldClaims): Measure {
  const clients = [...plan.clients.values()];
  const name = longest(clients.map((client) => client.name));
  const perClient = clients.map(worstClaimBytes);
  const known = new Map<ClaimPlan, number | undefined>();
  return new Measure({
    issuer: plan.issuer.url,
    sub: longest(clients.map(worstSubject)),
    clientId: name,
    signing: signingSize(plan.issuer.signing),
    claimBytes: (claim) => {
      if (!known.has(claim)) {
        const all = perClient.flatMap((bytes) => bytes(claim) ?? []);
        known.set(claim, all.length === 0 ? undefined : Math.max(...all));
      }
      return known.get(claim);
    },
    heldClaims,
    exchanged: true,
    confirmation: clients.map(worstConfirmation).find((method) => method !== 'jkt') ?? 'jkt',
  });
}
