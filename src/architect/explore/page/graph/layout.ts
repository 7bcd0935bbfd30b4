/** Computes places for nodes, callers left of callees, and the bends of lines. */
import dagre from '@dagrejs/dagre';
import { getOrAdd } from '../../../../get-or-add.ts';
import type { GraphElements, GraphNode } from './elements.ts';

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
const ROW = 44;
/** Distances between nodes, and between lines that pass a level. */
const APART = { nodesep: 10, edgesep: 8 };
/** dagre counts the borders of boxes as lines, so nodesep + 2 edgesep leave room for two paddings and a title. */
const BOXES_APART = { nodesep: 16, edgesep: 22 };
/** A layered layout of more nodes takes too long. */
const MAX_NODES = 200;

export function nodeWidth({ label, note = '' }: Pick<GraphNode, 'label' | 'note'>): number {
  return Math.max(72, Math.round(Math.max(label.length, note.length) * CHAR + 26));
}

export function nodeHeight({ note }: Pick<GraphNode, 'note'>): number {
  return note === undefined ? 28 : 40;
}

export function layoutGraph({ nodes, boxes, lines, folded }: GraphElements): GraphLayout {
  const dense = folded > 0 && lines.length > 2 * nodes.length;
  if (nodes.length > MAX_NODES || dense) return ring(nodes);
  const graph = new dagre.graphlib.Graph({ compound: true });
  const apart = boxes.length > 1 ? BOXES_APART : APART;
  graph.setGraph({ rankdir: 'LR', ...apart, ranksep: 70, acyclicer: 'greedy' });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { width: nodeWidth(node), height: nodeHeight(node) });
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

/** Groups that all call each other have no levels, so they form a ring; the nodes of an open group stay together. */
function ring(nodes: readonly GraphNode[]): GraphLayout {
  const together = new Map<string, GraphNode[]>();
  for (const node of nodes) getOrAdd(together, node.box ?? node.id, () => []).push(node);
  const clusters = [...together.values()].map((inside) => {
    const columns = Math.ceil(Math.sqrt(inside.length / 3));
    const width = Math.max(...inside.map(nodeWidth)) + 16;
    return { inside, columns, width, height: Math.ceil(inside.length / columns) * ROW };
  });
  const around = clusters.reduce(
    (sum, { columns, width, height }) => sum + Math.max(columns * width, height) + 60,
    0,
  );
  const [across, down] = [Math.max(260, around / 5), Math.max(120, around / 10)];
  const places = new Map<string, Point>();
  for (const [at, { inside, columns, width, height }] of clusters.entries()) {
    const angle = Math.PI + (2 * Math.PI * at) / clusters.length;
    const [left, top] = [Math.cos(angle) * across, Math.sin(angle) * down];
    for (const [index, { id }] of inside.entries()) {
      const [column, row] = [index % columns, Math.floor(index / columns)];
      places.set(id, { x: left + (column - (columns - 1) / 2) * width, y: top + row * ROW - height / 2 });
    }
  }
  return { places, bends: new Map() };
}
