/** Finds a request whose tree brings a service the token that a test asks for, and the calls that lead there. */
import { type WaybillError, usageError } from '../errors.ts';
import {
  Walk,
  didYouMean,
  sortByDeclaration,
  type ClientPlan,
  type CallMode,
  type Plan,
  type ScopePlan,
  type ServicePlan,
  type TokenShape,
} from '../graph/index.ts';

export interface TokenRoute {
  readonly client: ClientPlan;
  readonly entry: ServicePlan;
  /** What the client asks for. */
  readonly scopes: readonly string[];
  /** The calls from the entry to the service. */
  readonly calls: readonly RouteCall[];
}

export interface RouteCall {
  readonly caller: ServicePlan;
  readonly callee: ServicePlan;
  readonly mode: CallMode;
}

export interface WantedToken {
  /** All scopes of the token; absent: as many as a client can bring about. */
  readonly scopes: readonly string[] | undefined;
  readonly client: string | undefined;
  /** The service or the client that presents the token. */
  readonly caller: string | undefined;
  /** Whether a user asks; absent: whoever can. */
  readonly forUser: boolean;
}

/** A token on a route. */
interface Stop {
  readonly service: ServicePlan;
  readonly scopes: readonly ScopePlan[];
  readonly presenter: string;
  readonly calls: readonly RouteCall[];
  /** Absent where the service receives its caller's token. */
  readonly shape: TokenShape | undefined;
}

/** @throws WaybillError `usage` where the graph issues no such token. */
export function findRoute(plan: Plan, name: string, wanted: WantedToken): TokenRoute {
  const target = namedIn(plan.services, name, 'service');
  const clients =
    wanted.client === undefined
      ? [...plan.clients.values()]
      : [namedIn(plan.clients, wanted.client, 'client')];
  const walk = new Walk();
  const given = new Set<string>();
  for (const client of clients) {
    if (wanted.forUser && client.subjects.length === 0) continue;
    const entries = new Set(client.calls.flatMap(({ service, mode }) => (mode !== 'none' && service) || []));
    for (const entry of entries) {
      const arrivals: Arrivals = (scopes) =>
        stopsOf(walk, client, entry, scopes).filter(
          ({ service, presenter }) =>
            service === target && (wanted.caller === undefined || presenter === wanted.caller),
        );
      const route = routeAt(scopesAt(client, entry), arrivals, wanted.scopes, given);
      if (route) return { client, entry, ...route };
    }
  }
  throw notIssued(name, wanted, given);
}

/** The tokens of the wanted service in a request for these scopes. */
type Arrivals = (scopes: readonly ScopePlan[]) => readonly Stop[];

/** @param given gets the scopes that a token of the service has. */
function routeAt(
  all: readonly ScopePlan[],
  arrivals: Arrivals,
  wanted: WantedToken['scopes'],
  given: Set<string>,
): Pick<TokenRoute, 'scopes' | 'calls'> | undefined {
  let scopes = all.filter((scope) =>
    arrivals([scope]).some((stop) => {
      given.add(namesOf(stop));
      return isWithin(stop, wanted);
    }),
  );
  let found = arrivals(scopes).find((stop) => hasAll(stop, wanted));
  if (!found) return undefined;
  const names = namesOf(found);
  // A request for more would ask for claims, and sign tokens, that this one does without.
  for (const scope of scopes.toReversed()) {
    const fewer = scopes.filter((each) => each !== scope);
    const same = arrivals(fewer).find((stop) => namesOf(stop) === names);
    if (same) [scopes, found] = [fewer, same];
  }
  return { scopes: scopes.map((scope) => scope.name), calls: found.calls };
}

export function namedIn<Value>(all: ReadonlyMap<string, Value>, name: string, kind: string): Value {
  const found = all.get(name);
  if (found !== undefined) return found;
  throw usageError(`The graph has no ${kind} ${name}. ${didYouMean(name, all.keys())}`.trim());
}

function scopesAt(client: ClientPlan, entry: ServicePlan): readonly ScopePlan[] {
  const calls = client.calls.filter(({ service, mode }) => service === entry && mode !== 'none');
  return sortByDeclaration(new Set(calls.flatMap(({ scopes }) => scopes)));
}

/** The tokens of a request, the nearest to the client first. */
function stopsOf(
  walk: Walk,
  client: ClientPlan,
  entry: ServicePlan,
  scopes: readonly ScopePlan[],
): readonly Stop[] {
  if (scopes.length === 0) return [];
  const root = walk.shape(entry, scopes);
  const stops: Stop[] = [{ service: entry, scopes, presenter: client.name, calls: [], shape: root }];
  const seen = new Set<TokenShape>([root]);
  for (const { service: caller, calls, shape } of stops) {
    for (const { service: callee, mode, scopes: granted } of shape?.branches ?? []) {
      if (!callee || mode === 'none') continue;
      const next = mode === 'forward' ? undefined : walk.shape(callee, granted, caller);
      if (next && seen.has(next)) continue;
      if (next) seen.add(next);
      stops.push({
        service: callee,
        scopes: granted,
        presenter: caller.name,
        calls: [...calls, { caller, callee, mode }],
        shape: next,
      });
    }
  }
  return stops;
}

function namesOf({ scopes }: Stop): string {
  return scopes.map((scope) => scope.name).join(' ');
}

function isWithin({ scopes }: Stop, wanted: WantedToken['scopes']): boolean {
  return wanted === undefined || scopes.every(({ name }) => wanted.includes(name));
}

function hasAll(stop: Stop, wanted: WantedToken['scopes']): boolean {
  return wanted === undefined || (isWithin(stop, wanted) && stop.scopes.length === new Set(wanted).size);
}

function notIssued(name: string, wanted: WantedToken, given: ReadonlySet<string>): WaybillError {
  const { scopes, client, caller, forUser } = wanted;
  const what = [
    ...(scopes === undefined ? [] : [`with the scopes ${scopes.join(' ')}`]),
    ...(client === undefined ? [] : [`for the client ${client}`]),
    ...(caller === undefined ? [] : [`that ${caller} presents`]),
    ...(forUser ? ['for a user'] : []),
  ];
  const known = given.size === 0 ? '' : ` One request gives it: ${[...given].join('; ')}.`;
  return usageError(`The graph issues no token for ${[name, ...what].join(' ')}.${known}`);
}
