/**
 * What a member of a payload will probably say, from the tokens before it in pre-order (`schemas/packed.md`,
 * "Predictor"). Writer and reader ask the same questions in the same order and tell what was true, so both know the
 * same at every point. Values are JSON texts, names are JSON without quotes.
 *
 * A prediction that is not used is not built: a long one would be wasted work.
 */

import {
  aroundIssuersName,
  aroundName,
  filled,
  isFilled,
  labelOf,
  likeOwnActor,
  lineagesOf,
  spiffeActor,
  valueAt,
  valueOf,
  type PartialToken,
  type Template,
} from './partial-token.ts';
import { INTEGER } from './format.ts';
import { countSteps } from './work.ts';

/** Members that have predictor of their own. */
const OWN_PREDICTIONS: ReadonlySet<string> = new Set(['aud', 'act', 'jti', 'scope']);

/** Whether the best prediction of a member's value is the parent's, where that has one. */
export function isInherited(member: string): boolean {
  return !OWN_PREDICTIONS.has(member);
}

/** Around a name that is an audience by itself. */
const BARE: Template = { before: '"', after: '"' };

export class Predictor {
  /** The last value of each member that was no first prediction. */
  readonly #last = new Map<string, string>();
  /** The last scope of each name. */
  readonly #scopes = new Map<string, string>();
  /** The last `jti`, where it ends in a number. */
  #lastId: NumberedId | undefined;

  /** The prediction of this rank, 0 being the best; undefined if there is none. */
  predict(token: PartialToken, index: number, rank: number): string | undefined {
    const member = token.members.names[index]!;
    const { parent } = token;
    switch (member) {
      case 'aud': {
        const around = parent && audienceBelow(parent, rank);
        return around && filled(around, token.name);
      }
      case 'act':
        return parent && actor(parent, rank);
      case 'jti':
        return rank === 0 ? later(this.#lastId, 0) : undefined;
      case 'scope': {
        const own = this.#scopes.get(token.name);
        countSteps(token.name.length);
        if (rank === 0 && own !== undefined) return own;
        return rank === (own === undefined ? 0 : 1) ? valueAt(parent, index, member) : undefined;
      }
      default: {
        const parents = valueAt(parent, index, member);
        if (rank === 0 && parents !== undefined) return parents;
        return rank === (parents === undefined ? 0 : 1) ? this.#besideParents(token, member) : undefined;
      }
    }
  }

  /** Whether the prediction of this rank equals this value; undefined if there is no such prediction. */
  isPrediction(token: PartialToken, index: number, rank: number, value: string): boolean | undefined {
    countSteps(value.length);
    if (token.parent !== undefined && token.members.names[index] === 'aud') {
      const around = audienceBelow(token.parent, rank);
      return around && isFilled(around, token.name, value);
    }
    const predicted = this.predict(token, index, rank);
    return predicted === undefined ? undefined : predicted === value;
  }

  /** The prediction besides the parent's value. */
  #besideParents(token: PartialToken, member: string): string | undefined {
    if (member === 'txn') return beforeDot(valueOf(token, 'jti'));
    if (member === 'client_id') return valueOf(token, 'sub');
    countSteps(member.length);
    return this.#last.get(member);
  }

  /** Takes the next value of a token in. @param predicted whether it was the best prediction. */
  learn(token: PartialToken, member: string, value: string, predicted: boolean): void {
    const { parent } = token;
    token.values.push(value);
    countSteps(member.length);
    if (!predicted) this.#last.set(member, value);
    if (member === 'jti') this.#lastId = predicted ? nextTo(this.#lastId) : numbered(value);
    else if (member === 'scope') this.#scopes.set(token.name, value);
    else if (member === 'act' && parent !== undefined) parent.childAct = value;
    else if (member === 'aud' && parent === undefined) token.name = labelOf(value);
  }
}

/** A value that lies so much behind another: `exp` behind its token's `iat`, `jti` behind the parent's. */
export function offsetFrom(token: PartialToken, member: string, offset: number): string | undefined {
  if (member === 'jti') return later(numbered(valueOf(token.parent, 'jti')), offset);
  const iat = member === 'exp' ? valueOf(token, 'iat') : undefined;
  return iat !== undefined && INTEGER.test(iat) ? String(Number(iat) + offset) : undefined;
}

/** The audience that a child of this token would have under this name; or the root, if it has no audience yet. */
export function audienceOf(parent: PartialToken, name: string): string {
  return filled(audienceBelow(parent, 0) ?? BARE, name);
}

/** If the result of `audienceOf` is in a value at `at`: where it ends; else undefined. */
export function audienceEnd(
  parent: PartialToken,
  name: string,
  value: string,
  at: number,
): number | undefined {
  const { before, after } = audienceBelow(parent, 0) ?? BARE;
  const middle = at + before.length;
  const end = middle + name.length + after.length;
  const stands =
    value.startsWith(before, at) &&
    value.startsWith(name, middle) &&
    value.startsWith(after, middle + name.length);
  return stands ? end : undefined;
}

/** The audience that a root of this name would have. */
export function rootAudience(root: PartialToken, name: string): string {
  return filled(aroundIssuersName(root) ?? BARE, name);
}

/** The name that a root with this audience would have; undefined where none would. */
export function rootName(root: PartialToken, audience: string): string | undefined {
  const { before, after } = aroundIssuersName(root) ?? BARE;
  const long = audience.length > before.length + after.length;
  return long && audience.startsWith(before) && audience.endsWith(after)
    ? audience.slice(before.length, audience.length - after.length)
    : undefined;
}

/** The text around the name in an audience below a parent: as in the parent's, as in the root's, or none. */
function audienceBelow(parent: PartialToken, rank: number): Template | undefined {
  let left = rank;
  const own = aroundName(parent);
  if (own !== null && left-- === 0) return own;
  const roots = parent.root === parent ? null : aroundName(parent.root);
  if (roots !== null && left-- === 0) return roots;
  return left === 0 ? BARE : undefined;
}

/**
 * How a parent is called as its children's actor: as with the child before, like its own actor, by SPIFFE in its
 * audience's domain, barely; then the same in front of its own actors.
 */
function actor(parent: PartialToken, rank: number): string | undefined {
  let left = rank;
  if (parent.childAct !== undefined && left-- === 0) return parent.childAct;
  const own = likeOwnActor(parent);
  if (own !== null && left-- === 0) return own;
  const spiffe = spiffeActor(parent);
  if (spiffe !== null && left-- === 0) return spiffe;
  return left === 0 ? filled(BARE_ACTOR, parent.name) : lineagesOf(parent)[left - 1];
}

/** Around a name that is an actor by itself. */
const BARE_ACTOR: Template = { before: '{"sub":"', after: '"}' };

/** An id, as a JSON string, that ends in a dot and a number of 1 to 9 digits. */
interface NumberedId {
  /** With the dot. */
  readonly before: string;
  readonly number: number;
}

function numbered(id: string | undefined): NumberedId | undefined {
  if (id === undefined) return undefined;
  const end = id.length - 1;
  let number = 0;
  let at = end - 1;
  for (let unit = 1; unit <= 1e9; unit *= 10, at -= 1) {
    const digit = id.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) break;
    if (unit === 1e9) return undefined;
    number += digit * unit;
  }
  const isNumbered = at < end - 1 && id.charCodeAt(at) === 0x2e && id.charCodeAt(end) === 0x22;
  if (!isNumbered) return undefined;
  countSteps(at + 1);
  return { before: id.slice(0, at + 1), number };
}

/** The id that `later` gives; none where that has too many digits. */
function nextTo(id: NumberedId | undefined): NumberedId | undefined {
  return id && id.number < 999_999_999 ? { before: id.before, number: id.number + 1 } : undefined;
}

/** An id with its number raised by one and by `offset`. */
function later(id: NumberedId | undefined, offset: number): string | undefined {
  if (id === undefined) return undefined;
  countSteps(id.before.length + 11);
  return `${id.before}${id.number + 1 + offset}"`;
}

/** A JSON string up to its first dot; all of it without a dot. */
function beforeDot(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  countSteps(2 * text.length);
  const dot = text.indexOf('.');
  return dot < 0 ? text : `${text.slice(0, dot)}"`;
}
