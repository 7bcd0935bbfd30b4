/**
 * The graph of scopes in graphology: which scope calls which. It exists while a graph is compiled and never leaves
 * this room. A node is `service:scope`; a name has no colon, so no two nodes can be one.
 */
import { DirectedGraph } from 'graphology';
import { stronglyConnectedComponents } from 'graphology-components';
import type { CallDeclaration, GraphDeclaration } from '../declare/declaration.ts';
import type { Findings } from '../finding.ts';
import { topologicalOrder } from '../topological-order.ts';

export type ScopeGraph = DirectedGraph<object, { call: CallDeclaration }>;

/** The library's search recurses; beyond this many scopes in cycles one path is reported instead of all. */
const MAX_COMPONENT_SEARCH = 2_000;

export function nodeOf(service: string, scope: string): string {
  return `${service}:${scope}`;
}

/** @returns the scopes with the calls that embed a token. */
export function scopeGraph({ services }: GraphDeclaration): ScopeGraph {
  const scopes: ScopeGraph = new DirectedGraph();
  for (const service of services.values())
    for (const scope of service.scopes.keys()) scopes.addNode(nodeOf(service.name, scope));
  for (const service of services.values()) {
    for (const scope of service.scopes.values()) {
      const from = nodeOf(service.name, scope.name);
      for (const call of [...service.calls, ...scope.calls])
        if (call.mode === 'embed') addEdges(scopes, from, call);
    }
  }
  return scopes;
}

function addEdges(scopes: ScopeGraph, from: string, call: CallDeclaration): void {
  for (const scope of call.scopes) {
    const to = nodeOf(call.callee.value, scope.value);
    if (scopes.hasNode(to) && !scopes.hasEdge(from, to)) scopes.addEdge(from, to, { call });
  }
}

/** Callers before callees. */
export function sortScopes(scopes: ScopeGraph): ReturnType<typeof topologicalOrder<string>> {
  return topologicalOrder(scopes.nodes(), (scope) => scopes.outNeighbors(scope));
}

/** Levels of tokens from each scope down, itself counted. Needs a graph without cycles. */
export function depths(scopes: ScopeGraph, order: readonly string[]): Map<string, number> {
  const levels = new Map<string, number>();
  for (const node of order.toReversed()) {
    let below = 0;
    scopes.forEachOutNeighbor(node, (callee) => {
      below = Math.max(below, levels.get(callee)!);
    });
    levels.set(node, below + 1);
  }
  return levels;
}

/** Rule 6: one finding for each group of scopes that call each other in a cycle, with a path through it. */
export function reportCycles(scopes: ScopeGraph, left: ReadonlySet<string>, findings: Findings): void {
  if (left.size > MAX_COMPONENT_SEARCH) {
    report(scopes, someCycle(scopes, left), findings);
    return;
  }
  const part: ScopeGraph = new DirectedGraph();
  for (const node of left) part.addNode(node);
  for (const node of left) {
    scopes.forEachOutEdge(node, (_edge, attributes, from, to) => {
      if (left.has(to)) part.addEdge(from, to, attributes);
    });
  }
  for (const component of stronglyConnectedComponents(part)) {
    const start = component.at(-1)!;
    if (component.length > 1 || part.hasEdge(start, start))
      report(part, shortestCycle(part, start), findings);
  }
}

/** Every node left by the sort has a caller that was left too: going up from any of them must come round. */
function someCycle(scopes: ScopeGraph, left: ReadonlySet<string>): string[] {
  const path: string[] = [];
  const seen = new Map<string, number>();
  for (let [node] = left; node !== undefined;) {
    const before = seen.get(node);
    if (before !== undefined) return path.slice(before).toReversed();
    seen.set(node, path.push(node) - 1);
    node = scopes.findInNeighbor(node, (caller) => left.has(caller));
  }
  return path;
}

function shortestCycle(scopes: ScopeGraph, start: string): string[] {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const node of queue) {
    for (const callee of scopes.outNeighbors(node)) {
      if (callee === start) {
        const path = [node];
        while (path[0] !== start) path.unshift(cameFrom.get(path[0]!)!);
        return path;
      }
      if (!cameFrom.has(callee)) {
        cameFrom.set(callee, node);
        queue.push(callee);
      }
    }
  }
  return [start];
}

const SHOWN_STEPS = 20;

function report(scopes: ScopeGraph, cycle: readonly string[], findings: Findings): void {
  const last = cycle.at(-1)!;
  const { call } = scopes.getEdgeAttributes(last, cycle[0]!);
  const shown =
    cycle.length > SHOWN_STEPS
      ? [...cycle.slice(0, SHOWN_STEPS), `… ${cycle.length - SHOWN_STEPS} more …`]
      : cycle;
  findings.add(
    'cycle',
    call,
    `These scopes embed each other's tokens in a cycle: ${[...shown, cycle[0]].join(' → ')}.`,
    `Give one of these calls \`mode: exchange\`, or split a scope: this one goes from ${last} to ${cycle[0]}.`,
  );
}
