/**
 * The readers of each token (rule 8). In: the roots of trees, each with its readers. Out: for every different token the
 * set of its readers, as bits of a row.
 *
 * The readers of a token are its audience, its presenter, and the readers of the token that embeds it. A tree of a
 * million tokens has few different ones, so each is visited once: a token's row is the union of the rows above it. A
 * sealed call ends that: the readers of the token above can present this one, but not read it.
 */
import type { Branch, ServicePlan, TokenBody } from '../../graph/index.ts';

export interface Root {
  readonly body: TokenBody;
  /** Columns of its readers besides its audience: the client, and gateways. */
  readonly holders: readonly number[];
}

/** A call that embeds a token, forwards one, or lets its caller fetch one. */
export interface Edge {
  /** Rows of the caller's token and of the callee's; a forwarded token has one row for both. */
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
  /** Every token of these trees and of those fetched with their tokens. */
  readonly bodies: Iterable<TokenBody>;
  readonly columns: Columns;
  /** The token that a call on demand fetches; nothing if it is not analyzed. */
  readonly fetched: (branch: Branch) => TokenBody | undefined;
}

/** Rows take at most 64 MiB: a large graph is analyzed in several passes, each for some of the columns. */
const MAX_WORDS = 16 * 1024 * 1024;

export class Readers {
  /** The token of each row; callers before callees. */
  readonly bodies: readonly TokenBody[];
  readonly edges: readonly Edge[];
  readonly #rows = new Map<TokenBody, number>();
  readonly #roots: readonly Root[];
  readonly #columns: Columns;

  constructor({ roots, bodies, columns, fetched }: ReadersOptions) {
    // A tree is deeper than the trees in it.
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

  /** The rows, for some columns at a time. A block is valid until the next one. */
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

/** The service, and those that get its token forwarded. */
export function audiencesOf({ service, branches }: TokenBody): ServicePlan[] {
  return [
    service,
    ...branches.flatMap(({ mode, service: callee }) => (mode === 'forward' && callee ? [callee] : [])),
  ];
}

/** Columns to find in many rows. Mostly they are few, and so are the words with their bits. */
export type Mask = readonly { readonly at: number; readonly word: number }[];

/** For each row a set of columns, as bits. Columns outside the block are ignored. */
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

  /** Adds the columns of a row that are in the mask to a set. */
  collectAmong(row: number, into: Uint32Array, mask: Mask): void {
    const start = row * this.width;
    for (const { at, word } of mask) into[at]! |= this.#words[start + at]! & word;
  }

  /** Adds the columns of a row to a set, without these. */
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
