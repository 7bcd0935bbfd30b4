/** Who acted on the way to a request, as its token says. */
import { actorNames, chainOf } from '../../token/index.ts';
import type { VisibleClaims } from './visible-claims.ts';

/**
 * The parties through which a request came, as the graph planned it. It is the path of the authority, and no proof that
 * each of them was called.
 */
export interface RequestLineage {
  /** The nearest first: who presents the token, who called that one, and so on; the client is the last. */
  readonly actors: readonly string[];
  /** Whether it goes back to the client. Tokens of `lineage: caller`, and what comes after them, name less. */
  readonly complete: boolean;
}

export function lineageOf(claims: Pick<VisibleClaims, 'act' | 'client_id'>): RequestLineage {
  const actors = actorNames(chainOf(claims));
  return { actors, complete: actors.at(-1) === claims.client_id };
}
