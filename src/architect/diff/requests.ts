/**
 * Compares planned requests, token by token and hop by hop. In: two plans. Out: for each request that both graphs grant,
 * the counts and bytes that changed, and whether a tree that is too large is refused or cut differently.
 */
import { isWaybillError } from '../../errors.ts';
import { sortByDeclaration, type ClientPlan, type ScopePlan, type ServicePlan } from '../../graph/index.ts';
import { fits, type Overflow } from '../../planning/header-budget/index.ts';
import { planTree, sizedTokens, type PlannedRequest } from '../../planning/index.ts';
import type { Authority } from './authority.ts';
import { placeText, same, type Change, type Impact } from './change.ts';
import type { Unchanged } from './unchanged.ts';

/** A token as it travels, with the largest values. */
export interface HopSize {
  readonly bytes: number;
  /** Bytes of the largest token that passes; null if nothing limits it. */
  readonly limit: number | null;
}

export interface HopChange {
  /** `caller -> callee`, from the root on. */
  readonly path: readonly string[];
  /** Absent if the hop is new or gone. */
  readonly older?: HopSize;
  readonly newer?: HopSize;
}

export interface RequestChange {
  readonly mark: Impact;
  readonly client: string;
  readonly entry: string;
  readonly scopes: readonly string[];
  readonly tokens: { readonly older: number; readonly newer: number };
  readonly depth: { readonly older: number; readonly newer: number };
  /** Hops whose bytes or budget changed. */
  readonly hops: readonly HopChange[];
}

/** Most requests that are planned in both graphs, so that a comparison ends in reasonable time. */
const MAX_REQUESTS = 2_000;

export interface ComparedRequests {
  readonly requests: readonly RequestChange[];
  /** Changes of trees that are too large, and so refused or cut. */
  readonly changes: readonly Change[];
  /** Number of requests that were not compared. */
  readonly left: number;
}

export function compareRequests(older: Authority, newer: Authority, unchanged: Unchanged): ComparedRequests {
  const all = [...newer.plan.clients.values()].flatMap((client) => {
    const before = older.plan.clients.get(client.name);
    return before ? requestsOf(client).flatMap((request) => pairOf(before, request, older)) : [];
  });
  const open = all.filter(
    ({ before, after }) => !unchanged.request(withBody(older, before), withBody(newer, after)),
  );
  const requests: RequestChange[] = [];
  const changes: Change[] = [];
  for (const { before, after } of open.slice(0, MAX_REQUESTS)) {
    const [was, is] = [planned(older, before), planned(newer, after)];
    const change = was.request && is.request && sizeChange(after, was.request, is.request);
    if (change) requests.push(change);
    changes.push(...fitChange(after, was, is));
  }
  return { requests, changes, left: Math.max(0, open.length - MAX_REQUESTS) };
}

interface Request {
  readonly client: ClientPlan;
  readonly service: ServicePlan;
  readonly scopes: readonly ScopePlan[];
}

/** Each scope alone, and all scopes of an entry together. */
function requestsOf(client: ClientPlan): Request[] {
  return client.calls.flatMap(({ mode, service, scopes }) => {
    if (mode === 'none' || !service) return [];
    const alone = scopes.map((scope) => ({ client, service, scopes: [scope] }));
    return scopes.length > 1 ? [...alone, { client, service, scopes: sortByDeclaration(scopes) }] : alone;
  });
}

/** The same request to both graphs; empty if one of them does not grant it. */
function pairOf(
  older: ClientPlan,
  request: Request,
  authority: Authority,
): { before: Request; after: Request }[] {
  const { service, scopes } = request;
  const call = older.calls.find(({ callee, mode }) => callee === service.name && mode !== 'none');
  const earlier = scopes.map(({ name }) => call?.scopes.find((scope) => authority.nameOf(scope) === name));
  if (!call?.service || !earlier.every((scope) => scope !== undefined)) return [];
  return [{ before: { client: older, service: call.service, scopes: earlier }, after: request }];
}

function withBody({ walk }: Authority, { client, service, scopes }: Request) {
  return { client, service, body: walk.body(service, scopes) };
}

interface Planned {
  /** Absent if the tree is too large to plan. */
  readonly request: PlannedRequest | undefined;
  readonly passes: boolean;
  /** The calls that are left to be fetched where the tree does not fit. */
  readonly moved: readonly unknown[];
}

function planned(authority: Authority, { client, service, scopes }: Request): Planned {
  const { plan } = authority;
  try {
    const names = scopes.map(({ name }) => name);
    const request = planTree(plan, client.name, { scopes: names, resources: [service.audience] });
    const { limits } = plan.issuer;
    const { bytes, shape } = request.tree.root;
    const passes =
      shape.tokens <= limits.tokens &&
      shape.depth <= limits.depth &&
      bytes <= limits.nested &&
      [...sizedTokens(request)].every((token) => fits(token.bytes, token.budget));
    return { request, passes, moved: movedCalls(request.overflow, authority) };
  } catch (error) {
    if (!isWaybillError(error, 'invalid_scope')) throw error;
    return { request: undefined, passes: false, moved: [] };
  }
}

function sizeChange(
  { client, service, scopes }: Request,
  older: PlannedRequest,
  newer: PlannedRequest,
): RequestChange | undefined {
  const hops = compareHops(older, newer);
  const [was, is] = [older.tree.root.shape, newer.tree.root.shape];
  if (was.tokens === is.tokens && was.depth === is.depth && hops.length === 0) return undefined;
  return {
    mark: is.tokens > was.tokens ? 'widens' : is.tokens < was.tokens ? 'narrows' : 'neutral',
    client: client.name,
    entry: service.name,
    scopes: scopes.map(({ name }) => name),
    tokens: { older: was.tokens, newer: is.tokens },
    depth: { older: was.depth, newer: is.depth },
    hops,
  };
}

function compareHops(was: PlannedRequest, is: PlannedRequest): HopChange[] {
  const older = hopsOf(was);
  const newer = hopsOf(is);
  return [...new Map([...newer, ...older])].flatMap(([key, { path }]): HopChange[] => {
    const [before, after] = [older.get(key), newer.get(key)];
    if (same(before?.size, after?.size)) return [];
    return [{ path, ...(before ? { older: before.size } : {}), ...(after ? { newer: after.size } : {}) }];
  });
}

/** By the names from the client down. */
function hopsOf(
  request: PlannedRequest,
): ReadonlyMap<string, { readonly path: readonly string[]; readonly size: HopSize }> {
  return new Map(
    Array.from(sizedTokens(request), ({ path, bytes, budget: { limit = null } }) => [
      path.join(' '),
      { path, size: { bytes, limit } },
    ]),
  );
}

/**
 * A tree that does not fit with the largest values is refused for some values, or some of its calls become exchanges.
 * Then a change of sizes or budgets changes the issued trees.
 */
function fitChange({ client, service, scopes }: Request, was: Planned, is: Planned): Change[] {
  const asked = `${client.name} asking for ${scopes.map(({ name }) => name).join(' ')} of ${service.name}`;
  const party = { kind: 'client', name: client.name } as const;
  const report = (mark: Impact, kind: 'budget' | 'overflow', what: string): Change[] => [
    { mark, kind, party, what, place: placeText(client) },
  ];
  if (was.passes !== is.passes) {
    return is.passes
      ? report('widens', 'budget', `${asked} now gets a tree of any values, which could be too large before`)
      : report('narrows', 'budget', `${asked} can now get too large a tree, which is refused`);
  }
  const [before, after] = [was.request?.overflow, is.request?.overflow];
  if (!same(was.moved, is.moved)) {
    const mark = is.moved.length < was.moved.length ? 'widens' : 'narrows';
    return report(
      mark,
      'overflow',
      `${asked}: ${is.moved.length} calls are left to be fetched, not ${was.moved.length}`,
    );
  }
  const tight = !was.passes || (before !== undefined && after !== undefined);
  if (!tight || !was.request || !is.request) return [];
  const hops = compareHops(was.request, is.request);
  if (hops.length === 0) return [];
  const hasMoreSpace = hops.some(({ older, newer }) => spareBytes(newer) > spareBytes(older));
  return report(
    hasMoreSpace ? 'widens' : 'narrows',
    'budget',
    `${asked}: sizes changed where trees can be too large, so other values are refused or cut than before`,
  );
}

function spareBytes(size: HopSize | undefined): number {
  return size ? (size.limit ?? Infinity) - size.bytes : Infinity;
}

function movedCalls(overflow: Overflow | undefined, authority: Authority): unknown[] {
  return (overflow?.moved ?? []).map(({ caller, branch: { callee, scopes, probability } }) => [
    caller.name,
    callee,
    authority.namesOf(scopes),
    probability,
  ]);
}
