/** What of an issuer works without its store. */
import type { Plan } from '../../graph/index.ts';
import { authenticatingParties } from '../client-authentication/parties.ts';

export interface StoreDependence {
  readonly works: readonly string[];
  /** Features that are answered 503 while the store is lost. */
  readonly needs: readonly string[];
}

export function storeDependence(plan: Plan): StoreDependence {
  const [clients, services] = [[...plan.clients.values()], [...plan.services.values()]];
  const isFree = clients.some(
    ({ auth, token, boundTo }) =>
      auth.method !== 'private_key_jwt' && token !== 'opaque' && boundTo !== 'dpop',
  );
  const parties = [...authenticatingParties(plan).values()];
  const needs: readonly (readonly [string, boolean])[] = [
    ['opaque tokens', clients.some(({ token }) => token === 'opaque')],
    ['private_key_jwt', parties.some(({ auth }) => auth.method === 'private_key_jwt')],
    ['DPoP', true],
    ['exchange by services', services.some(({ auth }) => auth)],
    ['introspection', true],
    ['revocation', true],
  ];
  return {
    works: ['keys', 'metadata', ...(isFree ? ['tokens'] : [])],
    needs: needs.flatMap(([what, isNeeded]) => (isNeeded ? [what] : [])),
  };
}
