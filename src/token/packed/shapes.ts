/** The names of a payload's members, and where its children stand: what many tokens of a tree have in common. */

export interface Shape {
  /** As JSON without quotes; the children's member is not among them. */
  readonly names: readonly string[];
  /** How many members stand before `embedded`; undefined: all, if there are children. */
  readonly childrenAt: number | undefined;
}

/** Members that a shape can have. A payload with more is raw. */
export const MAX_MEMBERS = 64;

const CLAIMS = ['iss', 'aud', 'sub', 'client_id', 'scope', 'iat', 'exp', 'jti', 'txn'];

/** Every bundle begins with these: the empty one, a root's, a child's. New ones come behind. */
export const FIRST_SHAPES: readonly Shape[] = [
  { names: [], childrenAt: undefined },
  { names: CLAIMS, childrenAt: undefined },
  { names: [...CLAIMS, 'act'], childrenAt: undefined },
];

const HINTS: ReadonlyMap<string, number> = new Map(
  [...CLAIMS, 'act', 'on_demand', 'held', 'cnf'].map((name, place) => [name, place + 1]),
);

/** What the model knows a member by: a small number, 0 for all that are not listed. */
export function memberHint(name: string): number {
  return HINTS.get(name) ?? 0;
}
