/**
 * The grant behind an opaque token, as it is stored: names and values, never a token. A swap makes the tree from it with
 * the graph that runs then. What the graph no longer allows is dropped, and nothing is added.
 */
import type { HeldClaims } from '../../planning/header-budget/index.ts';
import { WaybillError } from '../../errors.ts';
import {
  claimAt,
  reachableTokens,
  resolveRequest,
  type Binding,
  type ClaimPlan,
  type Plan,
  type TokenShape,
} from '../../graph/index.ts';
import { confirmationMethod, type Confirmation, type Encoding } from '../../token/index.ts';
import type { ResolvedRequest } from '../grants/resolve.ts';
import { encodingFor } from '../grants/encoding.ts';
import { subjectClaim } from '../grants/subject-claims.ts';
import type { Subject } from '../grants/subjects.ts';
import type { WantedTree } from '../signing/tree-plan.ts';
import { newBranch, valuesOf, type TreeValues } from '../signing/values.ts';

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
    /** The values that met a condition (`when`) of a scope, by the path of their claim. */
    readonly met: Readonly<Record<string, readonly unknown[]>>;
  };
  readonly txn: string;
  /** The key to which the token is bound; absent: to none. */
  readonly cnf?: Confirmation;
  /** Seconds since the epoch. */
  readonly iat: number;
  readonly exp: number;
}

/** @param shape of the granted tree: only claims that it carries are stored. */
export function grantOf(
  { wanted, values, subject }: ResolvedRequest,
  shape: TokenShape,
  heldClaims: HeldClaims,
): Grant {
  const { client, sub, txn, cnf, iat, exp } = values;
  const scopes = wanted.scopes.map(({ name }) => name);
  const user = subject && {
    provider: subject.provider,
    claims: claimsOf(shape, heldClaims, values),
    met: metBy(subject, wanted, scopes),
  };
  return {
    client: client.name,
    entry: wanted.service.name,
    scopes,
    sub,
    ...(user === undefined ? {} : { user }),
    txn,
    ...(cnf === undefined ? {} : { cnf }),
    iat,
    exp,
  };
}

function claimsOf(
  shape: TokenShape,
  heldClaims: HeldClaims,
  { valueOf }: TreeValues,
): Record<string, unknown> {
  const claims = new Set<ClaimPlan>();
  for (const token of reachableTokens([shape.body])) {
    for (const { claim } of token.claims) claims.add(claim);
    for (const claim of heldClaims(token)) claims.add(claim);
  }
  return Object.fromEntries(
    [...claims].flatMap((claim): [string, unknown][] => {
      const value = isOfSubject(claim) ? valueOf(claim) : undefined;
      return value === undefined ? [] : [[claim.name, value]];
    }),
  );
}

function isOfSubject({ source }: ClaimPlan): boolean {
  return 'from' in source && source.from === 'subject';
}

function metBy(
  { claims }: Subject,
  { calls }: WantedTree,
  scopes: readonly string[],
): Record<string, unknown[]> {
  const met = new Map<string, Set<unknown>>();
  for (const { scope, path, values } of calls.flatMap((call) => call.when)) {
    if (!scopes.includes(scope)) continue;
    const held = [claimAt(claims, path)].flat().filter((value) => values.includes(value));
    met.set(path, new Set([...(met.get(path) ?? []), ...held]));
  }
  return Object.fromEntries([...met].map(([path, values]) => [path, [...values]]));
}

/**
 * Resolves a grant again, under this graph.
 *
 * @param encoding as requested.
 * @throws WaybillError `invalid_grant` if nothing of it is left
 */
export function revive(grant: Grant, plan: Plan, now: number, encoding?: Encoding): ResolvedRequest {
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
  const { scopes } = resolveRequest(plan, client, {
    scopes: left,
    resources: [service.audience],
    ...(user ? { subject: user.met } : {}),
  });
  return {
    wanted: { service, scopes, caller: undefined, calls },
    values: {
      client,
      subject: user !== undefined,
      sub: grant.sub,
      txn: grant.txn,
      branch: newBranch(),
      cnf,
      iat: now,
      exp: grant.exp,
      valueOf: valuesOf(client, user && ((claim) => storedClaim(user.claims, claim))),
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
