/** Random changes of random graphs: some show in what is issued, some do not. */
import fc from 'fast-check';
import {
  inYaml,
  type RawCalls,
  type RawGraph,
  type RawScope,
  type RawService,
} from '../../support/graphs/naive.ts';
import type { DressedGraph } from './same-authority.ts';

/** The graph with lifetimes and checks written into it. */
export function yamlOf({ graph, lifetimes, checking, opaque }: DressedGraph): string {
  return inYaml(graph).replace(/^ {2}([a-z0-9-]+):$/gm, (line, name: string) => {
    const more = [
      ...(lifetimes[name] === undefined ? [] : [`    lifetime: ${lifetimes[name]}s`]),
      ...(checking.includes(name) ? ['    caller: mtls'] : []),
      ...(opaque.includes(name) ? ['    token: opaque'] : []),
    ];
    return [line, ...more].join('\n');
  });
}

/** One change, chosen by numbers: some show in what is issued, some do not. */
export type Edit = readonly [kind: number, where: number, what: number];

export function edited(dressed: DressedGraph, [kind, where, what]: Edit): DressedGraph {
  const { graph } = dressed;
  const names = Object.keys(graph.services);
  const name = names[where % names.length] ?? '';
  const withGraph = (service: RawService): DressedGraph => ({
    ...dressed,
    graph: { ...graph, services: { ...graph.services, [name]: service } },
  });
  const service = graph.services[name];
  if (!service) return dressed;
  const scopes = Object.keys(service.scopes);
  const scope = scopes[what % scopes.length] ?? '';
  const rule = service.scopes[scope];
  const withScope = (changed: RawScope): DressedGraph =>
    withGraph({ ...service, scopes: { ...service.scopes, [scope]: changed } });
  switch (kind) {
    case 0: // the order of declaration
      return withGraph({ ...service, scopes: Object.fromEntries(Object.entries(service.scopes).reverse()) });
    case 1:
      return rule
        ? withScope({ ...rule, claims: toggled(rule.claims, graph.claims[what % 4] ?? '') })
        : dressed;
    case 2:
      return withGraph({ ...service, claims: toggled(service.claims, graph.claims[what % 4] ?? '') });
    case 3: // what one scope calls, the whole service calls
      return rule ? withGraph({ ...service, calls: { ...service.calls, ...rule.calls } }) : dressed;
    case 4: // a call goes from one scope to the next
      return moved(dressed, name, service, what);
    case 5:
      return rule ? withScope({ ...rule, calls: otherMode(rule.calls, what) }) : dressed;
    case 6:
      return rule ? withScope({ ...rule, calls: otherScopes(graph, rule.calls, what) }) : dressed;
    case 7:
      return { ...dressed, lifetimes: { ...dressed.lifetimes, [name]: [60, 120, 300, 600][what % 4] ?? 60 } };
    case 8:
      return { ...dressed, checking: toggled(dressed.checking, name) };
    case 9:
      return { ...dressed, opaque: toggled(dressed.opaque, what % 2 === 0 ? 'web' : 'app') };
    case 10: {
      const web = graph.clients['web'];
      if (!web) return dressed;
      const calls = otherScopes(graph, web.calls, what);
      const defaultScopes = what % 3 === 0 ? [] : web.defaultScopes;
      return {
        ...dressed,
        graph: { ...graph, clients: { ...graph.clients, web: { calls, defaultScopes } } },
      };
    }
    default:
      return dressed;
  }
}

function toggled(names: readonly string[], name: string): string[] {
  return names.includes(name) ? names.filter((each) => each !== name) : [...names, name];
}

function moved(dressed: DressedGraph, name: string, service: RawService, what: number): DressedGraph {
  const [from, to] = Object.keys(service.scopes);
  const [giving, taking] = [service.scopes[from ?? ''], service.scopes[to ?? '']];
  const callee = Object.keys(giving?.calls ?? {})[what % 2];
  const call = giving?.calls[callee ?? ''];
  if (!from || !to || !giving || !taking || !callee || !call) return dressed;
  const { [callee]: _, ...left } = giving.calls;
  const scopes = {
    ...service.scopes,
    [from]: { ...giving, calls: left },
    [to]: { ...taking, calls: { ...taking.calls, [callee]: taking.calls[callee] ?? call } },
  };
  const services = { ...dressed.graph.services, [name]: { ...service, scopes } };
  return { ...dressed, graph: { ...dressed.graph, services } };
}

function otherMode(calls: RawCalls, what: number): RawCalls {
  const [callee] = Object.keys(calls);
  const call = callee === undefined ? undefined : calls[callee];
  if (callee === undefined || !call || call.scopes.length === 0) return calls;
  const mode = (['embed', 'exchange', 'none'] as const)[what % 3] ?? 'embed';
  return { ...calls, [callee]: { ...call, mode } };
}

function otherScopes(graph: RawGraph, calls: RawCalls, what: number): RawCalls {
  const callees = Object.keys(calls);
  const callee = callees[what % Math.max(1, callees.length)];
  const call = callee === undefined ? undefined : calls[callee];
  const all = Object.keys(graph.services[callee ?? '']?.scopes ?? {});
  const scope = all[what % Math.max(1, all.length)];
  if (callee === undefined || !call || scope === undefined || call.scopes.length === 0) return calls;
  const scopes = toggled(call.scopes, scope);
  return scopes.length === 0 ? calls : { ...calls, [callee]: { ...call, scopes } };
}

export const edits = fc.array(fc.tuple(fc.nat({ max: 10 }), fc.nat({ max: 7 }), fc.nat({ max: 11 })), {
  minLength: 1,
  maxLength: 3,
});
