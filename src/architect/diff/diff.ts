/**
 * Compares the authority that two graphs give, not their text. In: two plans. Out: changes, each with its impact, and
 * their effects.
 *
 * A comparison is neutral exactly if every issued tree stays the same, and so does who may ask, exchange, introspect and
 * call. Differences that carry no authority do not count: ids, times, keys, signing algorithms, encodings, the order of
 * scopes.
 */
import { WaybillError } from '../../errors.ts';
import { TooManyShapes, type Plan } from '../../graph/index.ts';
import { Authority, type Reach, type ReachableToken } from './authority.ts';
import type { Change, Impact } from './change.ts';
import { compareClients } from './clients.ts';
import { compareCallers } from './callers.ts';
import { compareAccess, type CallerChange, type ReaderChange } from './access.ts';
import { compareIssuers } from './issuer.ts';
import { compareRequests, type RequestChange } from './requests.ts';
import { compareOwners } from './owners.ts';
import { findRenames, reportRenames } from './renames.ts';
import { compareScopes } from './scopes.ts';
import { compareSealKeys, type SealKeyThumbprints } from './seal-keys.ts';
import { compareServices } from './services.ts';
import { findUnchanged, type Unchanged } from './unchanged.ts';

/** The scopes that a client's requests lead to, at any depth, also by exchange. */
export interface ReachChange {
  readonly mark: Impact;
  readonly client: string;
  /** `service:scope` */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export interface GraphDiff {
  readonly older: { readonly name: string; readonly digest: string };
  readonly newer: { readonly name: string; readonly digest: string };
  /** `widens` where any change widens; else `narrows` where any narrows. */
  readonly verdict: Impact;
  /** Widening changes first, then narrowing ones; each in the order issuer, clients, services. */
  readonly changes: readonly Change[];
  /** The effects of the changes. */
  readonly effects: {
    readonly reach: readonly ReachChange[];
    /** Who can read which claim. */
    readonly readers: readonly ReaderChange[];
    /** Who presents, or could present, the tokens for which service. */
    readonly callers: readonly CallerChange[];
    readonly requests: readonly RequestChange[];
    /** Number of requests that were not compared because there are too many. */
    readonly unweighed: number;
  };
}

const ORDER: Readonly<Record<Impact, number>> = { widens: 0, narrows: 1, neutral: 2 };

/**
 * Compares the authority that two graphs give, not their text: who may ask for what, who reads which claim, who could present
 * which token, and which requests get larger or smaller.
 *
 * @param keys what is known of the keys to which tokens are sealed: a graph names only their files. Default: nothing.
 * @throws WaybillError `graph_invalid` for a graph that breaks the limits of trees so far that its tokens cannot be listed.
 * @returns `verdict` is `widens` where any change gives somebody more, else `narrows`, else `neutral`: every tree is issued as before.
 *
 * @example
 * ```ts
 * import { compileGraph, diffGraphs } from 'waybill';
 *
 * const older = compileGraph(['main/graph.yaml']).plan;
 * const newer = compileGraph(['branch/graph.yaml']).plan;
 * if (older && newer) console.log(diffGraphs(older, newer).verdict);
 * ```
 */
export function diffGraphs(older: Plan, newer: Plan, keys: SealKeyThumbprints = {}): GraphDiff {
  try {
    return compareGraphs(older, newer, findUnchanged, keys);
  } catch (error) {
    if (!(error instanceof TooManyShapes)) throw error;
    const { name } = error.service;
    const which = older.services.get(name) === error.service ? 'older' : 'newer';
    throw new WaybillError(
      'graph_invalid',
      `The ${which} graph cannot be compared: the calls that lead to ${name} merge scopes in too many ways, or nest tokens too deep. Give a call on the way \`mode: exchange\`; \`waybill check\` says more.`,
    );
  }
}

/** @param findUnchanged says what needs no comparison. */
export function compareGraphs(
  older: Plan,
  newer: Plan,
  findUnchanged: (before: Authority, after: Authority) => Unchanged,
  keys: SealKeyThumbprints = {},
): GraphDiff {
  const renames = findRenames(older, newer);
  const before = new Authority(
    older,
    new Map(renames.map(({ older: scope, newer: { name } }) => [scope, name])),
  );
  const after = new Authority(newer);
  const unchanged = findUnchanged(before, after);
  const requests = compareRequests(before, after, unchanged);
  const changes = [
    ...compareIssuers(before, after),
    ...compareOwners(older, newer),
    ...compareCallers(before, after, unchanged),
    ...compareClients(before, after),
    ...compareServices(before, after, unchanged),
    ...compareSealKeys(older, newer, keys),
    ...reportRenames(renames, before, after),
    ...compareScopes(before, after, unchanged),
    ...requests.changes,
  ].sort((one, other) => ORDER[one.mark] - ORDER[other.mark]);
  return {
    older: { name: older.name, digest: older.digest },
    newer: { name: newer.name, digest: newer.digest },
    verdict: changes[0]?.mark ?? 'neutral',
    changes,
    effects: {
      reach: compareReach(before, after),
      ...compareAccess(before, after, unchanged),
      requests: requests.requests,
      unweighed: requests.left,
    },
  };
}

function compareReach(older: Authority, newer: Authority): ReachChange[] {
  const [later, earlier] = [counterparts(older, newer), counterparts(newer, older)];
  const clients = new Set([...newer.plan.clients.keys(), ...older.plan.clients.keys()]);
  return [...clients].flatMap((client): ReachChange[] => {
    const [had, has] = [older.reachedBy(client), newer.reachedBy(client)];
    const [added, removed] = [scopesOnlyIn(has, had, earlier), scopesOnlyIn(had, has, later)];
    if (added.length + removed.length === 0) return [];
    return [{ mark: added.length > 0 ? 'widens' : 'narrows', client, added, removed }];
  });
}

type Counterparts = readonly (ReachableToken | undefined)[];

/** The same tokens of the other graph, by their place in this one. */
function counterparts(authority: Authority, other: Authority): Counterparts {
  return Array.from(authority.tokens.values(), ({ key }) => other.tokens.get(key));
}

function scopesOnlyIn(one: Reach, other: Reach, counterparts: Counterparts): string[] {
  const scopes = new Set<string>();
  for (const token of one.tokens) {
    const counterpart = counterparts[token.index];
    if (!counterpart || !other.has(counterpart)) for (const scope of token.scopes) scopes.add(scope);
  }
  if (scopes.size > 0)
    for (const token of other.tokens) for (const scope of token.scopes) scopes.delete(scope);
  return [...scopes];
}
