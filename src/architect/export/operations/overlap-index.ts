/**
 * Finds the operations that overlap one, without comparing it with each: a service may have thousands. Operations are
 * found by method, then segment by segment, since two different literals at one place have no request in common.
 */
import { getOrAdd } from '../../../get-or-add.ts';
import { overlap } from './overlap.ts';
import type { HttpOperation, PathPattern } from './pattern.ts';

interface Entry<Value> {
  readonly operation: HttpOperation;
  readonly value: Value;
  /** The order in which it was added. */
  readonly order: number;
}

interface Node<Value> {
  readonly literals: Map<string, Node<Value>>;
  /** Below a segment that is or has a parameter. */
  open: Node<Value> | undefined;
  /** Whose path ends here, or accepts everything from here on. */
  readonly ends: Entry<Value>[];
  readonly rests: Entry<Value>[];
}

export class OverlapIndex<Value> {
  /** By method; undefined: any. */
  readonly #roots = new Map<string | undefined, Node<Value>>();
  #size = 0;

  add(operation: HttpOperation, value: Value): void {
    const entry = { operation, value, order: this.#size++ };
    let node = getOrAdd<string | undefined, Node<Value>>(this.#roots, operation.method, emptyNode);
    for (const segment of operation.path) {
      if (segment.kind === 'rest') return void node.rests.push(entry);
      if (segment.kind === 'literal')
        node = getOrAdd<string, Node<Value>>(node.literals, segment.text, emptyNode);
      else node = node.open ??= emptyNode();
    }
    node.ends.push(entry);
  }

  /** What was added for operations that overlap this one, in the order in which it was added. */
  overlapping(operation: HttpOperation): Value[] {
    const found: Entry<Value>[] = [];
    for (const [method, root] of this.#roots)
      if (method === undefined || operation.method === undefined || method === operation.method)
        collect(root, operation.path, found);
    return found
      .filter((entry) => overlap(operation, entry.operation))
      .sort((a, b) => a.order - b.order)
      .map(({ value }) => value);
  }
}

function emptyNode<Value>(): Node<Value> {
  return { literals: new Map(), open: undefined, ends: [], rests: [] };
}

/** Adds all that could overlap, and some that do not: of a segment with a parameter only the place counts here. */
function collect<Value>(root: Node<Value>, path: PathPattern, found: Entry<Value>[]): void {
  let reached = [root];
  for (const segment of path) {
    for (const { rests } of reached) addAll(found, rests);
    if (segment.kind === 'rest') {
      // A rest stands for one segment at least, so what ends here is not among it.
      const below = reached.flatMap(childrenOf);
      for (const node of below) {
        addAll(found, node.ends);
        addAll(found, node.rests);
        addAll(below, childrenOf(node));
      }
      return;
    }
    reached = reached.flatMap((node) => {
      if (segment.kind !== 'literal') return childrenOf(node);
      return [node.literals.get(segment.text), node.open].filter((next) => next !== undefined);
    });
  }
  for (const { ends } of reached) addAll(found, ends);
}

function childrenOf<Value>({ literals, open }: Node<Value>): Node<Value>[] {
  return open === undefined ? [...literals.values()] : [...literals.values(), open];
}

/** As `push(...items)`, for any number of items. */
function addAll<Item>(to: Item[], items: readonly Item[]): void {
  for (const item of items) to.push(item);
}
