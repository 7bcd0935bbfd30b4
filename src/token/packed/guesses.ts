/**
 * What a member of a payload will probably say, from the tokens before it in pre-order (`schemas/packed.md`,
 * "Guesses"). Writer and reader ask the same questions in the same order and tell what was true, so both know the
 * same at every point. Values are JSON texts, names are JSON without quotes.
 */

import { INTEGER } from './literals.ts';

/** A token as far as its members are known. */
export interface Known {
  /** The callee's name; of the root, what its `aud` gives away, and empty before. */
  name: string;
  readonly parent: Known | undefined;
  /** Its members; the values come one by one. */
  readonly members: readonly string[];
  readonly values: string[];
  /** `act` of the last child that has one. */
  childAct: string | undefined;
  /** What its `aud` says of its children's; null where nothing, undefined before it is asked. */
  audience: Template | null | undefined;
}

export function unknownToken(name: string, parent: Known | undefined, members: readonly string[]): Known {
  return { name, parent, members, values: [], childAct: undefined, audience: undefined };
}

/** Text around a name. */
interface Template {
  readonly before: string;
  readonly after: string;
}

/** A URL as a JSON string: scheme, first label of the host, all the rest with the closing quote. */
const URL_TEXT = /^("[a-z]+:\/\/)([^./:"]*)((?:[./:"].*)?)$/s;

/** Where claims stand in nearly every token, so that they are looked for there first. */
const PLACE = { iss: 0, aud: 1, sub: 2, iat: 5, jti: 7, act: 9 } as const;

/** Members that have guesses of their own. */
const OWN_GUESSES: ReadonlySet<string> = new Set(['aud', 'act', 'jti', 'scope']);

/** Whether the best guess of a member's value is the parent's, where that has one. */
export function isInherited(member: string): boolean {
  return !OWN_GUESSES.has(member);
}

export class Guesses {
  /** The last value of each member that was no first guess. */
  readonly #last = new Map<string, string>();
  /** The last scope of each name. */
  readonly #scopes = new Map<string, string>();
  /** The last `jti`, where it ends in a number. */
  #lastId: NumberedId | undefined;

  /** The guess of this rank, 0 being the best; undefined where there is none. */
  guess(token: Known, index: number, rank: number): string | undefined {
    const member = token.members[index]!;
    const parents = valueAt(token.parent, index, member);
    const { parent } = token;
    switch (member) {
      case 'aud':
        if (parent === undefined) return undefined;
        return (rank === 0 ? likeParents(token) : undefined) ?? nth(rank, audiences(parent, token.name));
      case 'act':
        if (parent === undefined) return undefined;
        return (
          (rank === 0 ? (parent.childAct ?? likeOwnActor(parent)) : undefined) ?? nth(rank, actors(parent))
        );
      case 'jti':
        return rank === 0 ? later(this.#lastId, 0) : undefined;
      case 'scope': {
        const own = this.#scopes.get(token.name);
        if (rank === 0) return own ?? parents;
        return rank === 1 && own !== undefined ? parents : undefined;
      }
      default:
        return rank === 0 && parents !== undefined
          ? parents
          : nth(rank, [parents, this.#besideParents(token, member)]);
    }
  }

  /** Whether the best guess is this value; where that can be seen without making the guess, it is not made. */
  isBest(token: Known, index: number, value: string): boolean {
    const like = token.parent && token.members[index] === 'aud' ? aroundName(token.parent) : undefined;
    return like ? isFilled(like, token.name, value) : this.guess(token, index, 0) === value;
  }

  /** The guess besides the parent's value. */
  #besideParents(token: Known, member: string): string | undefined {
    if (member === 'txn') return beforeDot(valueOf(token, 'jti'));
    return member === 'client_id' ? valueOf(token, 'sub') : this.#last.get(member);
  }

  /** Takes the next value of a token in. @param guessed whether it was the best guess. */
  learn(token: Known, member: string, value: string, guessed: boolean): void {
    const { parent } = token;
    token.values.push(value);
    if (!guessed) this.#last.set(member, value);
    if (member === 'jti') this.#lastId = guessed ? nextTo(this.#lastId) : numbered(value);
    else if (member === 'scope') this.#scopes.set(token.name, value);
    else if (member === 'act' && parent !== undefined) parent.childAct = value;
    else if (member === 'aud' && parent === undefined) token.name = labelOf(value);
  }
}

/** A value that lies so much behind another: `exp` behind its token's `iat`, `jti` behind the parent's. */
export function offsetFrom(token: Known, member: string, offset: number): string | undefined {
  if (member === 'jti') return later(numbered(valueOf(token.parent, 'jti')), offset);
  const iat = member === 'exp' ? valueOf(token, 'iat') : undefined;
  return iat !== undefined && INTEGER.test(iat) ? String(Number(iat) + offset) : undefined;
}

/** The audience that a child of this token would have under this name; where there is none yet, the root. */
export function audienceOf(parent: Known, name: string): string {
  return audiences(parent, name).find((guess) => guess !== undefined) ?? `"${name}"`;
}

/** The audience that a root of this name would have: services often stand beside their issuer. */
export function rootAudience(root: Known, name: string): string {
  const { before, after } = aroundLabel(valueOf(root, 'iss')) ?? { before: '"', after: '"' };
  return before + name + after;
}

/** The name that a root with this audience would have; undefined where none would. */
export function rootName(root: Known, audience: string): string | undefined {
  const { before, after } = aroundLabel(valueOf(root, 'iss')) ?? { before: '"', after: '"' };
  const long = audience.length > before.length + after.length;
  return long && audience.startsWith(before) && audience.endsWith(after)
    ? audience.slice(before.length, audience.length - after.length)
    : undefined;
}

function likeParents({ parent, name }: Known): string | undefined {
  return parent && filled(aroundName(parent), name);
}

/** Like the parent's, like the root's, the bare name. */
function audiences(parent: Known, name: string): (string | undefined)[] {
  let root = parent;
  while (root.parent !== undefined) root = root.parent;
  return [
    filled(aroundName(parent), name),
    root === parent ? undefined : filled(aroundName(root), name),
    `"${name}"`,
  ];
}

/** What a token's audience has around its name: what the audiences of those below have around theirs, most of the time. */
export function aroundName(token: Known): Template | null {
  if (token.audience !== undefined) return token.audience;
  const value = valueOf(token, 'aud');
  if (value === undefined) return null;
  // Behind the scheme, so that a service called `http` is not found there.
  const scheme = value.indexOf('://');
  const at = value.indexOf(token.name, scheme < 0 ? 0 : scheme + 3);
  token.audience = around(value, token.name, at) ?? null;
  return token.audience;
}

/**
 * How a parent is called as its children's actor: as with the child before, like its own actor, by SPIFFE in its
 * audience's domain, barely.
 */
function actors(parent: Known): (string | undefined)[] {
  const domain = aroundLabel(valueOf(parent, 'aud'))?.after.replace(/^\./, '').split(/[/:"]/, 1)[0];
  return [
    parent.childAct,
    likeOwnActor(parent),
    domain === undefined ? undefined : `{"sub":"spiffe://${domain}/${parent.name}"}`,
    `{"sub":"${parent.name}"}`,
  ];
}

function likeOwnActor(parent: Known): string | undefined {
  const own = valueOf(parent, 'act');
  const caller = parent.parent?.name ?? '';
  const template = own === undefined ? undefined : around(own, caller, own.lastIndexOf(caller));
  return filled(template, parent.name);
}

function aroundLabel(url: string | undefined): Template | undefined {
  const [, before, , after] = (url === undefined ? null : URL_TEXT.exec(url)) ?? [];
  return before === undefined || after === undefined ? undefined : { before, after };
}

/** The root's own name is not in the bundle: it is the first label of its audience, or all of it. */
export function labelOf(audience: string): string {
  return URL_TEXT.exec(audience)?.[2] ?? (audience.startsWith('"') ? audience.slice(1, -1) : '');
}

/** The value of a claim; undefined where it has none yet. */
export function valueOf(token: Known | undefined, claim: keyof typeof PLACE): string | undefined {
  return valueAt(token, PLACE[claim], claim);
}

/** The same for a member that stands, most of the time, where it stands in another token. */
export function valueAt(token: Known | undefined, index: number, member: string): string | undefined {
  if (token?.members[index] === member) return token.values[index];
  return token?.values[token.members.indexOf(member)];
}

function around(value: string, name: string, at: number): Template | undefined {
  return name === '' || at < 0
    ? undefined
    : { before: value.slice(0, at), after: value.slice(at + name.length) };
}

function isFilled({ before, after }: Template, name: string, value: string): boolean {
  return (
    value.length === before.length + name.length + after.length &&
    value.startsWith(before) &&
    value.endsWith(after) &&
    value.startsWith(name, before.length)
  );
}

function filled(template: Template | null | undefined, name: string): string | undefined {
  return template ? template.before + name + template.after : undefined;
}

/** Of the guesses that there are, the one with this rank. */
function nth(rank: number, guesses: readonly (string | undefined)[]): string | undefined {
  let left = rank;
  for (const guess of guesses) {
    if (guess === undefined) continue;
    if (left === 0) return guess;
    left -= 1;
  }
  return undefined;
}

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
  return isNumbered ? { before: id.slice(0, at + 1), number } : undefined;
}

/** The id that `later` gives; none where that has too many digits. */
function nextTo(id: NumberedId | undefined): NumberedId | undefined {
  return id && id.number < 999_999_999 ? { before: id.before, number: id.number + 1 } : undefined;
}

/** An id with its number raised by one and by `offset`. */
function later(id: NumberedId | undefined, offset: number): string | undefined {
  return id && `${id.before}${id.number + 1 + offset}"`;
}

/** A JSON string up to its first dot; all of it where there is none. */
function beforeDot(text: string | undefined): string | undefined {
  const dot = text?.indexOf('.') ?? -1;
  return text === undefined || dot < 0 ? text : `${text.slice(0, dot)}"`;
}
