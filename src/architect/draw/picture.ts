/**
 * A picture independent of its format: boxes, nodes and arrows with their texts, in the order of the graph. Texts are
 * not escaped; each renderer escapes them.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  termTexts,
  termsOf,
  type CallMode,
  type CallPlan,
  type ScopePlan,
  type ServicePlan,
} from '../../graph/index.ts';

export interface Picture {
  /** `tree`: a token tree; one arrow leads to every node but the first. */
  readonly kind: 'graph' | 'tree';
  /** One line. */
  readonly title: string;
  /** A second line that says how to read the picture; may be empty. */
  readonly note: string;
  /** Nodes outside all boxes. */
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
  /** Unique in the picture; shown as a tooltip. */
  readonly id: string;
  /** `outside`: a callee that the graph does not declare. */
  readonly kind: 'client' | 'service' | 'outside';
  readonly lines: readonly Line[];
  /** One row for each drawn scope, below the lines. */
  readonly rows: readonly string[];
}

export interface Line {
  readonly text: string;
  readonly as: 'name' | 'scopes' | 'claims';
}

export interface End {
  readonly node: string;
  /** From 0. */
  readonly row?: number | undefined;
}

export interface Arrow {
  readonly from: End;
  readonly to: End;
  readonly mode: CallMode;
  readonly lines: readonly string[];
  /** How well the token fits its header budget, if the arrow carries one. */
  readonly load?: Load;
}

/** `tight`: more than 80 % of the header budget is used. */
export type Load = 'fits' | 'tight' | 'over';

/** How people read the mode of a call. */
export const MODE_NAMES: Readonly<Record<CallMode, string>> = {
  embed: 'travels inside',
  exchange: 'fetched when needed',
  forward: 'same token passed on',
  none: 'no token',
};

export function modesOf({ arrows }: Picture): CallMode[] {
  const seen = new Set<string>(arrows.map(({ mode }) => mode));
  return (Object.keys(MODE_NAMES) as CallMode[]).filter((mode) => seen.has(mode));
}

/** For screen readers: one sentence for each arrow, in order. */
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

export interface Placed {
  readonly zone?: string | undefined;
  readonly node: PictureNode;
}

/** Puts nodes with a zone into a box for each zone, in the order of first occurrence. */
export function groupByZone(placed: readonly Placed[]): Pick<Picture, 'nodes' | 'boxes'> {
  const zones = new Map<string | undefined, PictureNode[]>();
  for (const { zone, node } of placed) {
    getOrAdd(zones, zone, () => []).push(node);
  }
  const boxes = Array.from(zones, ([label, nodes]) => (label === undefined ? [] : [{ label, nodes }]));
  return { nodes: zones.get(undefined) ?? [], boxes: boxes.flat() };
}

/** `mesh, behind istio`: the label of a service's zone, the same for all its services. */
export function zoneOf({ zone, zoneVia }: ServicePlan): string | undefined {
  const via = zoneVia.flatMap(({ profile }) => profile ?? 'a limit');
  return zone === undefined || via.length === 0 ? zone : `${zone}, behind ${via.join(' and ')}`;
}

/** The label of an arrow between services: scopes, its terms, and the probability if it is below 1. */
export function callLines(
  scopes: readonly { readonly name: string }[],
  probability: number,
  terms: readonly string[] = [],
): string[] {
  const names = scopes.map(({ name }) => name);
  return [
    ...(names.length > NAMED_SCOPES ? [`${names.length} scopes`] : names),
    ...terms,
    ...(probability < 1 ? [percentOf(probability)] : []),
  ];
}

/** Conditions, last days and sealing of merged calls. */
export function termLines(calls: readonly CallPlan[], scopes: readonly ScopePlan[]): string[] {
  return termTexts(termsOf(calls, scopes), scopes.length);
}

/** More scopes than this are counted instead of named. */
export const NAMED_SCOPES = 3;

/** A share with two significant digits. */
export function percentOf(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}
