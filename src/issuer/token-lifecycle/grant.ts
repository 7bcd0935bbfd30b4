/**
 * The grant behind an opaque token, as it is stored: names and values, never a token. A swap makes the tree from it with
 * the graph that runs then. What the graph no longer allows is dropped, and nothing is added.
 */
import type { HeldClaims } from '../../planning/header-budget/index.ts';
import { WaybillError } from '../../errors.ts';
import {
  Decision,
  conjunctsOfRequest,
  decideAtSwap,
  decidedAtIssue,
  factValues,
  factsForSwap,
  reachableTokens,
  resolveRequest,
  type Binding,
  type ClaimPlan,
  type ClientPlan,
  type Conjunct,
  type Plan,
  type RequestFacts,
  type TokenShape,
} from '../../graph/index.ts';
import { confirmationMethod, type Confirmation, type Encoding } from '../../token/index.ts';
import type { ResolvedRequest } from '../grants/resolve.ts';
import { encodingFor } from '../grants/encoding.ts';
import { NO_REQUEST_CLAIMS, setterOf, type RequestClaims } from '../grants/request-claims.ts';
import { subjectClaim } from '../grants/subject-claims.ts';
import type { WantedTree } from '../signing/tree-plan.ts';
import { newBranch, valuesOf, type TreeValues } from '../signing/values.ts';

/** A gateway's request for the tree of a grant. */
export interface Swap {
  /** How the tree travels. Default: as the graph says. */
  readonly encoding?: Encoding | undefined;
  /** The claims that the gateway sets, checked. Default: none. */
  readonly context?: RequestClaims;
}

/** Names mean what the graph says when the grant is used. */
export interface Grant {
  readonly client: string;
  readonly entry: string;
  readonly scopes: readonly string[];
  readonly sub: string;
  /** For a user: the provider, and the claims that the tree carries. */
  readonly user?: {
    readonly provider: string;
    readonly claims: Readonly<Record<string, unknown>>;
  };
  /** What was decided of the conditions in the tree; absent: there were none. */
  readonly conditions?: {
    readonly met: readonly string[];
    readonly step_up: readonly string[];
    /** Values that a swap decides with, beside what the gateway says. */
    readonly facts: Readonly<Record<string, unknown>>;
  };
  /** The claims of the request that the tree carries, as the client set them. */
  readonly request?: Readonly<Record<string, unknown>>;
  readonly txn: string;
  /** The key to which the token is bound; absent: to none. */
  readonly cnf?: Confirmation;
  /** Seconds since the epoch. */
  readonly iat: number;
  readonly exp: number;
}

/** @param shape of the granted tree: only claims that it carries are stored. */
export function grantOf(
  plan: Plan,
  { wanted, values, subject, facts = {} }: ResolvedRequest,
  shape: TokenShape,
  heldClaims: HeldClaims,
): Grant {
  const { client, sub, txn, cnf, iat, exp } = values;
  const scopes = wanted.scopes.map(({ name }) => name);
  const carried = carriedBy(shape, heldClaims);
  const user = subject && {
    provider: subject.provider,
    claims: valuesFrom('subject', carried, values),
  };
  const request = valuesFrom('request', carried, values);
  const conditions = conditionsOf(plan, client, wanted, facts);
  return {
    client: client.name,
    entry: wanted.service.name,
    scopes,
    sub,
    ...(user === undefined ? {} : { user }),
    ...(Object.keys(request).length === 0 ? {} : { request }),
    ...(conditions === undefined ? {} : { conditions }),
    txn,
    ...(cnf === undefined ? {} : { cnf }),
    iat,
    exp,
  };
}

/** The claims of a tree, in its tokens and deferred. */
export function carriedBy({ body }: TokenShape, heldClaims: HeldClaims): ReadonlySet<ClaimPlan> {
  const claims = new Set<ClaimPlan>();
  for (const token of reachableTokens([body])) {
    for (const { claim } of token.claims) claims.add(claim);
    for (const claim of heldClaims(token)) claims.add(claim);
  }
  return claims;
}

/** Those of one source that have a value. */
export function valuesFrom(
  from: 'subject' | 'request',
  claims: Iterable<ClaimPlan>,
  { valueOf }: TreeValues,
): Record<string, unknown> {
  return Object.fromEntries(
    [...claims].flatMap((claim): [string, unknown][] => {
      const isFrom = 'from' in claim.source && claim.source.from === from;
      const value = isFrom ? valueOf(claim) : undefined;
      return value === undefined ? [] : [[claim.name, value]];
    }),
  );
}

function conditionsOf(
  plan: Plan,
  client: ClientPlan,
  { calls, scopes, decision }: WantedTree,
  known: RequestFacts,
): Grant['conditions'] {
  if (!decision) return undefined;
  const facts = factsForSwap(conjunctsOfRequest(plan, calls, scopes), factValues(plan, client, known));
  return {
    met: [...decision.met],
    step_up: [...decision.stepUp],
    facts: Object.fromEntries(facts),
  };
}

/** By the ids that were decided. Only what reads the gateway's claims is decided now. */
function decisionOf({ conditions }: Grant, conjuncts: readonly Conjunct[], swap: Swap | undefined): Decision {
  const before = new Decision(conditions?.met ?? [], conditions?.step_up ?? []);
  if (!swap) return decidedAtIssue(conjuncts, before);
  const kept = new Map(Object.entries(conditions?.facts ?? {}));
  return decideAtSwap(conjuncts, before, kept, swap.context ?? NO_REQUEST_CLAIMS);
}

/**
 * Resolves a grant again, under this graph.
 *
 * @param swap what the gateway asks for and sets; absent: nothing is swapped, so a gateway may still set claims.
 * @throws WaybillError `invalid_grant` if nothing of it is left
 */
export function revive(grant: Grant, plan: Plan, now: number, swap?: Swap): ResolvedRequest {
  const client = plan.clients.get(grant.client);
  const service = plan.services.get(grant.entry);
  if (!client || !service) throw gone('the graph no longer has its client or its entry');
  const { user, cnf } = grant;
  if (client.boundTo !== undefined && client.boundTo !== bindingOf(cnf))
    throw gone('the tokens of its client are now bound to another kind of key');
  if (user && !client.subjects.some(({ name }) => name === user.provider))
    throw gone('its client may no longer use its provider');
  const calls = client.calls.filter((call) => call.service === service && call.mode !== 'none');
  const callable = new Set(calls.flatMap((call) => call.scopes.map(({ name }) => name)));
  const left = grant.scopes.filter((name) => callable.has(name) && !plan.issuer.ignoreScopes.has(name));
  // Otherwise no scopes would mean the default scopes.
  if (left.length === 0) throw gone('the graph no longer gives any of its scopes');
  const decided = decisionOf(grant, conjunctsOfRequest(plan, calls), swap);
  const asked = { scopes: left, resources: [service.audience] };
  const { scopes, decision, stepUp } = resolveRequest(plan, client, asked, decided);
  const { encoding, context = NO_REQUEST_CLAIMS } = swap ?? {};
  const { request } = grant;
  return {
    wanted: { service, scopes, caller: undefined, calls, decision, stepUp },
    values: {
      client,
      hasOwnValues: user !== undefined || request !== undefined || context.size > 0,
      awaitsGateway: swap === undefined,
      decision,
      sub: grant.sub,
      txn: grant.txn,
      branch: newBranch(),
      cnf,
      iat: now,
      exp: grant.exp,
      valueOf: valuesOf(client, {
        subject: (claim) => user && storedClaim(user.claims, claim),
        // What gateways set is never stored; and what was stored is not theirs, whoever may set it by now.
        request: (claim) =>
          setterOf(claim) === 'gateway' ? context.get(claim.name) : storedClaim(request ?? {}, claim),
      }),
    },
    encoding: encodingFor(plan, service, encoding),
  };
}

function bindingOf(cnf: Confirmation | undefined): Binding | undefined {
  return cnf && (confirmationMethod(cnf) === 'jkt' ? 'dpop' : 'certificate');
}

/** Stored under its name in the graph. Today's bound applies. */
function storedClaim(stored: Readonly<Record<string, unknown>>, claim: ClaimPlan): unknown {
  if (!Object.hasOwn(stored, claim.name)) return undefined;
  const source = { from: 'subject', path: claim.name } as const;
  return subjectClaim(stored, { ...claim, source });
}

function gone(reason: string): WaybillError {
  return new WaybillError('invalid_grant', `Nothing is left of this grant: ${reason}.`);
}
