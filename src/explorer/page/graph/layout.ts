/** Places for the nodes of a graph, callers left of callees, and the bends of the lines between them. */
import dagre from '@dagrejs/dagre';
import type { GraphDrawing, GraphNode } from './elements.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface GraphLayout {
  readonly places: ReadonlyMap<string, Point>;
  /** By caller and callee: the points between the two nodes. */
  readonly bends: ReadonlyMap<string, readonly Point[]>;
}

const CHAR = 8;
export const NODE_HEIGHT = 28;
/** Beyond this a layered layout takes longer than anyone waits; what is drawn then is a chequered field. */
const MOST_NODES = 200;
/** So many groups all call one another: there are no levels to see. */
const MOST_GROUPS = 16;

export function nodeWidth({ label }: Pick<GraphNode, 'label'>): number {
  return Math.max(72, Math.round(label.length * CHAR + 26));
}

export function layoutGraph({ nodes, boxes, lines, folded }: GraphDrawing): GraphLayout {
  if (nodes.length > MOST_NODES || folded > MOST_GROUPS) return field(nodes);
  const graph = new dagre.graphlib.Graph({ compound: true });
  graph.setGraph({ rankdir: 'LR', nodesep: 10, ranksep: 70, edgesep: 8, acyclicer: 'greedy' });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { width: nodeWidth(node), height: NODE_HEIGHT });
  for (const { id } of boxes) graph.setNode(id, {});
  for (const { id, box } of nodes) if (box !== undefined) graph.setParent(id, box);
  for (const { from, to } of lines) graph.setEdge(from, to);
  dagre.layout(graph);
  const places = new Map(nodes.map(({ id }) => [id, graph.node(id) as unknown as Point]));
  const bends = new Map(
    lines.map(({ from, to }) => {
      const { points = [] } = graph.edge(from, to) as { points?: readonly Point[] };
      return [`${from}>${to}`, points.slice(1, -1)];
    }),
  );
  return { places, bends };
}

function field(nodes: readonly GraphNode[]): GraphLayout {
  const boxes = [...new Set(nodes.map(({ box }) => box))];
  const places = new Map<string, Point>();
  let top = 0;
  for (const box of boxes) {
    const inside = nodes.filter((node) => node.box === box);
    const columns = Math.ceil(Math.sqrt(inside.length / 2));
    for (const [at, { id }] of inside.entries())
      places.set(id, { x: (at % columns) * 150, y: top + Math.floor(at / columns) * 52 });
    top += Math.ceil(inside.length / columns) * 52 + 70;
  }
  return { places, bends: new Map() };
}
