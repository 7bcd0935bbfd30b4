/**
 * A tree of cards with lines, which scrolls and zooms. The cards are buttons in the order of the tree: Tab focuses the
 * selected one, the arrow keys move to its caller, callees and siblings.
 */
import type { ComponentChildren, JSX, TargetedKeyboardEvent } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { layoutTree, linkPath, type Box, type TreeLayout, type TreeNode } from './layout.ts';

export interface DiagramNode extends TreeNode {
  readonly line: 'embed' | 'exchange' | 'forward' | 'none';
  readonly className: string;
  readonly content: ComponentChildren;
}

export interface DiagramProps {
  readonly nodes: readonly DiagramNode[];
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
  readonly label: string;
  readonly title: string;
  readonly legend?: ComponentChildren;
}

const SMALLEST = 0.5;
const STEP = 1.2;

export function Diagram({ nodes, selected, onSelect, label, title, legend }: DiagramProps): JSX.Element {
  const layout = useMemo(() => layoutTree(nodes), [nodes]);
  const frame = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState(1);
  const fit = (): void => setZoom(fitting(frame.current, layout));
  useLayoutEffect(fit, [layout]);
  useEffect(() => {
    const box = layout.boxes.get(selected ?? '') ?? layout.boxes.get(nodes[0]?.id ?? '');
    if (box && frame.current) scrollIntoFrame(frame.current, box, zoom);
  }, [selected, layout, zoom]);
  const size = { width: `${layout.width * zoom}px`, height: `${layout.height * zoom}px` };
  return (
    <div class="diagram">
      <div class="zoom" role="group" aria-label="Zoom">
        <h2>{title}</h2>
        {legend}
        <button type="button" onClick={() => setZoom(zoom / STEP)} aria-label="Smaller">
          −
        </button>
        <button type="button" onClick={fit}>
          Fit
        </button>
        <button type="button" onClick={() => setZoom(zoom * STEP)} aria-label="Larger">
          +
        </button>
      </div>
      <div class="diagram-frame" ref={frame} role="group" aria-label={label}>
        <div class="diagram-size" style={size}>
          <div
            class="diagram-plane"
            style={{ width: `${layout.width}px`, height: `${layout.height}px`, transform: `scale(${zoom})` }}
            onKeyDown={(event) => moveFocus(event, nodes)}
          >
            <Lines nodes={nodes} layout={layout} />
            {nodes.map((node, index) => (
              <Card
                key={node.id}
                node={node}
                layout={layout}
                selected={selected === node.id}
                reached={
                  selected === undefined || !layout.boxes.has(selected) ? index === 0 : selected === node.id
                }
                onSelect={onSelect}
              />
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}

function fitting(frame: HTMLElement | null, { width, height }: TreeLayout): number {
  if (!frame || width === 0) return 1;
  const whole = Math.min(frame.clientWidth / width, frame.clientHeight / height, 1);
  // A tree too large to read at once fits its width and scrolls vertically.
  return Math.max(whole < 0.7 ? Math.min(frame.clientWidth / width, 0.85) : whole, SMALLEST);
}

/** Scrolls only the frame, and only if the card is out of sight. */
function scrollIntoFrame(frame: HTMLElement, box: Box, zoom: number): void {
  const [left, top] = [box.x * zoom, box.y * zoom];
  const [right, bottom] = [left + box.width * zoom, top + box.height * zoom];
  const seen =
    left >= frame.scrollLeft &&
    right <= frame.scrollLeft + frame.clientWidth &&
    top >= frame.scrollTop &&
    bottom <= frame.scrollTop + frame.clientHeight;
  if (seen) return;
  frame.scrollLeft = (left + right - frame.clientWidth) / 2;
  frame.scrollTop = (top + bottom - frame.clientHeight) / 2;
}

function Lines({ nodes, layout }: { nodes: readonly DiagramNode[]; layout: TreeLayout }): JSX.Element {
  return (
    <svg class="lines" width={layout.width} height={layout.height} aria-hidden="true">
      {nodes.map(({ id, parent, line }) => {
        const from = parent === undefined ? undefined : layout.boxes.get(parent);
        const to = layout.boxes.get(id);
        return from && to ? <path key={id} class={`line ${line}`} d={linkPath(from, to)} /> : null;
      })}
    </svg>
  );
}

interface CardProps {
  readonly node: DiagramNode;
  readonly layout: TreeLayout;
  readonly selected: boolean;
  readonly reached: boolean;
  readonly onSelect: (id: string) => void;
}

function Card({ node, layout, selected, reached, onSelect }: CardProps): JSX.Element | null {
  const box = layout.boxes.get(node.id);
  if (!box) return null;
  return (
    <button
      type="button"
      class={`card ${node.className}`}
      style={{ left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px` }}
      aria-current={selected ? 'true' : undefined}
      tabIndex={reached ? 0 : -1}
      data-id={node.id}
      onClick={() => onSelect(node.id)}
    >
      {node.content}
    </button>
  );
}

function moveFocus(event: TargetedKeyboardEvent<HTMLDivElement>, nodes: readonly DiagramNode[]): void {
  const current = (event.target as HTMLElement).dataset['id'];
  const at = nodes.findIndex(({ id }) => id === current);
  const node = nodes[at];
  if (!node) return;
  const siblings = nodes.filter(({ parent }) => parent === node.parent);
  const place = siblings.indexOf(node);
  const next = {
    ArrowLeft: nodes.find(({ id }) => id === node.parent),
    ArrowRight: nodes.find(({ parent }) => parent === node.id),
    ArrowUp: siblings[place - 1] ?? nodes[at - 1],
    ArrowDown: siblings[place + 1] ?? nodes[at + 1],
    Home: nodes[0],
    End: nodes.at(-1),
  }[event.key];
  if (!next) return;
  event.preventDefault();
  const cards = event.currentTarget.querySelectorAll<HTMLElement>('[data-id]');
  [...cards].find((card) => card.dataset['id'] === next.id)?.focus();
}
