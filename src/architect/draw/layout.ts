/**
 * Lays out a picture with Graphviz, compiled to WebAssembly, in layers from left to right. Graphviz receives numbers and
 * sizes but no text, so that no text of a graph can change the layout.
 */
import type { Attributes, Graph } from '@viz-js/viz';
import { blockOf } from './text-size.ts';
import { nodesOf, type End, type Picture, type PictureNode } from './picture.ts';
import { BOX_LABEL, ROW_HEIGHT, sizeOfArrowLabel, sizeOfNode, type Size } from './text-styles.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** `x` and `y` are its centre. Pixels from the upper left corner of the picture. */
export interface Rect extends Point, Size {}

export interface Layout extends Size {
  /** In the order of `nodesOf`. */
  readonly nodes: readonly Rect[];
  /** In the order of the picture's boxes. */
  readonly boxes: readonly Rect[];
  /** In the order of the picture's arrows. */
  readonly routes: readonly Route[];
}

export interface Route {
  /** An SVG path from the caller to the callee. */
  readonly path: string;
  /** The centre of its label, if it has one. */
  readonly label: Point | undefined;
}

export async function layOutPicture(picture: Picture): Promise<Layout> {
  const { instance } = await import('@viz-js/viz'); // a megabyte, needed only here
  const viz = await instance();
  const drawn = JSON.parse(viz.renderString(graphOf(picture), { format: 'json0' })) as Drawn;
  return read(drawn, picture);
}

const POINTS_PER_INCH = 72;

/** A tree keeps its order, and all its nodes have the same width, so that its levels form columns. */
function graphOf(picture: Picture): Graph {
  const isTree = picture.kind === 'tree';
  // With `rankdir: LR` Graphviz puts the first node lowest.
  const inTurn = <Each>(list: readonly Each[]): readonly Each[] => (isTree ? [...list].reverse() : list);
  const nodes = nodesOf(picture);
  const numbers = new Map(nodes.map(({ id }, number) => [id, number]));
  const gap = CURVE + labelRoomOf(picture);
  const widest = Math.max(0, ...nodes.map((node) => sizeOfNode(node).width));
  const node = (of: PictureNode) => {
    const { width, height, head } = sizeOfNode(of);
    const cells = [head, ...of.rows.map(() => ROW_HEIGHT)];
    return {
      name: `node${numbers.get(of.id)}`,
      attributes: {
        label: table(isTree ? widest : width, of.rows.length > 0 ? cells : [height]),
      },
    };
  };
  return {
    directed: true,
    graphAttributes: {
      rankdir: 'LR',
      nodesep: 0.25,
      ...(isTree ? { ordering: 'out', ranksep: gap / POINTS_PER_INCH } : { ranksep: 0.6 }),
    },
    nodeAttributes: { shape: 'plain' },
    nodes: inTurn(picture.nodes).map(node),
    subgraphs: picture.boxes.map(({ label, nodes: members }, number) => ({
      // Graphviz draws a box around a subgraph whose name begins with `cluster`.
      name: `cluster${number}`,
      graphAttributes: {
        label: table(blockOf([{ text: label, style: BOX_LABEL }]).width, [BOX_LABEL.size]),
        labeljust: 'l',
        margin: 18,
      },
      nodes: inTurn(members).map(node),
    })),
    edges: inTurn([...picture.arrows.entries()]).map(([number, arrow]) => {
      const size = sizeOfArrowLabel(arrow);
      return {
        tail: `node${numbers.get(arrow.from.node)}`,
        head: `node${numbers.get(arrow.to.node)}`,
        attributes: {
          id: `arrow${number}`,
          tailport: portOf(arrow.from, 'e'),
          headport: portOf(arrow.to, 'w'),
          ...(size && !isTree ? { label: table(size.width, [size.height]) } : {}),
        },
      };
    }),
  };
}

function portOf({ row }: End, side: 'e' | 'w'): string {
  return `cell${row === undefined ? 0 : row + 1}:${side}`;
}

/** Width of the curved part of a tree's arrow, before the straight part. */
const CURVE = 56;

/** Width of the straight part of every arrow of a tree, with its label above it. */
function labelRoomOf({ arrows }: Picture): number {
  return 28 + Math.max(0, ...arrows.map((arrow) => sizeOfArrowLabel(arrow)?.width ?? 0));
}

/** Empty cells below each other, which reserve space. */
function table(width: number, heights: readonly number[]): Attributes[string] {
  const rows = heights.map(
    (height, at) =>
      `<TR><TD PORT="cell${at}" FIXEDSIZE="TRUE" WIDTH="${Math.ceil(width)}" HEIGHT="${Math.ceil(height)}"></TD></TR>`,
  );
  return {
    html: `<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">${rows.join('')}</TABLE>`,
  };
}

/** Output of Graphviz, in points with `y` upwards; sizes of nodes are in inches. */
interface Drawn {
  readonly bb: string;
  readonly objects?: readonly DrawnObject[];
  readonly edges?: readonly DrawnEdge[];
}

interface DrawnEdge {
  readonly id: string;
  readonly pos: string;
  /** Of its label. */
  readonly lp?: string;
}

interface DrawnObject {
  readonly name: string;
  /** Of a box. */
  readonly bb?: string;
  /** Of a node. */
  readonly pos?: string;
  readonly width?: string;
  readonly height?: string;
}

function read({ bb, objects = [], edges = [] }: Drawn, picture: Picture): Layout {
  const [, , width = 0, height = 0] = numbersIn(bb);
  const byName = new Map(objects.map((object) => [object.name, object]));
  const byId = new Map(edges.map((edge) => [edge.id, edge]));
  const point = (x: number, y: number): Point => ({ x, y: height - y });
  const named = (name: string): Partial<DrawnObject> => byName.get(name) ?? {};
  const nodes = nodesOf(picture).map((_, number) => {
    const { pos = '', width: inches = '0', height: high = '0' } = named(`node${number}`);
    const [x = 0, y = 0] = numbersIn(pos);
    const size = { width: Number(inches) * POINTS_PER_INCH, height: Number(high) * POINTS_PER_INCH };
    return { ...point(x, y), ...size };
  });
  const boxes = picture.boxes.map((_, number) => {
    const [left = 0, bottom = 0, right = 0, top = 0] = numbersIn(named(`cluster${number}`).bb ?? '');
    const middle = point((left + right) / 2, (top + bottom) / 2);
    return { ...middle, width: right - left, height: top - bottom };
  });
  const routes =
    picture.kind === 'tree'
      ? branchesOf(picture, nodes)
      : picture.arrows.map((_, number): Route => {
          const { pos = '', lp } = byId.get(`arrow${number}`) ?? {};
          const [x = 0, y = 0] = numbersIn(lp ?? '');
          return { path: pathOf(pos, point), label: lp === undefined ? undefined : point(x, y) };
        });
  return { width, height, nodes, boxes, routes };
}

/** Lines of a tree pass no other nodes, so they are computed here, with labels in columns. */
function branchesOf(picture: Picture, nodes: readonly Rect[]): Route[] {
  const rects = new Map(nodesOf(picture).map(({ id }, number) => [id, nodes[number]!]));
  const straight = labelRoomOf(picture);
  return picture.arrows.map((arrow) => {
    const [from, to] = [rects.get(arrow.from.node)!, rects.get(arrow.to.node)!];
    const [start, tip] = [from.x + from.width / 2, to.x - to.width / 2];
    const bend = tip - straight;
    const middle = (start + bend) / 2;
    const [y1, y2] = [round(from.y), round(to.y)];
    const curve = `C${round(middle)},${y1} ${round(middle)},${y2} ${round(bend)},${y2}`;
    const size = sizeOfArrowLabel(arrow);
    return {
      path: `M${round(start)},${y1} ${curve} L${round(tip)},${y2}`,
      label: size && { x: tip - straight / 2, y: to.y - size.height / 2 - 1 },
    };
  });
}

function numbersIn(text: string): number[] {
  return text.split(',').map(Number);
}

/** `e,<tip> <start> <three points for each curve>`: the curves, then a line to the tip. */
function pathOf(pos: string, point: (x: number, y: number) => Point): string {
  const at = (text: string): string => {
    const [x = 0, y = 0] = numbersIn(text);
    const { x: right, y: down } = point(x, y);
    return `${round(right)},${round(down)}`;
  };
  const [tip = '', start = '', ...curves] = pos.split(/\s+/);
  return `M${at(start)} C${curves.map(at).join(' ')} L${at(tip.replace(/^e,/, ''))}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
