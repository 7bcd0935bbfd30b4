/**
 * Authority that no client reaches, so that it may be taken away (rule 10). In: a declaration. Out: a finding for each
 * cause: a service that nothing leads to, or the scopes of one service that no one calls. What only these lead to
 * follows from them, and is listed with them.
 */
import { getOrAdd } from '../../get-or-add.ts';
import type {
  CallDeclaration,
  GraphDeclaration,
  ScopeDeclaration,
  ServiceDeclaration,
} from '../declare/declaration.ts';
import { partyNames } from '../causes.ts';
import { nodeOf } from '../compile/scope-graph.ts';
import type { Findings, Place } from '../finding.ts';

/** A service that no client reaches, or such a scope of a service that one does. */
interface Unreached {
  /** `service`, or `service:scope`. */
  readonly name: string;
  readonly service: string;
  readonly place: Place;
  readonly calls: readonly CallDeclaration[];
}

/** Every call counts, whatever its mode. */
export function checkReach(graph: GraphDeclaration, findings: Findings): void {
  const unreached = findUnreached(graph);
  const next = calleesAmong(unreached, graph);
  const called = new Set([...unreached.keys()].flatMap((name) => [...next(name)]));
  const isCalling = [...graph.clients.values()].some(({ calls }) => calls.length > 0);
  const seen = new Set<string>();
  for (const root of rootsOf(unreached.keys(), next)) {
    const { service } = unreached.get(root)!;
    const isScope = root !== service;
    const code = isScope ? 'unused-scope' : 'unreachable-service';
    const cause = isCalling ? service : ''; // without a call of a client, that is the one cause
    const isUncalled = isScope && !called.has(root);
    for (const name of follow(root, next, seen)) {
      const part = { name, root, isUncalled };
      const follows = name !== root;
      const { message, hint } = wordsFor([part]);
      const { place } = unreached.get(name)!;
      findings.add(code, place, message, hint, [], { key: cause, part, follows, words: wordsFor });
    }
  }
}

function findUnreached(graph: GraphDeclaration): ReadonlyMap<string, Unreached> {
  const services = new Set<string>();
  const scopes = new Map<ScopeDeclaration, ServiceDeclaration>();
  const visit = (call: CallDeclaration): void => {
    services.add(call.callee.value);
    const callee = graph.services.get(call.callee.value);
    for (const { value } of call.scopes) {
      const scope = callee?.scopes.get(value);
      if (callee && scope) scopes.set(scope, callee);
    }
  };
  for (const client of graph.clients.values()) client.calls.forEach(visit);
  // It grows meanwhile.
  for (const [scope, service] of scopes) {
    service.calls.forEach(visit);
    scope.calls.forEach(visit);
  }
  const unreached = new Map<string, Unreached>();
  for (const service of graph.services.values()) {
    const { name } = service;
    const below = [...service.scopes.values()];
    if (!services.has(name)) {
      const calls = [service, ...below].flatMap((holder) => holder.calls);
      unreached.set(name, { name, service: name, place: service, calls });
      continue;
    }
    for (const scope of below) {
      if (scopes.has(scope)) continue;
      const node = nodeOf(name, scope.name);
      const calls = [...service.calls, ...scope.calls];
      unreached.set(node, { name: node, service: name, place: scope, calls });
    }
  }
  return unreached;
}

type Next = (name: string) => ReadonlySet<string>;

function calleesAmong(unreached: ReadonlyMap<string, Unreached>, { services }: GraphDeclaration): Next {
  const callees = new Map<string, ReadonlySet<string>>();
  const named = ({ callee, scopes }: CallDeclaration): string[] => {
    if (unreached.has(callee.value)) return [callee.value];
    if (!services.has(callee.value)) return [];
    return scopes.map(({ value }) => nodeOf(callee.value, value)).filter((node) => unreached.has(node));
  };
  return (name) => getOrAdd(callees, name, () => new Set(unreached.get(name)!.calls.flatMap(named)));
}

/**
 * @param names in the order of declaration.
 * @returns the fewest that lead to all: what nothing else leads to, and of each cycle that nothing else leads to its
 *   first.
 */
function rootsOf(names: Iterable<string>, next: Next): string[] {
  const seen = new Set<string>();
  // Nothing leads to one of these but what comes later.
  const starts = [...names].filter((name) => follow(name, next, seen).length > 0);
  const led = new Set<string>();
  return starts
    .reverse()
    .filter((name) => follow(name, next, led).length > 0)
    .reverse();
}

/** @returns what a name leads to, itself first, except for what was seen before. */
function follow(from: string, next: Next, seen: Set<string>): string[] {
  if (seen.has(from)) return [];
  seen.add(from);
  const found = [from];
  for (const name of found) {
    for (const each of next(name)) {
      if (seen.has(each)) continue;
      seen.add(each);
      found.push(each);
    }
  }
  return found;
}

/** Something that no client reaches, and what that follows from. */
interface Part {
  readonly name: string;
  readonly root: string;
  /** Whether the root is a scope that nothing calls at all. */
  readonly isUncalled: boolean;
}

function wordsFor(parts: readonly Part[]): { message: string; hint: string } {
  const roots = [...new Set(parts.map(({ root }) => root))];
  const following = parts.flatMap(({ name, root }) => (name === root ? [] : [name]));
  const isUncalled = parts.every((part) => part.isUncalled);
  const causes = partyNames(roots);
  const cause = isUncalled ? `No one calls ${causes}` : `No client reaches ${causes}`;
  if (following.length === 0) {
    const it = roots.length > 1 ? 'them' : 'it';
    const call = isUncalled ? `Name ${it} in the call that needs ${it}` : `Add the call that leads to ${it}`;
    return {
      message: isUncalled ? `${cause}.` : `${cause}, directly or through others.`,
      hint: `${call}, or take ${it} out.`,
    };
  }
  const names = partyNames(following);
  const message =
    following.length === parts.length
      ? `No client reaches ${names}, because ${isUncalled ? 'no one calls' : 'none reaches'} ${causes}.`
      : `${cause}, and therefore ${isUncalled ? 'no client' : 'none'} reaches ${names}.`;
  return { message, hint: `Add the call that leads to ${causes}, or take out what is not needed.` };
}
