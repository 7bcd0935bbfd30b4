/** Which parts of a graph need state that lasts from one request to the next. */
import type { Plan } from '../../graph/index.ts';
import { authenticatingParties } from '../client-authentication/parties.ts';

type Needs = readonly (readonly [what: string, isNeeded: boolean])[];

/**
 * @returns what the processes of one issuer must share; empty where each may have a memory of its own. Any client can
 *   revoke its tokens, but that needs sharing only where somebody asks for it: by introspection, or the issuer itself
 *   before it reuses a tree.
 */
export function sharedStateNeeds(plan: Plan): readonly string[] {
  const [clients, services] = [[...plan.clients.values()], [...plan.services.values()]];
  return namesOf([
    ['opaque tokens', clients.some(({ token }) => token === 'opaque')],
    ['used assertions', usesAssertions(plan)],
    ['used DPoP proofs', clients.some(({ boundTo }) => boundTo === 'dpop')],
    [
      'revocations',
      plan.issuer.reuse !== undefined ||
        services.some(({ auth }) => auth) ||
        clients.some(({ introspect }) => introspect.length > 0),
    ],
  ]);
}

export interface StoreDependence {
  readonly works: readonly string[];
  /** Answered 503 while the store is lost. */
  readonly needs: readonly string[];
}

/** What works while the store is lost, and what does not. */
export function storeDependence(plan: Plan): StoreDependence {
  const clients = [...plan.clients.values()];
  const isFree = clients.some(
    ({ auth, token, boundTo }) =>
      auth.method !== 'private_key_jwt' && token !== 'opaque' && boundTo !== 'dpop',
  );
  return {
    works: ['keys', 'metadata', ...(isFree ? ['tokens'] : [])],
    needs: namesOf([
      ['opaque tokens', clients.some(({ token }) => token === 'opaque')],
      ['private_key_jwt', usesAssertions(plan)],
      ['DPoP', true],
      ['exchange by services', [...plan.services.values()].some(({ auth }) => auth)],
      ['introspection', true],
      ['revocation', true],
    ]),
  };
}

function usesAssertions(plan: Plan): boolean {
  return [...authenticatingParties(plan).values()].some(({ auth }) => auth.method === 'private_key_jwt');
}

function namesOf(needs: Needs): string[] {
  return needs.flatMap(([what, isNeeded]) => (isNeeded ? [what] : []));
}
