/**
 * Rule 8, followed word for word over the unfolded tree: every token at every place, nothing shared, and no look at how
 * the program does it.
 */
import { audienceOf, naiveToken, type NaiveToken, type RawGraph } from '../../support/graphs/naive.ts';

export interface NaiveHolders {
  readonly readers: Set<string>;
  /** Who has it in hand, and so can spend it where nobody checks; its audience is not counted. */
  readonly carriers: Set<string>;
}

/** By who presents it, how that one came by it, service and scopes; the root's presenter is empty. */
export type NaiveTable = Map<string, NaiveHolders>;

interface Visit {
  readonly graph: RawGraph;
  readonly table: NaiveTable;
  /** Told of every embedded token: where it is good, and who holds it that is neither its presenter nor its audience. */
  readonly foreign: (service: string, holders: readonly string[]) => void;
}

export function naiveHolders(
  graph: RawGraph,
  { service, scopes }: { service: string; scopes: readonly string[] },
  rootHolders: readonly string[],
  foreign: Visit['foreign'] = () => undefined,
): NaiveTable {
  const table: NaiveTable = new Map();
  visit({ graph, table, foreign }, naiveToken(graph, service, scopes), '', 'embed', rootHolders);
  return table;
}

/** @param above everyone who holds the token from outside: who can read what embeds it, or who fetched it. */
function visit(
  to: Visit,
  token: NaiveToken,
  presenter: string,
  mode: string,
  above: readonly string[],
): void {
  const { graph, table } = to;
  const own = Object.keys(graph.services[token.service]!.scopes);
  const scopes = token.scope.split(' ').filter((scope) => own.includes(scope));
  const audiences = Object.keys(graph.services).filter((name) =>
    [token.audience].flat().includes(audienceOf(name)),
  );
  const readers = [...above, ...audiences];
  record(table, [presenter, mode, token.service, ...scopes], readers, above, token.service);
  if (presenter !== '' && mode === 'embed') {
    const others = above.filter((name) => name !== presenter && !audiences.includes(name));
    for (const service of audiences) to.foreign(service, others);
  }
  for (const callee of audiences.filter((name) => name !== token.service)) {
    const given = token.scope.split(' ').filter((scope) => !own.includes(scope));
    const taken = Object.keys(graph.services[callee]!.scopes).filter((scope) => given.includes(scope));
    record(table, [token.service, 'forward', callee, ...taken], readers, readers, callee);
  }
  for (const [, child] of token.embedded) visit(to, child, token.service, 'embed', readers);
  for (const [callee] of token.onDemand) {
    const holders = [
      graph.services[token.service]!,
      ...scopes.map((scope) => graph.services[token.service]!.scopes[scope]!),
    ];
    const wanted = holders.flatMap((holder) => holder.calls[callee]?.scopes ?? []);
    visit(to, naiveToken(graph, callee, wanted, token.service), token.service, 'exchange', [token.service]);
  }
}

function record(
  table: NaiveTable,
  key: readonly string[],
  readers: readonly string[],
  carriers: readonly string[],
  audience: string,
): void {
  const name = key.join(' ');
  const known = table.get(name) ?? { readers: new Set(), carriers: new Set() };
  table.set(name, known);
  for (const reader of readers) known.readers.add(reader);
  for (const carrier of carriers) if (carrier !== audience) known.carriers.add(carrier);
}
