/**
 * The call graph of a real system as `test/callgraphs` keeps it: read from that system's own sources, by someone
 * who had no graph of ours in mind. The graphs in `graphs/` are compared with it.
 */
import { readFileSync } from 'node:fs';

/** One operation of a service that calls one operation of another. */
export interface OperationCall {
  readonly from: string;
  readonly fromOperation: string;
  readonly to: string;
  readonly toOperation: string;
}

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly operations: readonly string[];
  readonly kind: 'sync' | 'async' | 'datastore' | 'flags' | 'external' | 'auth';
}

export interface Entry {
  readonly service: string;
  readonly operation: string;
}

export interface CallGraph {
  readonly commit: string;
  readonly services: readonly string[];
  readonly serviceKinds: Readonly<Record<string, string>>;
  readonly edges: readonly Edge[];
  readonly operationCalls: readonly OperationCall[];
  readonly entryOperations: readonly Entry[];
  readonly notes: string;
  readonly oauthClients?: Readonly<Record<string, readonly string[]>>;
  readonly apiScopes?: readonly string[];
  readonly operationPolicies?: readonly { principal: string; callee: string; path: string }[];
  readonly oracleEdges?: { readonly edges: readonly (readonly [string, string])[] };
}

export function readCallGraph(name: string): CallGraph {
  const file = new URL(`../../callgraphs/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as CallGraph;
}

/** What a source says once its clients and gateways are told apart from its services. */
export interface Demands {
  readonly calls: readonly OperationCall[];
  /** What a client may call first. */
  readonly entries: readonly Entry[];
}

/**
 * A gateway passes the caller's token on, so a call through it is the caller's own call, and whatever it routes
 * to is an entry. A node that stands for an OAuth client holds no token of its own: what it calls is an entry.
 */
export function demandsOf(
  source: CallGraph,
  gateways: ReadonlySet<string>,
  clients: ReadonlySet<string>,
): Demands {
  const routes = source.operationCalls.filter((call) => gateways.has(call.from));
  const behind = (call: OperationCall): OperationCall[] => {
    const taken = routes.filter(
      (route) => route.from === call.to && route.fromOperation === call.toOperation,
    );
    if (taken.length === 0) throw new Error(`the gateway has no route for ${showCall(call)}`);
    return taken.map((route) => ({ ...call, to: route.to, toOperation: route.toOperation }));
  };
  const calls = source.operationCalls
    .filter((call) => !gateways.has(call.from))
    .flatMap((call) => (gateways.has(call.to) ? behind(call) : [call]));
  const first = [...routes, ...calls.filter((call) => clients.has(call.from))];
  const entries = [
    ...source.entryOperations.filter(({ service }) => !gateways.has(service) && !clients.has(service)),
    ...first.map((call) => ({ service: call.to, operation: call.toOperation })),
  ];
  return { calls, entries };
}

export function showCall(call: OperationCall): string {
  return `${call.from} ${call.fromOperation} -> ${call.to} ${call.toOperation}`;
}
