/** The embedded calls of a tree one by one, each where it stands, and the tree without one of them. */
import { withBranches, type Branch, type TokenShape } from '../../graph/index.ts';

export interface TreeCall {
  /** Of branches from the root down to the call's own. */
  readonly path: readonly Branch[];
  readonly branch: Branch;
  readonly caller: TokenShape;
  /** The callee's token. */
  readonly carried: TokenShape;
  /** Round trips that it would take in one request. */
  readonly often: number;
}

export function callsOf(shape: TokenShape, path: readonly Branch[] = [], often = 1): TreeCall[] {
  return shape.branches.flatMap((branch): TreeCall[] => {
    const { shape: carried, probability } = branch;
    if (!carried) return [];
    const here = { path: [...path, branch], branch, caller: shape, carried, often: often * probability };
    return [here, ...callsOf(carried, here.path, here.often)];
  });
}

/** The tree with the call at the end of the path left to be fetched. */
export function without(shape: TokenShape, [first, ...rest]: readonly Branch[]): TokenShape {
  return withBranches(
    shape,
    shape.branches.map((branch): Branch => {
      if (branch !== first || !branch.shape) return branch;
      if (rest.length === 0) return { ...branch, mode: 'exchange', shape: undefined };
      return { ...branch, shape: without(branch.shape, rest) };
    }),
  );
}
