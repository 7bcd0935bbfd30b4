/**
 * Whether two graphs give the same, asked the long way: every request that a client can make, every tree written out,
 * every token that a service can fetch with every part of its scopes. Without a look at the comparison itself.
 */
import { naiveResolve, naiveToken, type NaiveToken, type RawGraph } from '../../support/graphs/naive.ts';

/** A graph with what a raw one leaves to defaults. */
export interface DressedGraph {
  readonly graph: RawGraph;
  /** Seconds, by service. */
  readonly lifetimes: Readonly<Record<string, number>>;
  /** Services that check who presents a token. */
  readonly checking: readonly string[];
  /** Clients that get a reference in place of the token. */
  readonly opaque: readonly string[];
}

export const ROOT_LIFETIME = 300;

/** All that clients can bring about, as one text that two graphs share exactly if they give the same. */
export function authorityOf(dressed: DressedGraph): string {
  const { graph, opaque } = dressed;
  const seen = new Set<string>();
  const rights = Object.entries(graph.clients).map(([name, client]) => {
    const entries = Object.entries(client.calls).filter(([, call]) => call.mode !== 'none');
    const requests = [
      { scopes: [], resources: [] },
      ...entries.flatMap(([service, call]) =>
        subsets(call.scopes).map((scopes) => ({ scopes, resources: [`https://${service}.test`] })),
      ),
    ];
    const answers = requests.map(({ scopes, resources }) => {
      const granted = naiveResolve(graph, name, scopes, resources);
      const answer =
        'error' in granted
          ? granted.error
          : written(dressed, naiveToken(graph, granted.service, granted.scopes), ROOT_LIFETIME, seen);
      return [resources.join(), scopes.toSorted().join(' '), answer];
    });
    const mayAsk = answers.some(([, , answer]) => answer !== 'invalid_scope' && answer !== 'invalid_target');
    return mayAsk ? [name, opaque.includes(name), answers.toSorted(byText)] : [];
  });
  const checks = [...seen].toSorted().map((service) => [service, dressed.checking.includes(service)]);
  return JSON.stringify([rights.toSorted(byText), checks]);
}

function byText(one: unknown, other: unknown): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}

function subsets(names: readonly string[]): string[][] {
  return names
    .reduce<string[][]>((sets, name) => [...sets, ...sets.map((set) => [...set, name])], [[]])
    .filter((set) => set.length > 0);
}

/** A token without order and numbers, with its lifetime and all that its holder can fetch. */
function written(dressed: DressedGraph, token: NaiveToken, above: number, seen: Set<string>): unknown {
  const { graph, lifetimes } = dressed;
  const { service, scope, audience, claims, actor, embedded, onDemand } = token;
  seen.add(service);
  const life = Math.min(above, lifetimes[service] ?? Infinity);
  const scopes = scope.split(' ');
  const holders = [graph.services[service], ...scopes.map((name) => graph.services[service]?.scopes[name])];
  const fetched = [...onDemand, ...embedded].flatMap(([callee]) => {
    const asked = holders.flatMap((holder) => holder?.calls[callee]?.scopes ?? []);
    return subsets([...new Set(asked)]).map((part) => [
      callee,
      part.toSorted().join(' '),
      written(dressed, naiveToken(graph, callee, part, service), life, seen),
    ]);
  });
  return [
    [service, scopes.toSorted(), [audience].flat().toSorted(), claims.toSorted(), actor ?? '', life],
    embedded.map(([callee, child]) => [callee, written(dressed, child, life, seen)]).toSorted(byText),
    onDemand.toSorted(byText),
    fetched.toSorted(byText),
  ];
}
