/** What of a graph the store remembers from one request to the next. */
import type { Plan } from '../../graph/index.ts';
import { authenticatingParties } from '../client-authentication/parties.ts';

/**
 * @returns what two processes would contradict each other in, each with a memory of its own; empty where a graph needs
 *   none. A client can always revoke its tokens: that means something where somebody else asks for it, and where the issuer
 *   asks itself, before it hands a tree out again.
 */
export function sharedStateNeeds(plan: Plan): readonly string[] {
  const [clients, services] = [[...plan.clients.values()], [...plan.services.values()]];
  const kept: readonly (readonly [string, boolean])[] = [
    ['opaque tokens', clients.some(({ token }) => token === 'opaque')],
    [
      'used assertions',
      [...authenticatingParties(plan).values()].some(({ auth }) => auth.method === 'private_key_jwt'),
    ],
    ['used DPoP proofs', clients.some(({ boundTo }) => boundTo === 'dpop')],
    [
      'revocations',
      plan.issuer.reuse !== undefined ||
        services.some(({ auth }) => auth) ||
        clients.some(({ introspect }) => introspect.length > 0),
    ],
  ];
  return kept.flatMap(([what, isKept]) => (isKept ? [what] : []));
}
