/**
 * Which claims of the subject a token must keep for later: those of every subtree on demand, as far as the token does
 * not carry them itself. Fixed values and those of a client need no keeping, the graph has them; and those of an
 * embedded subtree stand in its own tokens.
 */
import { getOrAdd } from '../../get-or-add.ts';
import type { ClaimPlan, Plan } from './plan.ts';
import { Walk, embeddedOrFetched, reachableTokens, type TokenBody } from './walk.ts';

/** @returns the claims that a token keeps for later, by its body, for its presenter has no part in it. */
export function heldClaimsOf(plan: Plan): (body: TokenBody) => readonly ClaimPlan[] {
  if (!hasSubjects(plan)) return () => [];
  const held = new HeldClaims();
  return (body) => held.of(body);
}

/** @returns the subject's claims that a tree may need, by its root's body, in it and in all that it leads to. */
export function subjectClaimsOf(plan: Plan): (body: TokenBody) => readonly ClaimPlan[] {
  if (!hasSubjects(plan)) return () => [];
  const held = new HeldClaims();
  return (body) => [...held.needs(body)];
}

function hasSubjects(plan: Plan): boolean {
  return [...plan.clients.values()].some((client) => client.subjects.length > 0);
}

const MAX_KEPT = 10_000;

class HeldClaims {
  #walk = new Walk();
  readonly #below = new WeakMap<TokenBody, ReadonlySet<ClaimPlan>>();
  readonly #held = new WeakMap<TokenBody, readonly ClaimPlan[]>();

  of(token: TokenBody): readonly ClaimPlan[] {
    return getOrAdd(this.#held, token, () => {
      // Requests can merge scopes in more ways than are worth keeping.
      if (this.#walk.size > MAX_KEPT) this.#walk = new Walk();
      const carried = new Set(token.claims.map((need) => need.claim.name));
      const fetched = token.branches.flatMap((branch) => this.#walk.fetched(branch) ?? []);
      const needed = new Set(fetched.flatMap((body) => [...this.needs(body)]));
      return [...needed].filter(({ name }) => !carried.has(name)).sort((a, b) => a.index - b.index);
    });
  }

  /** Everything that a tree and what it leads to may carry of the subject. */
  needs(root: TokenBody): ReadonlySet<ClaimPlan> {
    return getOrAdd(this.#below, root, () => {
      const claims = new Set<ClaimPlan>();
      const below = embeddedOrFetched((branch) => this.#walk.fetched(branch));
      for (const token of reachableTokens([root], below))
        for (const { claim } of token.claims)
          if ('from' in claim.source && claim.source.from === 'subject') claims.add(claim);
      return claims;
    });
  }
}
