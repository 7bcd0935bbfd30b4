/** The largest values that trees can carry: of one client, and of all clients of a graph together. */
import {
  QUOTES,
  largestJson,
  mayHaveValue,
  type Actor,
  type ClaimPlan,
  type ClientPlan,
  type Plan,
} from '../../graph/index.ts';
import type { ConfirmationMethod } from '../../token/index.ts';
import { jsonBytes, type ClaimBytes, type MeasuredValues } from './measure.ts';

export function worstCaseOf(client: ClientPlan): MeasuredValues {
  return {
    sub: worstSubject(client),
    clientId: client.name,
    claimBytes: worstClaimBytes(client),
    confirmation: worstConfirmation(client),
  };
}

/** The longest name and the largest values of all clients. */
export function worstCaseOfAll(plan: Plan): MeasuredValues {
  const clients = [...plan.clients.values()];
  const perClient = clients.map(worstClaimBytes);
  const known = new Map<ClaimPlan, number | undefined>();
  return {
    sub: longest(clients.map(worstSubject)),
    clientId: longest(clients.map((client) => client.name)),
    claimBytes: (claim) => {
      if (!known.has(claim)) {
        const all = perClient.flatMap((bytes) => bytes(claim) ?? []);
        known.set(claim, all.length === 0 ? undefined : Math.max(...all));
      }
      return known.get(claim);
    },
    confirmation: clients.map(worstConfirmation).find((method) => method !== 'jkt') ?? 'jkt',
  };
}

/** The text that takes most as JSON. */
export function longest(names: readonly string[]): string {
  return names.reduce((most, name) => (jsonBytes(name) > jsonBytes(most) ? name : most), '');
}

/** The actor that takes most as JSON, with all that it nests. */
export function longestActor(actors: readonly Actor[]): Actor | undefined {
  return actors
    .map((actor) => ({ actor, bytes: jsonBytes(actor) }))
    .reduce<{ actor?: Actor; bytes: number }>((most, one) => (one.bytes > most.bytes ? one : most), {
      bytes: 0,
    }).actor;
}

/** The most that a claim may take for any value that its bound allows. */
export function worstClaimBytes(client: ClientPlan): ClaimBytes {
  return (claim) => {
    if ('value' in claim.source) {
      // Without a value only where the rules refuse the claim.
      return claim.source.value === undefined ? undefined : jsonBytes(claim.source.value);
    }
    if (!mayHaveValue(claim, client)) return undefined;
    return claim.maxBytes === undefined
      ? jsonBytes(client.claims.get(claim.name))
      : largestJson(claim, claim.maxBytes);
  };
}

/** No header and no limit of a graph can carry this much; a graph may name any number, even an infinite one. */
const MAX_SUBJECT_BYTES = 1 << 24;

/** A `sub` as long as the longest that this client's trees can have; its own name where it asks for itself alone. */
export function worstSubject(client: ClientPlan): string {
  if (client.subjects.length === 0) return client.name;
  const longest = client.subjects.map(({ prefix, subMaxBytes }) => jsonBytes(prefix) + subMaxBytes);
  return 's'.repeat(Math.min(MAX_SUBJECT_BYTES, Math.max(jsonBytes(client.name), ...longest)) - QUOTES);
}

/** How a client's roots are bound where that takes most: any client can send a DPoP proof (RFC 9449 section 5). */
export function worstConfirmation({ boundTo }: Pick<ClientPlan, 'boundTo'>): ConfirmationMethod {
  return boundTo === 'certificate' ? 'x5t#S256' : 'jkt';
}
