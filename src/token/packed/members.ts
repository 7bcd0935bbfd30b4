/**
 * The members of a token that was taken apart, as `JSON.parse` gives them of its whole text. Each value is read by
 * itself: what it embeds is most of that text, and at hand already.
 *
 * A bundle may be cut elsewhere than between members: only if each value is JSON by itself, the object is the same.
 */

import { attempt } from '../../input/attempt.ts';
import { frozenObject, type JsonObject } from '../json.ts';
import { PLAIN } from './format.ts';
import type { SignedNode } from './node.ts';

const PLAIN_STRING = /^"[ !#-[\]-~]*"$/;
const WHOLE_NUMBER = /^(?:0|[1-9]\d{0,14})$/;

/**
 * @param embedded texts of its children, for `embedded`; absent: that member is left out.
 * @returns undefined where only the whole text can say, and for what does not come out of a bundle.
 */
export function membersOf({ payload }: SignedNode, embedded?: readonly string[]): JsonObject | undefined {
  if (payload.kind !== 'members') return undefined;
  const { names, shape, values, childrenAt, children } = payload;
  if (shape?.isPlain !== true) return undefined;
  const object: Record<string, unknown> = {};
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i]!;
    const value = valueOf(values[i]!);
    if (value === undefined) return undefined;
    if (i === childrenAt && embedded !== undefined && children.length > 0) object['embedded'] = undefined;
    object[name] = value;
  }
  if (embedded !== undefined && children.length > 0) {
    const tokens: Record<string, string> = {};
    for (let i = 0; i < children.length; i += 1) {
      const { name, node } = children[i]!;
      const isPlain = PLAIN.test(name) && (node.kind === 'signed' || PLAIN.test(node.text));
      if (!isPlain || name === '__proto__' || Object.hasOwn(tokens, name)) return undefined;
      tokens[name] = embedded[i]!;
    }
    object['embedded'] = tokens;
  }
  return frozenObject(object);
}

/** @returns undefined if the value is not JSON, or not ASCII. */
function valueOf(text: string): unknown {
  if (PLAIN_STRING.test(text)) return text.slice(1, -1);
  if (WHOLE_NUMBER.test(text)) return Number(text);
  return isAscii(text) ? attempt<unknown>(() => JSON.parse(text)) : undefined;
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}
