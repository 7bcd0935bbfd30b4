/** The names of a payload's members, and where its children stand: what many tokens of a tree have in common. */

import { isInherited } from './predictor.ts';
import type { Members } from './partial-token.ts';
import { PLAIN } from './format.ts';
import { countSteps } from './work.ts';

/** Names are JSON without quotes, none twice; the children's member is not among them. */
export interface Shape extends Members {
  /** Whether `JSON.parse` makes of the members those of an object that are called so, each as it stands. */
  readonly isPlain: boolean;
  /** For each, what stands before its value behind another member. */
  readonly leads: readonly string[];
  /** For each, whether the best prediction of its value is the parent's, where that has one. */
  readonly inherited: readonly boolean[];
  /** How many members stand before `embedded`; undefined: all, if there are children. */
  readonly childrenAt: number | undefined;
}

/** Members that a shape can have. A payload with more is raw. */
export const MAX_MEMBERS = 64;

/** Names that an assignment would set in another way than `JSON.parse`, or twice. */
const ODD_NAMES: ReadonlySet<string> = new Set(['__proto__', 'embedded']);

const CLAIMS = ['iss', 'aud', 'sub', 'client_id', 'scope', 'iat', 'exp', 'jti', 'txn'];

/** Every bundle begins with these: the empty one, a root's, a child's. New ones come behind. */
export const FIRST_SHAPES: readonly Shape[] = [
  shapeOf([], undefined),
  shapeOf(CLAIMS, undefined),
  shapeOf([...CLAIMS, 'act'], undefined),
];

/** @param places where each name stands, if that is known. */
export function shapeOf(
  names: readonly string[],
  childrenAt: number | undefined,
  places?: ReadonlyMap<string, number>,
): Shape {
  let chars = 0;
  for (const name of names) chars += name.length;
  countSteps(4 * chars);
  return {
    names,
    places,
    isPlain: names.every((name) => PLAIN.test(name) && !ODD_NAMES.has(name)),
    leads: names.map((name) => `,"${name}":`),
    inherited: names.map(isInherited),
    childrenAt,
  };
}

/** The known shape that takes the fewest names more. */
export function longestBase(shapes: readonly Shape[], names: readonly string[]): number {
  let best = 0;
  shapes.forEach((shape, index) => {
    if (shape.names.length > shapes[best]!.names.length && beginsWith(names, shape.names)) best = index;
  });
  return best;
}

function isShape(shape: Shape, names: readonly string[], childrenAt: number | undefined): boolean {
  if (shape.childrenAt !== childrenAt) return false;
  return shape.names === names || (shape.names.length === names.length && beginsWith(names, shape.names));
}

/** Which shape it is; -1 for none. */
export function shapeAt(
  shapes: readonly Shape[],
  names: readonly string[],
  childrenAt: number | undefined,
): number {
  for (let at = 0; at < shapes.length; at += 1) if (isShape(shapes[at]!, names, childrenAt)) return at;
  return -1;
}

function beginsWith(names: readonly string[], first: readonly string[]): boolean {
  return first.length <= names.length && first.every((name, i) => name === names[i]);
}
