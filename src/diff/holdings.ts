/**
 * Who reads which claim, who calls a service, and who else could spend its tokens. In: two plans. Out: who came and who
 * went, over all that clients may ask for.
 */
import type { Plan } from '../graph/index.ts';
import { holdersOf } from '../request-holders.ts';
import { difference, type Mark } from './change.ts';

/** One claim in the tokens of one service. */
export interface ReaderChange {
  readonly mark: Mark;
  readonly claim: string;
  /** For whom the tokens are. */
  readonly service: string;
  /** Parties that read it there now, and those that no longer do. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** The tokens for one service. */
export interface CallerChange {
  readonly mark: Mark;
  /** `callers`: who presents them by the graph; `spenders`: who else holds one that the service would take. */
  readonly what: 'callers' | 'spenders';
  readonly service: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export interface ComparedHoldings {
  readonly readers: readonly ReaderChange[];
  readonly callers: readonly CallerChange[];
}

/** Beyond so many entries of clients the holders are not listed. */
const MAX_ENTRIES = 500;

export function compareHoldings(older: Plan, newer: Plan): ComparedHoldings {
  const [before, after] = [holdingsOf(older), holdingsOf(newer)];
  const readers = changesOf(before.readers, after.readers).map(({ key, ...change }): ReaderChange => {
    const [service = '', claim = ''] = key.split(' ');
    return { mark: change.mark, claim, service, added: change.added, removed: change.removed };
  });
  const callers = (['callers', 'spenders'] as const).flatMap((what) =>
    changesOf(before[what], after[what]).map(({ key: service, mark, added, removed }): CallerChange => ({
      mark,
      what,
      service,
      added,
      removed,
    })),
  );
  return { readers, callers };
}

type Sets = ReadonlyMap<string, ReadonlySet<string>>;

interface Holdings {
  /** By service and claim. */
  readonly readers: Sets;
  /** By service. */
  readonly callers: Sets;
  readonly spenders: Sets;
}

function holdingsOf(plan: Plan): Holdings {
  const readers = new Map<string, Set<string>>();
  const callers = new Map<string, Set<string>>();
  const spenders = new Map<string, Set<string>>();
  const note = (sets: Map<string, Set<string>>, key: string, party: string): void => {
    const set = sets.get(key);
    if (set) set.add(party);
    else sets.set(key, new Set([party]));
  };
  for (const { client, scopes, audience } of entriesOf(plan).slice(0, MAX_ENTRIES)) {
    const { tokens, claims } = holdersOf(plan, client, { scopes, resources: [audience] });
    for (const { claim, readers: parties } of claims)
      for (const { party, in: services } of parties)
        for (const service of services) note(readers, `${service} ${claim}`, party);
    for (const { service, spenders: parties } of tokens)
      for (const { party, own } of parties) note(own ? callers : spenders, service, party);
  }
  return { readers, callers, spenders };
}

interface Entry {
  readonly client: string;
  readonly scopes: readonly string[];
  readonly audience: string;
}

/** All that a client may ask of an entry together leads to all that it may ask alone. */
function entriesOf(plan: Plan): Entry[] {
  return [...plan.clients.values()].flatMap(({ name, calls }) =>
    calls.flatMap(({ mode, service, scopes }): Entry[] =>
      mode === 'none' || !service
        ? []
        : [{ client: name, scopes: scopes.map((scope) => scope.name), audience: service.audience }],
    ),
  );
}

function changesOf(
  older: Sets,
  newer: Sets,
): {
  readonly key: string;
  readonly mark: Mark;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}[] {
  return [...new Set([...newer.keys(), ...older.keys()])].flatMap((key) => {
    const { added, removed } = difference(older.get(key) ?? [], newer.get(key) ?? []);
    if (added.length + removed.length === 0) return [];
    return [{ key, mark: added.length > 0 ? ('widens' as const) : ('narrows' as const), added, removed }];
  });
}
