/**
 * Kiali's graph as JSON (`/api/namespaces/graph`, any graph type): traffic between nodes in requests per second. Edges
 * name nodes by id, so both are collected until the file ends.
 */
import { WaybillError } from '../../../errors.ts';
import { JsonScanner } from '../json/scanner.ts';
import { MAX_ROWS, MAX_SERVICES } from '../limits.ts';
import type { Observer } from '../observation.ts';
import { observeServiceCall } from './dependencies.ts';
import type { Source } from './source.ts';
import { asObject, countOf, member, nameAt, objectAt, rawText, type Json } from './values.ts';

interface Node {
  readonly name: string;
  readonly namespace: string;
  /**
   * `unknown`: an end of the traffic that the mesh cannot name; `outside`: not in the mesh; `gateway`: where requests
   * enter; `route`: a step between a caller and the workloads of a service.
   */
  readonly role: 'service' | 'unknown' | 'outside' | 'gateway' | 'waypoint' | 'route';
}

interface Edge {
  readonly source: string;
  readonly target: string;
  readonly protocol: string;
  readonly rate: number;
}

export const kiali: Source = ({ file, observer }) => {
  const nodes = new Map<string, Node>();
  const edges: Edge[] = [];
  let graphType = '';
  let isGraph = false;
  const scanner = new JsonScanner(file, {
    take: [
      [['graphType'], (value) => (graphType = typeof value === 'string' ? value : '')],
      [['elements', 'nodes', '*'], (value) => takeNode(objectAt(asObject(value), 'data'), nodes, file)],
      [
        ['elements', 'edges', '*'],
        (value) => takeEdge(objectAt(asObject(value), 'data'), edges, file, observer),
      ],
    ],
    leave: [[['elements'], () => (isGraph = true)]],
  });
  return {
    write: (chunk) => scanner.write(chunk),
    end() {
      scanner.end();
      if (!isGraph)
        throw new WaybillError(
          'source_unsuitable',
          `${file}: this is not a Kiali graph: it has no \`elements\`. Save the response of /api/namespaces/graph.`,
        );
      observeEdges(nodes, edges, graphType, observer);
    },
  };
};

function takeNode(data: Json | undefined, nodes: Map<string, Node>, file: string): void {
  const id = rawText(data, 'id');
  if (nodes.size >= MAX_SERVICES)
    throw new WaybillError(
      'source_too_large',
      `${file}: the graph has more than ${MAX_SERVICES.toLocaleString('en')} nodes.`,
    );
  const isService = rawText(data, 'nodeType') === 'service';
  const name = isService ? nameAt(data, 'service') : nameAt(data, 'app') || nameAt(data, 'workload');
  nodes.set(id, { name, namespace: nameAt(data, 'namespace'), role: roleOf(data, name, isService) });
}

function roleOf(data: Json | undefined, name: string, isService: boolean): Node['role'] {
  const is = (key: string) => member(data, key) !== undefined && member(data, key) !== false;
  if (is('isWaypoint')) return 'waypoint';
  if (rawText(data, 'nodeType') === 'unknown' || name === '' || name === 'unknown') return 'unknown';
  if (is('isServiceEntry')) return 'outside';
  if (is('isGateway') || (is('isRoot') && is('isOutside'))) return 'gateway';
  return isService ? 'route' : 'service';
}

function takeEdge(data: Json | undefined, edges: Edge[], file: string, observer: Observer): void {
  observer.read();
  if (edges.length >= MAX_ROWS)
    throw new WaybillError(
      'source_too_large',
      `${file}: the graph has more than ${MAX_ROWS.toLocaleString('en')} edges.`,
    );
  const traffic = objectAt(data, 'traffic');
  const protocol = rawText(traffic, 'protocol');
  const rate = protocol === '' ? 0 : countOf(member(objectAt(traffic, 'rates'), protocol));
  if (rate === undefined) return observer.warnings.add('bad-row');
  if (rate === 0) return observer.warnings.add('idle');
  edges.push({ source: rawText(data, 'source'), target: rawText(data, 'target'), protocol, rate });
}

function observeEdges(
  nodes: ReadonlyMap<string, Node>,
  edges: readonly Edge[],
  graphType: string,
  observer: Observer,
): void {
  const nameOf = unambiguous(nodes);
  for (const { source, target, protocol, rate } of edges) {
    const [from, to] = [nodes.get(source), nodes.get(target)];
    if (!from || !to) {
      observer.warnings.add('bad-row');
      continue;
    }
    // In workload graphs a service node only leads on to its workloads; its caller is on the edge before.
    if (
      from.role === 'waypoint' ||
      to.role === 'waypoint' ||
      (from.role === 'route' && graphType !== 'service')
    )
      continue;
    observeEdge(from, to, protocol, rate, nameOf, observer);
  }
}

function observeEdge(
  from: Node,
  to: Node,
  protocol: string,
  rate: number,
  nameOf: (node: Node) => string,
  observer: Observer,
): void {
  if (to.role === 'unknown') return observer.warnings.add('nameless-callee');
  const [caller, callee] = [nameOf(from), nameOf(to)];
  const running = { service: caller, operation: '', own: from.role === 'gateway' };
  if (protocol === 'tcp') {
    observer.warnings.add('tcp');
    if (from.role !== 'unknown')
      observer.call(running, { service: callee, operation: '', kind: 'tcp' }, rate);
  } else if (from.role === 'unknown') observer.run({ service: callee, operation: '' }, rate, 'requested');
  else if (to.role === 'outside')
    observer.call(running, { service: callee, operation: '', kind: 'foreign' }, rate);
  else if (from.role === 'gateway') {
    observer.run({ service: callee, operation: '' }, rate);
    observer.call(running, { service: callee, operation: '', kind: 'request' }, rate);
  } else observeServiceCall(observer, caller, callee, rate);
}

/** Appends the namespace to names that occur in two namespaces. */
function unambiguous(nodes: ReadonlyMap<string, Node>): (node: Node) => string {
  const namespaces = new Map<string, Set<string>>();
  for (const { name, namespace } of nodes.values()) {
    const known = namespaces.get(name);
    if (known) known.add(namespace);
    else namespaces.set(name, new Set([namespace]));
  }
  return ({ name, namespace }) => ((namespaces.get(name)?.size ?? 0) > 1 ? `${name}.${namespace}` : name);
}
