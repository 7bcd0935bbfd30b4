/**
 * A picture before it is written in any language: boxes, nodes and arrows with their texts, in the order of the graph.
 * Texts are as they stand in the graph; who writes them down escapes them.
 */
import type { Mode, ServicePlan } from '../../graph/index.ts';

export interface Picture {
  /** `tree`: of tokens, in order; every node but the first has one arrow to it. */
  readonly kind: 'graph' | 'tree';
  /** One line. */
  readonly title: string;
  /** One more line, on how to read it; empty: none. */
  readonly note: string;
  /** What stands in no box. */
  readonly nodes: readonly PictureNode[];
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
}

/** A zone. */
export interface Box {
  readonly label: string;
  readonly nodes: readonly PictureNode[];
}

export interface PictureNode {
  /** Unique in the picture; shown where a pointer rests on it. */
  readonly id: string;
  /** `outside`: a callee that the graph does not declare. */
  readonly kind: 'client' | 'service' | 'outside';
  readonly lines: readonly Line[];
  /** Below the lines, one for each scope, where scopes are drawn. */
  readonly rows: readonly string[];
}

export interface Line {
  readonly text: string;
  readonly as: 'name' | 'scopes' | 'claims';
}

/** A node, or one of its rows. */
export interface End {
  readonly node: string;
  /** From 0. */
  readonly row?: number | undefined;
}

export interface Arrow {
  readonly from: End;
  readonly to: End;
  readonly mode: Mode;
  readonly lines: readonly string[];
  /** How full the hop is, where it carries a token of a request. */
  readonly load?: Load;
}

/** `tight`: less than a fifth of the room is left. */
export type Load = 'fits' | 'tight' | 'over';

/** How the calls of a mode are told of. */
export const MODE_NAMES: Readonly<Record<Mode, string>> = {
  embed: 'embedded',
  exchange: 'fetched on demand',
  forward: "the caller's own token",
  none: 'no token',
};

/** The modes that occur. */
export function modesOf({ arrows }: Picture): Mode[] {
  const seen = new Set<string>(arrows.map(({ mode }) => mode));
  return (Object.keys(MODE_NAMES) as Mode[]).filter((mode) => seen.has(mode));
}

/** For those who do not see it: a sentence for each arrow, in their order. */
export function describe(picture: Picture): string[] {
  const nodes = new Map(nodesOf(picture).map((node) => [node.id, node]));
  const nameOf = ({ node: id, row }: End): string => {
    const node = nodes.get(id);
    const name = node?.lines[0]?.text ?? id;
    return row === undefined ? name : `${name}, ${node?.rows[row] ?? ''}`;
  };
  return picture.arrows.map(
    ({ from, to, mode, lines }) =>
      `${nameOf(from)} to ${nameOf(to)}: ${[MODE_NAMES[mode], ...lines].join(', ')}.`,
  );
}

export function nodesOf({ nodes, boxes }: Pick<Picture, 'nodes' | 'boxes'>): PictureNode[] {
  return [...nodes, ...boxes.flatMap((box) => box.nodes)];
}

/** A node, and the label of its zone where it has one. */
export interface Placed {
  readonly zone?: string | undefined;
  readonly node: PictureNode;
}

/** Puts every node that names a zone into its box, in the order in which the zones are first named. */
export function groupByZone(placed: readonly Placed[]): Pick<Picture, 'nodes' | 'boxes'> {
  const zones = new Map<string | undefined, PictureNode[]>();
  for (const { zone, node } of placed) {
    const members = zones.get(zone);
    if (members) members.push(node);
    else zones.set(zone, [node]);
  }
  const boxes = Array.from(zones, ([label, nodes]) => (label === undefined ? [] : [{ label, nodes }]));
  return { nodes: zones.get(undefined) ?? [], boxes: boxes.flat() };
}

/** `mesh, behind istio`: the label of a service's zone, the same for all its services. */
export function zoneOf({ zone, zoneVia }: ServicePlan): string | undefined {
  const via = zoneVia.flatMap(({ profile }) => profile ?? 'a limit');
  return zone === undefined || via.length === 0 ? zone : `${zone}, behind ${via.join(' and ')}`;
}

/** The texts of an arrow in a picture of the graph: what is asked for, and how often where that is not always. */
export function callLines(scopes: readonly { readonly name: string }[], probability: number): string[] {
  const names = scopes.map(({ name }) => name);
  return [
    ...(names.length > NAMED_SCOPES ? [`${names.length} scopes`] : names),
    ...(probability < 1 ? [percentOf(probability)] : []),
  ];
}

/** More scopes than these are counted. */
export const NAMED_SCOPES = 3;

/** A probability or a share, in two digits. */
export function percentOf(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}
