/**
 * Repacks a token, as anyone who holds it can: the nested token stays the same, and the members and the
 * children are cut elsewhere in its text, in the middle of a value or of a name.
 */

import { varint } from './varint.ts';

/** The parts of a repacked token. */
interface Cut {
  /** JSON. */
  readonly header: string;
  readonly signature: Buffer;
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly childrenAt: number;
  readonly children: readonly { readonly name: string; readonly token: string }[];
}

/** @param random a number below a bound. @returns a packed token that unpacks to the nested one. */
export function recut(nested: string, random: (below: number) => number): string {
  const bundle = new Bundle(random);
  bundle.record(cutAnew(nested, random), true);
  return bundle.text();
}

function decoded(part: string): string {
  return Buffer.from(part, 'base64url').toString('latin1');
}

function cutAnew(nested: string, random: (below: number) => number): Cut {
  const [header = '', payload = '', signature = ''] = nested.split('.');
  const text = decoded(payload);
  const { embedded = {} } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    embedded?: Record<string, string>;
  };
  const fixed = { header: decoded(header), signature: Buffer.from(signature, 'base64url') };
  const map = `"embedded":${JSON.stringify(embedded)}`;
  const at = text.indexOf(map);
  if (at < 0) return { ...fixed, ...members(text.slice(1, -1), random), childrenAt: 0, children: [] };
  const before = members(text.slice(1, Math.max(1, at - 1)), random);
  const after = members(text.slice(at + map.length + 1, -1), random);
  return {
    ...fixed,
    names: [...before.names, ...after.names],
    values: [...before.values, ...after.values],
    childrenAt: before.names.length,
    children: childrenOf(Object.entries(embedded), random),
  };
}

/** `"name":value` with commas between, cut at some of the places where it can be. */
function members(text: string, random: (below: number) => number): Pick<Cut, 'names' | 'values'> {
  const names: string[] = [];
  const values: string[] = [];
  if (text === '') return { names, values };
  const cuts = placesOf(text, ',"').filter((at) => random(4) > 0 && text.slice(at).includes('":'));
  for (const [i, start] of [0, ...cuts.map((at) => at + 1)].entries()) {
    const piece = text.slice(start, cuts[i]);
    const colons = placesOf(piece, '":').filter((at) => at > 0);
    // A piece without a name cannot be a member: then nothing is cut at all.
    if (colons.length === 0) return members(text, () => 0);
    const at = colons[random(5) === 0 ? random(colons.length) : 0]!;
    names.push(piece.slice(1, at));
    values.push(piece.slice(at + 2));
  }
  return new Set(names).size < names.length ? members(text, () => 0) : { names, values };
}

function childrenOf(
  entries: readonly [string, string][],
  random: (below: number) => number,
): Cut['children'] {
  const children: { name: string; token: string }[] = [];
  let pending = '';
  for (const [i, [name, token]] of entries.entries()) {
    // The last one stays what it is; each one before may become part of the name of the next.
    if (i < entries.length - 1 && random(6) === 0) pending += `${name}":"${token}","`;
    else {
      children.push({ name: pending + name, token });
      pending = '';
    }
  }
  return children;
}

function placesOf(text: string, word: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) places.push(at);
  return places;
}

/** `schemas/packed.md`, with a shape of its own and the plainest choice for everything. */
class Bundle {
  readonly #random: (below: number) => number;
  #body = '';
  readonly #pool: Buffer[] = [];

  constructor(random: (below: number) => number) {
    this.#random = random;
  }

  text(): string {
    const bytes = Buffer.from(varint(2 * this.#body.length) + this.#body, 'latin1');
    return `wb1~${Buffer.concat([bytes, ...this.#pool]).toString('base64url')}`;
  }

  record({ header, signature, names, values, childrenAt, children }: Cut, isRoot = false): void {
    this.#body += varint(8 * 2 + (children.length > 0 ? 2 : 0) + 1);
    this.#body += `${varint(0)}${header}\0${varint(signature.length)}`;
    const at = children.length > 0 && childrenAt < names.length ? childrenAt + 1 : 0;
    this.#body += varint(0) + varint(names.length) + names.map((name) => `${name}\0`).join('') + varint(at);
    this.#pool.push(signature);
    const groups = Math.max(1, Math.ceil(names.length / 7));
    for (let group = 0; group < groups; group += 1) {
      const bits = (1 << Math.min(7, names.length - 7 * group)) - 1;
      this.#body += String.fromCharCode(group < groups - 1 ? bits | 0x80 : bits);
    }
    for (const value of values) this.#value(value);
    if (children.length === 0) return;
    this.#body += varint(children.length - 1);
    for (const { name, token } of children) {
      this.#body += name.charCodeAt(0) > 31 ? `${name}\0` : `\x1f\0${name}\0`;
      if (!isRoot && this.#random(8) === 0) this.#opaque(token);
      else this.record(cutAnew(token, this.#random));
    }
  }

  #value(value: string): void {
    const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
    this.#body +=
      isQuoted && this.#random(2) === 0 ? `${varint(0)}${value.slice(1, -1)}\0` : `${varint(3)}${value}\0`;
  }

  #opaque(token: string): void {
    const parts = token.split('.');
    this.#body +=
      varint(0) + varint(parts.length - 1) + parts.map((part) => `${varint(0)}${part}\0`).join('');
  }
}
