/**
 * The graph, drawn by Cytoscape on a canvas, with the request's services lit up. The list of services beside it gives
 * keyboards and screen readers the same information.
 */
import cytoscape, { type Core, type ElementDefinition } from 'cytoscape';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { groupOf, type GraphElements } from './elements.ts';
import { layoutGraph, nodeHeight, nodeWidth, type GraphLayout, type Point } from './layout.ts';
import { graphStyle } from './style.ts';

export interface GraphViewProps {
  readonly elements: GraphElements;
  readonly selected: string;
  /** Colours come from the style sheet, so another theme draws again. */
  readonly theme: string;
  readonly onSelect: (name: string) => void;
  readonly onToggle: (group: string) => void;
}

export function GraphView({ elements, selected, theme, onSelect, onToggle }: GraphViewProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const core = useRef<Core | undefined>(undefined);
  const handlers = useRef({ onSelect, onToggle });
  handlers.current = { onSelect, onToggle };
  const layout = useMemo(() => layoutGraph(elements), [elements]);

  useEffect(() => {
    const cy = cytoscape({
      container: frame.current,
      maxZoom: 2.5,
      minZoom: 0.05,
      autoungrabify: true,
      boxSelectionEnabled: false,
    });
    cy.on('tap', 'node', ({ target }: { target: cytoscape.NodeSingular }) => {
      const [id, kind] = [target.id(), target.data('kind') as string];
      if (kind === 'group' || kind === 'box') handlers.current.onToggle(groupOf(id));
      else if (kind !== 'outside') handlers.current.onSelect(id);
    });
    const resized = new ResizeObserver(() => {
      cy.resize();
      fit(cy);
    });
    if (frame.current) resized.observe(frame.current);
    core.current = cy;
    return () => {
      resized.disconnect();
      cy.destroy();
    };
  }, []);

  useEffect(() => {
    const cy = core.current;
    if (!cy) return;
    cy.style(graphStyle(getComputedStyle(document.documentElement)));
    cy.elements().remove();
    cy.add(elementsOf(elements, layout));
    choose(cy, selected);
    fit(cy);
  }, [elements, layout, theme]);

  useEffect(() => {
    if (core.current) choose(core.current, selected);
  }, [selected]);

  const label = `${elements.nodes.length} nodes, ${elements.lines.length} lines; the list of services has the same content`;
  return <div class="graph" ref={frame} role="img" aria-label={`The graph: ${label}`} />;
}

function choose(cy: Core, selected: string): void {
  cy.nodes().removeClass('chosen');
  if (selected !== '') cy.getElementById(selected).addClass('chosen');
}

const [SMALLEST, LARGEST] = [0.55, 1.15];
/** Below this zoom most of the graph would be out of sight. */
const FAR_TOO_LARGE = 0.4;

/** Pixels from the left where the entry service is placed. */
const BEGIN = 200;

/** Fits the whole graph if it stays readable; otherwise centres the selection or begins at the entry service. */
function fit(cy: Core): void {
  cy.fit(undefined, 16);
  const zoom = cy.zoom();
  if (zoom >= SMALLEST && zoom <= LARGEST) return;
  cy.zoom(Math.min(LARGEST, Math.max(SMALLEST, zoom)));
  const chosen = cy.nodes('.chosen');
  const entry = cy.nodes('.client.lit').outgoers('edge.lit').targets();
  if (zoom > LARGEST) cy.center();
  else if (chosen.nonempty()) cy.center(chosen);
  else if (zoom < FAR_TOO_LARGE && entry.nonempty())
    cy.center(entry).panBy({ x: BEGIN - cy.width() / 2, y: 0 });
  else cy.center();
}

function elementsOf(
  { nodes, boxes, lines }: GraphElements,
  { places, bends }: GraphLayout,
): ElementDefinition[] {
  const at = (id: string): Point => places.get(id) ?? { x: 0, y: 0 };
  return [
    ...boxes.map(({ id, label }) => ({ data: { id, label, kind: 'box' }, classes: 'box' })),
    ...nodes.map((node) => ({
      data: {
        id: node.id,
        label: node.note === undefined ? node.label : `${node.label}\n${node.note}`,
        kind: node.kind,
        width: nodeWidth(node),
        height: nodeHeight(node),
        ...(node.box === undefined ? {} : { parent: node.box }),
      },
      position: { ...at(node.id) },
      classes: [node.kind, node.lit ? 'lit' : 'dim', node.finding ?? ''].join(' '),
    })),
    ...lines.map(({ from, to, mode, lit, count }) => ({
      data: {
        source: from,
        target: to,
        width: 1.4 + Math.min(1.6, Math.log2(count) / 4),
        ...relative(at(from), at(to), bends.get(`${from}>${to}`) ?? []),
      },
      classes: [mode, lit ? 'lit' : 'dim'].join(' '),
    })),
  ];
}

/** Points in Cytoscape's form: distance along the straight line, and distance beside it. */
function relative(from: Point, to: Point, points: readonly Point[]): { weights: string; distances: string } {
  const [x, y] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(x, y) || 1;
  const bends = points.length > 0 ? points : [{ x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 }];
  const each = bends.map((point) => {
    const [px, py] = [point.x - from.x, point.y - from.y];
    return { weight: (px * x + py * y) / length ** 2, distance: (py * x - px * y) / length };
  });
  return {
    weights: each.map(({ weight }) => weight.toFixed(4)).join(' '),
    distances: each.map(({ distance }) => distance.toFixed(2)).join(' '),
  };
}
