/** What is known of a request, as conditions read it. What is not known has no value. */
import { isAllowed } from '../compile/claim-values.ts';
import type { ClientPlan, Plan, SubjectPlan } from '../compile/plan.ts';
import { claimAt } from '../claim-path.ts';
import type { FactValues } from './evaluate.ts';
import type { Fact } from './expression.ts';

/** What is known when a tree begins, beside what the graph says of the client. */
export interface RequestFacts {
  /** The user; absent: the client asks for itself. */
  readonly subject?: SubjectFacts | undefined;
  /** Claims of the request, by name. Default: none. */
  readonly request?: ReadonlyMap<string, unknown> | undefined;
  /** Whether gateways have set theirs, so that conditions on them are decided too. Default: that is later, for an opaque token. */
  readonly atSwap?: boolean;
}

export interface SubjectFacts {
  /** The name of the provider that vouches for the user. */
  readonly provider: string;
  /** All claims of the provider's token. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Seconds since the epoch, when the tree begins. */
  readonly now: number;
}

export function factValues(plan: Plan, client: ClientPlan, { subject, request }: RequestFacts): FactValues {
  return (fact) => {
    switch (fact.source) {
      case 'client':
        return client.claims.get(fact.name);
      case 'request':
        return request?.get(fact.name);
      case 'subject':
        return subject && subjectClaim(plan, subject, fact);
      case 'provider':
        return subject?.provider;
      case 'acr':
        return subject && levelOf(plan, subject);
      case 'age':
        return subject && ageOf(subject);
    }
  };
}

/** A value that the claim cannot have counts as missing. */
function subjectClaim(
  { claims: declared }: Plan,
  { claims }: SubjectFacts,
  { name, path }: Extract<Fact, { path: string }>,
): unknown {
  const value = claimAt(claims, path);
  const claim = declared.get(name);
  return claim && !isAllowed(value, claim) ? undefined : value;
}

/** The graph's level for what the provider says of the login. Only a single provider needs no `acr`. */
function levelOf({ subjects }: Plan, { provider, claims }: SubjectFacts): string | undefined {
  const acr = subjects.get(provider)?.acr;
  const given = claims['acr'];
  // A list is no level: `!(auth.acr in ["low"])` would hold for ["low"].
  if (typeof given !== 'string') return undefined;
  if (!acr) return subjects.size === 1 ? given : undefined;
  return [...acr].find(([, values]) => values.some((value) => value === given))?.[0];
}

/** What a provider must be asked for so that the login has a level. */
export function valuesOfLevel({ acr }: SubjectPlan, level: string): readonly string[] {
  return acr ? (acr.get(level) ?? []) : [level];
}

/** Seconds that clocks may differ by. */
const CLOCK_TOLERANCE = 60;

/** Seconds since the user logged in (OpenID Connect Core section 2). */
function ageOf({ claims, now }: SubjectFacts): number | undefined {
  const at = claims['auth_time'];
  if (typeof at !== 'number' || !Number.isFinite(at) || at > now + CLOCK_TOLERANCE) return undefined;
  return Math.max(0, Math.floor(now - at));
}
