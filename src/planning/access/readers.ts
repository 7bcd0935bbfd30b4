/**
 * Who can read each token (rule 8). In: the roots of trees and who holds these. Out: for every different token the set
 * of its readers, as bits of a row.
 *
 * A reader of a token is its audience, its presenter, and whoever can read the token that embeds it. A tree of a
 * million tokens has few different ones, so each is looked at once: a token's row is the union of the rows above it. A
 * sealed call ends that: who carries the token above cannot read this one, only present it.
 */
import type { Branch, ServicePlan, TokenBody } from '../../graph/index.ts';

export interface Root {
  readonly body: TokenBody;
  /** Columns of those who hold it besides its audience: the client, and gateways. */
  readonly holders: readonly number[];
}

/** A call that brings a token into a tree, or lets its caller fetch one. */
export interface Edge {
  /** Rows of the caller's token and of the callee's; where the token is forwarded they are the same. */
  readonly from: number;
  readonly to: number;
  readonly callee: ServicePlan;
  readonly branch: Branch;
}

export interface Columns {
  readonly count: number;
  readonly columnOf: (service: ServicePlan) => number;
}

export interface ReadersOptions {
  readonly roots: readonly Root[];
  /** Every token of these trees and of those that are fetched under them. */
  readonly bodies: Iterable<TokenBody>;
  readonly columns: Columns;
  /** What is fetched by a call on demand; nothing where that is not looked at. */
  readonly fetched: (branch: Branch) => TokenBody | undefined;
}

/** 64 MiB of rows are worked out at a time: a graph of any size is looked at in that, some columns after the others. */
const MAX_WORDS = 16 * 1024 * 1024;

export class Readers {
  /** A row's token; callers stand before callees. */
  readonly bodies: readonly TokenBody[];
  readonly edges: readonly Edge[];
  readonly #rows = new Map<TokenBody, number>();
  readonly #roots: readonly Root[];
  readonly #columns: Columns;

  constructor({ roots, bodies, columns, fetched }: ReadersOptions) {
    // What embeds a token is deeper than the token.
    this.bodies = [...bodies].sort((a, b) => b.depth - a.depth);
    for (const [row, body] of this.bodies.entries()) this.#rows.set(body, row);
    this.#roots = roots;
    this.#columns = columns;
    this.edges = this.#edges(fetched);
  }

  #edges(fetched: ReadersOptions['fetched']): Edge[] {
    const edges: Edge[] = [];
    for (const [from, body] of this.bodies.entries()) {
      for (const branch of body.branches) {
        const { mode, service: callee, shape } = branch;
        if (mode === 'none' || !callee) continue;
        const target = mode === 'forward' ? body : (shape?.body ?? fetched(branch));
        const to = target && this.#rows.get(target);
        if (to !== undefined) edges.push({ from, to, callee, branch });
      }
    }
    return edges;
  }

  /** The rows, for some columns after the others; a block is only good until the next is asked for. */
  *blocks(): Generator<Block> {
    const { count } = this.#columns;
    const most = Math.max(1, Math.floor(MAX_WORDS / Math.max(1, this.bodies.length)));
    const width = Math.min(most, Math.ceil(count / 32));
    const words = new Uint32Array(width * this.bodies.length);
    for (let first = 0; first < count; first += width * 32) {
      const block = new Block(words.fill(0), width, first);
      this.#fill(block);
      yield block;
    }
  }

  #fill(block: Block): void {
    const { columnOf } = this.#columns;
    for (const { body, holders } of this.#roots) {
      const row = this.#rows.get(body)!;
      for (const column of holders) block.add(row, column);
    }
    for (const [row, { service }] of this.bodies.entries()) block.add(row, columnOf(service));
    for (const { from, to, callee, branch } of this.edges) {
      if (branch.mode === 'forward') block.add(from, columnOf(callee));
      if (branch.mode === 'exchange' && !branch.seal) block.add(to, columnOf(this.bodies[from]!.service));
    }
    for (const { from, to, branch } of this.edges)
      if (branch.mode === 'embed' && !branch.seal) block.include(to, from);
  }
}

/** The service, and those that take its token forwarded. */
export function audiencesOf({ service, branches }: TokenBody): ServicePlan[] {
  return [
    service,
    ...branches.flatMap(({ mode, service: callee }) => (mode === 'forward' && callee ? [callee] : [])),
  ];
}

/** Columns to look for in many rows: as a rule they are few, and so are the words that hold them. */
export type Mask = readonly { readonly at: number; readonly word: number }[];

/** For each row a set of columns, as bits; of columns that lie outside the block nothing is kept. */
export class Block {
  readonly width: number;
  /** The column of the first bit. */
  readonly first: number;
  readonly #words: Uint32Array;

  constructor(words: Uint32Array, width: number, first: number) {
    this.#words = words;
    this.width = width;
    this.first = first;
  }

  add(row: number, column: number): void {
    const bit = column - this.first;
    if (bit < 0 || bit >= this.width * 32) return;
    this.#words[row * this.width + (bit >> 5)]! |= 1 << (bit & 31);
  }

  include(row: number, other: number): void {
    const words = this.#words;
    let to = row * this.width;
    for (let from = other * this.width; from < (other + 1) * this.width; from++) words[to++]! |= words[from]!;
  }

  /** Whether a row has a column of the mask. */
  hasAny(row: number, mask: Mask): boolean {
    const start = row * this.width;
    return mask.some(({ at, word }) => (this.#words[start + at]! & word) !== 0);
  }

  /** Takes what a row has of the mask into a set. */
  collectAmong(row: number, into: Uint32Array, mask: Mask): void {
    const start = row * this.width;
    for (const { at, word } of mask) into[at]! |= this.#words[start + at]! & word;
  }

  /** Takes a row into a set, without these columns. */
  collect(row: number, into: Uint32Array, without: readonly number[] = []): void {
    const { width, first } = this;
    const words = this.#words;
    const start = row * width;
    for (let at = 0; at < width; at++) {
      let word = words[start + at]!;
      if (word === 0) continue; // most are: a token has few readers
      for (const column of without) {
        const bit = column - first;
        if (bit >> 5 === at) word &= ~(1 << (bit & 31));
      }
      into[at]! |= word;
    }
  }

  /** An empty set. */
  set(): Uint32Array {
    return new Uint32Array(this.width);
  }

  maskOf(columns: Iterable<number>): Mask {
    const set = this.set();
    for (const column of columns) this.mark(set, column);
    return [...set.entries()].flatMap(([at, word]) => (word === 0 ? [] : [{ at, word }]));
  }

  mark(set: Uint32Array, column: number): void {
    const bit = column - this.first;
    if (bit >= 0 && bit < this.width * 32) set[bit >> 5]! |= 1 << (bit & 31);
  }

  columnsOf(set: Uint32Array): number[] {
    const columns: number[] = [];
    for (let at = 0; at < set.length; at++) {
      for (let word = set[at]!; word !== 0; word &= word - 1)
        columns.push(this.first + at * 32 + (31 - Math.clz32(word & -word)));
    }
    return columns;
  }
}
