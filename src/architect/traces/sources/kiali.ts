/**
 * Kiali's graph as JSON (`/api/namespaces/graph`, any graph type): traffic between nodes in requests per second. Edges
 * name nodes by id, so both are collected until the file ends.
 */
import { WaybillError } from '../../../errors.ts';
import { getOrAdd } from '../../../get-or-add.ts';
import { MAX_ROWS, MAX_SERVICES } from '../limits.ts';
import type { Observer } from '../observation.ts';
import { serviceKey, type ServiceNames } from '../service-names.ts';
import { observeServiceCall } from './dependencies.ts';
import { jsonReader } from './json-reader.ts';
import type { Source } from './source.ts';
import { asObject, countOf, listAt, member, nameAt, objectAt, rawText, type Json } from './values.ts';

interface Node {
  /** The key of its name. */
  readonly key: string;
  /**
   * `unknown`: an end of the traffic that the mesh cannot name; `outside`: not in the mesh; `gateway`: where requests
   * enter; `route`: a Service of Kubernetes, between a caller and the workloads behind it.
   */
  readonly role: 'service' | 'unknown' | 'outside' | 'gateway' | 'waypoint' | 'route';
}

interface Graph {
  readonly file: string;
  /** By id. */
  readonly nodes: Map<string, Node>;
  readonly edges: Edge[];
  /** By the key of a Service: the nodes that say they are behind it. */
  readonly behind: Map<string, Set<Node>>;
  /** Mentions of Services, which are bounded. */
  mentions: number;
}

interface Edge {
  readonly source: string;
  readonly target: string;
  readonly protocol: string;
  readonly rate: number;
}

export const kiali: Source = ({ file, observer, later }) => {
  const graph: Graph = { file, nodes: new Map(), edges: [], behind: new Map(), mentions: 0 };
  let graphType = '';
  let isGraph = false;
  const reader = jsonReader(file, {
    own: ['elements'],
    lacks: 'it has no edges',
    take: [
      [['graphType'], (value) => (graphType = typeof value === 'string' ? value : '')],
      [
        ['elements', 'nodes', '*'],
        (value) => takeNode(objectAt(asObject(value), 'data'), graph, observer.names),
      ],
      [['elements', 'edges', '*'], (value) => takeEdge(objectAt(asObject(value), 'data'), graph, observer)],
    ],
    leave: [[['elements'], () => (isGraph = true)]],
    ended() {
      if (isGraph) later(() => observeEdges(graph, graphType, observer));
    },
  });
  return {
    ...reader,
    holding() {
      const holding = reader.holding();
      return isGraph
        ? holding
        : { isOfFormat: false, says: `${holding.says}. Save the response of /api/namespaces/graph` };
    },
  };
};

function takeNode(data: Json | undefined, graph: Graph, names: ServiceNames): void {
  const { file, nodes, behind } = graph;
  const id = rawText(data, 'id');
  if (nodes.size >= MAX_SERVICES)
    throw new WaybillError(
      'source_too_large',
      `${file}: the graph has more than ${MAX_SERVICES.toLocaleString('en')} nodes.`,
    );
  const isService = rawText(data, 'nodeType') === 'service';
  const name = isService ? nameAt(data, 'service') : nameAt(data, 'app') || nameAt(data, 'workload');
  const role = roleOf(data, name, isService);
  const namespace = nameAt(data, 'namespace');
  const node = { key: role === 'unknown' ? '' : names.key(name, namespace), role };
  nodes.set(id, node);
  if (role !== 'service' && role !== 'gateway') return;
  for (const one of listAt(data, 'destServices').map(asObject)) {
    if (++graph.mentions > MAX_ROWS) throw tooManyRows(file);
    const service = serviceKey(nameAt(one, 'name'), nameAt(one, 'namespace'));
    getOrAdd(behind, service, () => new Set()).add(node);
  }
}

function roleOf(data: Json | undefined, name: string, isService: boolean): Node['role'] {
  const is = (key: string) => member(data, key) !== undefined && member(data, key) !== false;
  if (is('isWaypoint')) return 'waypoint';
  if (rawText(data, 'nodeType') === 'unknown' || name === '' || name === 'unknown') return 'unknown';
  if (is('isServiceEntry')) return 'outside';
  if (is('isGateway') || (is('isRoot') && is('isOutside'))) return 'gateway';
  return isService ? 'route' : 'service';
}

function takeEdge(data: Json | undefined, { edges, file }: Graph, observer: Observer): void {
  observer.read();
  if (edges.length >= MAX_ROWS) throw tooManyRows(file);
  const traffic = objectAt(data, 'traffic');
  const protocol = rawText(traffic, 'protocol');
  const rate = protocol === '' ? 0 : countOf(member(objectAt(traffic, 'rates'), protocol));
  if (rate === undefined) return observer.warnings.add('bad-row');
  if (rate === 0) observer.warnings.add('idle');
  edges.push({ source: rawText(data, 'source'), target: rawText(data, 'target'), protocol, rate });
}

function tooManyRows(file: string): WaybillError {
  return new WaybillError(
    'source_too_large',
    `${file}: the graph has more than ${MAX_ROWS.toLocaleString('en')} edges.`,
  );
}

function observeEdges({ nodes, edges, behind }: Graph, graphType: string, observer: Observer): void {
  const isOfServices = graphType === 'service';
  const services = serviceNodes(behind, observer);
  if (!isOfServices)
    for (const edge of edges) services.lead(nodes.get(edge.source), nodes.get(edge.target), edge.rate);
  const { names } = observer;
  for (const { source, target, protocol, rate } of edges) {
    if (rate === 0) continue;
    const [from, to] = [nodes.get(source), nodes.get(target)];
    if (!from || !to) {
      observer.warnings.add('bad-row');
      continue;
    }
    if (from.role === 'waypoint' || to.role === 'waypoint') continue;
    // Elsewhere a Service only leads on to its workloads; its caller is on the edge before.
    if (from.role === 'route' && !isOfServices) continue;
    const targets = to.role === 'route' ? services.targets(to, isOfServices) : [{ node: to, share: 1 }];
    const caller = names.nameOf(from.key);
    for (const { node, share } of targets) {
      observeEdge(from.role, node.role, caller, names.nameOf(node.key), protocol, rate * share, observer);
    }
  }
}

interface Target {
  readonly node: Node;
  /** Of the calls to the Service. */
  readonly share: number;
}

/** The Services of Kubernetes in a graph, and the workloads to which they lead. */
function serviceNodes(behind: Graph['behind'], observer: Observer) {
  /** By the Service: the nodes behind it, with their traffic. */
  const leadOf = new Map<Node, Map<Node, number>>();
  const targetsOf = new Map<Node, readonly Target[]>();

  function find(service: Node): readonly Target[] {
    const led = [...(leadOf.get(service) ?? [])];
    const total = led.reduce((sum, [, rate]) => sum + rate, 0);
    if (led.length > 0)
      return led.map(([node, rate]) => ({ node, share: total > 0 ? rate / total : 1 / led.length }));
    const said = [...(behind.get(service.key) ?? [])];
    return said.map((node) => ({ node, share: 1 / said.length }));
  }

  return {
    /** Notes an edge. */
    lead(from: Node | undefined, to: Node | undefined, rate: number): void {
      if (from?.role !== 'route' || !to || to.role === 'waypoint' || to.role === 'unknown') return;
      const led = getOrAdd(leadOf, from, () => new Map<Node, number>());
      led.set(to, (led.get(to) ?? 0) + rate);
    },
    /** What a call to the Service reaches: the workloads behind it, else the Service itself. */
    targets(service: Node, isOfServices: boolean): readonly Target[] {
      if (isOfServices) return [{ node: service, share: 1 }];
      return getOrAdd(targetsOf, service, () => {
        const { names, warnings } = observer;
        const targets = find(service);
        const behind = new Set(targets.map(({ node }) => names.nameOf(node.key)));
        if (behind.size === 0) warnings.add('service-node', 1, names.nameOf(service.key));
        if (behind.size > 1) warnings.add('shared-service', 1, names.nameOf(service.key));
        return targets.length === 0 ? [{ node: service, share: 1 }] : targets;
      });
    },
  };
}

function observeEdge(
  from: Node['role'],
  to: Node['role'],
  caller: string,
  callee: string,
  protocol: string,
  rate: number,
  observer: Observer,
): void {
  if (to === 'unknown') return observer.warnings.add('nameless-callee');
  const running = { service: caller, operation: '', own: from === 'gateway' };
  if (protocol === 'tcp') {
    observer.warnings.add('tcp');
    if (from !== 'unknown') observer.call(running, { service: callee, operation: '', kind: 'tcp' }, rate);
  } else if (from === 'unknown') observer.run({ service: callee, operation: '' }, rate, 'requested');
  else if (to === 'outside')
    observer.call(running, { service: callee, operation: '', kind: 'foreign' }, rate);
  else if (from === 'gateway') {
    observer.run({ service: callee, operation: '' }, rate);
    observer.call(running, { service: callee, operation: '', kind: 'request' }, rate);
  } else observeServiceCall(observer, caller, callee, rate);
}
