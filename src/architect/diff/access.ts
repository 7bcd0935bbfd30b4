/**
 * Compares the access analysis of two plans: who can read which claim, who calls a service, and who else could present
 * its tokens. Out: the parties that were added and removed, over all requests.
 */
import { GraphAccess, type ServiceAccess } from '../../planning/access/index.ts';
import { affectedServices, type Side } from './affected.ts';
import type { Authority } from './authority.ts';
import { changedSet, type Impact } from './change.ts';
import type { Unchanged } from './unchanged.ts';

/** One claim in the tokens of one service. */
export interface ReaderChange {
  readonly mark: Impact;
  readonly claim: string;
  /** The service that the tokens are for. */
  readonly service: string;
  /** Parties that can now read it there, and those that no longer can. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** The tokens for one service. */
export interface CallerChange {
  readonly mark: Impact;
  /** `callers`: the parties that present them by the graph; `spenders`: other parties that could present one. */
  readonly what: 'callers' | 'spenders';
  readonly service: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export interface AccessChanges {
  readonly readers: readonly ReaderChange[];
  readonly callers: readonly CallerChange[];
}

export function compareAccess(older: Authority, newer: Authority, unchanged: Unchanged): AccessChanges {
  const sides = [older, newer].map((authority) => {
    const access = new GraphAccess(authority.plan, authority.walk);
    return { authority, access };
  }) as [Side, Side];
  const services = affectedServices(...sides, unchanged);
  const [before, after] = sides.map(({ access }) => access.of(services)) as [Access, Access];
  const readers: ReaderChange[] = [];
  const callers: CallerChange[] = [];
  for (const service of new Set([...after.keys(), ...before.keys()])) {
    const [was = NO_ACCESS, is = NO_ACCESS] = [before.get(service), after.get(service)];
    for (const claim of new Set([...is.readers.keys(), ...was.readers.keys()])) {
      const change = changedSet(was.readers.get(claim) ?? [], is.readers.get(claim) ?? []);
      if (change) readers.push({ ...change, claim, service });
    }
    for (const what of ['callers', 'spenders'] as const) {
      const change = changedSet(was[what], is[what]);
      if (change) callers.push({ ...change, what, service });
    }
  }
  return { readers, callers };
}

type Access = ReadonlyMap<string, ServiceAccess>;

const NO_ACCESS: ServiceAccess = { readers: new Map(), callers: new Set(), spenders: new Set() };
