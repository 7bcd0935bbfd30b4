/**
 * Packs a nested token in ways that a reader must accept (`schemas/packed.md`) but Waybill does not write: members cut
 * elsewhere, values spelled as text, numbers or words, children as records, raw payloads or opaque strings. The holder of a
 * token can do the same, and it still unpacks to the same bytes.
 */
import type { Dice } from '../dice.ts';
import { varint } from './bytes.ts';

/** The parts of a bundle before its body is deflated. */
export interface Bundle {
  readonly body: Buffer;
  readonly pool: Buffer;
}

/** @returns undefined unless the text is a token with children. */
export function recut(nested: string, dice: Dice): Bundle | undefined {
  const writer = new RandomWriter(dice);
  return writer.root(nested)
    ? { body: Buffer.concat(writer.body), pool: Buffer.concat(writer.pool) }
    : undefined;
}

interface Parts {
  readonly header: string;
  readonly payload: string;
  readonly signature: Buffer;
}

/** The members before and behind `embedded`, and what is in it. Texts are bytes, one character each. */
interface Payload {
  readonly before: string;
  readonly behind: string;
  readonly children: readonly { readonly name: string; readonly token: string }[];
}

interface Member {
  readonly name: string;
  readonly value: string;
}

/** Headers for which the format has a code, in the order of the codes. */
const FRAMES = ['ES256', 'Ed25519', 'PS256', 'RS256'];
const MOST_MEMBERS = 64;
const EMBEDDED = /"embedded":\{((?:"(?:[^"\\]|\\.)*":"[^"\\]*",?)+)\}/;

class RandomWriter {
  readonly body: Buffer[] = [];
  readonly pool: Buffer[] = [];
  readonly #dice: Dice;
  readonly #headers: string[] = [];

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  root(token: string): boolean {
    const parts = partsOf(token);
    const payload = parts && payloadOf(parts.payload);
    return parts !== undefined && payload !== undefined && this.#withMembers(parts, payload, true);
  }

  #record(token: string): void {
    const parts = partsOf(token);
    const form = this.#dice.below(8);
    if (parts !== undefined && form > 0) {
      if (form === 1) return this.#raw(parts);
      const payload = payloadOf(parts.payload);
      if (payload !== undefined && this.#withMembers(parts, payload, false)) return;
      if (this.#withMembers(parts, { before: parts.payload.slice(1, -1), behind: '', children: [] }, false))
        return;
    }
    this.#number(0);
    this.#dotted(token);
  }

  #raw(parts: Parts): void {
    this.#number(8 + 1);
    this.#header(parts);
    this.pool.push(parts.signature, Buffer.from(parts.payload, 'latin1'));
    this.#number(parts.payload.length);
  }

  /** @returns false where the payload cannot be cut into members. */
  #withMembers(parts: Parts, { before, behind, children }: Payload, isRoot: boolean): boolean {
    const [first, second] = [this.#cut(before), this.#cut(behind)];
    if (!first || !second) return false;
    const members = [...first, ...second];
    if (new Set(members.map(({ name }) => name)).size < members.length || members.length > MOST_MEMBERS)
      return false;
    if (members.some(({ name, value }) => name.includes('\0') || value.includes('\0'))) return false;
    const marked = !isRoot && children.length > 0 && this.#dice.oneIn(3) ? 4 : 0;
    this.#number(2 * 8 + marked + (children.length > 0 ? 2 : 0) + 1);
    this.#header(parts);
    this.#number(0);
    this.#number(members.length);
    for (const { name } of members) this.#text(name);
    this.#number(children.length === 0 || second.length === 0 ? 0 : first.length + 1);
    this.pool.push(parts.signature);
    this.#mask(members.length);
    for (const { value } of members) this.#value(value);
    if (children.length > 0) this.#number(children.length - 1);
    for (const { name, token } of children) {
      this.#word(name);
      this.#record(token);
    }
    return true;
  }

  /** Commas before a quote are where members may be cut: also inside of values. */
  #cut(text: string): Member[] | undefined {
    if (text === '') return [];
    const members: Member[] = [];
    let start = 0;
    for (const { index } of [...text.matchAll(/,"/g), { index: text.length }]) {
      const piece = text.slice(start, index);
      const colons = [...piece.matchAll(/":/g)].filter((colon) => colon.index > 0);
      // The last piece must be a member; an earlier one may be joined with the next.
      const isPossible = piece.startsWith('"') && colons.length > 0;
      if (index < text.length && (!isPossible || this.#dice.oneIn(6))) continue;
      if (!isPossible) return undefined;
      const colon = this.#dice.oneIn(5) ? this.#dice.pick(colons) : colons[0]!;
      members.push({ name: piece.slice(1, colon.index), value: piece.slice(colon.index + 2) });
      start = index + 1;
    }
    return members;
  }

  #header({ header, signature }: Parts): void {
    const key = `${header} ${signature.length}`;
    const known = this.#headers.indexOf(key);
    if (known >= 0 && !this.#dice.oneIn(4)) return this.#number(5 + known);
    this.#headers.push(key);
    const frame = FRAMES.findIndex((alg) => header.startsWith(`{"alg":"${alg}","typ":"at+jwt","kid":"`));
    const kid = /^\{"alg":"\w+","typ":"at\+jwt","kid":"([^"]*)"\}$/.exec(header)?.[1];
    if (frame >= 0 && kid !== undefined && this.#dice.oneIn(2)) {
      this.#number(1 + frame);
      this.#part(kid);
    } else {
      this.#number(0);
      this.#text(header);
    }
    this.#number(signature.length);
  }

  /** Every value is written out; none is left to be guessed. */
  #mask(members: number): void {
    for (let left = Math.max(1, members), isFirst = true; left > 0 || isFirst; left -= 7, isFirst = false) {
      const bits = members === 0 ? 0 : 2 ** Math.min(7, left) - 1;
      this.body.push(Buffer.from([bits + (left > 7 ? 128 : 0)]));
    }
  }

  #value(value: string): void {
    const inQuotes = /^"(.*)"$/s.exec(value)?.[1];
    const integer = /^(?:0|[1-9]\d{0,13})$/.test(value) ? Number(value) : undefined;
    const choice = this.#dice.below(4);
    if (integer !== undefined && choice < 2) {
      this.#number(1);
      this.#number(integer);
    } else if (inQuotes !== undefined && choice === 0) {
      this.#number(0);
      this.#text(inQuotes);
    } else if (inQuotes !== undefined && choice === 1) {
      this.#number(2);
      this.#dotted(inQuotes);
    } else if (inQuotes !== undefined && choice === 2) {
      const words = inQuotes.split(' ');
      this.#number(9 + words.length);
      for (const word of words) this.#word(word);
    } else {
      this.#number(3);
      this.#text(value);
    }
  }

  #dotted(text: string): void {
    const parts = text.split('.');
    this.#number(parts.length - 1);
    for (const part of parts) this.#part(part);
  }

  #part(part: string): void {
    const bytes = Buffer.from(part, 'base64url');
    if (bytes.toString('base64url') === part && this.#dice.oneIn(2)) {
      this.#number(1 + bytes.length);
      this.pool.push(bytes);
    } else {
      this.#number(0);
      this.#text(part);
    }
  }

  #word(word: string): void {
    if (word === '' || word.charCodeAt(0) <= 31 || this.#dice.oneIn(4)) this.body.push(Buffer.from([31, 0]));
    this.#text(word);
  }

  #text(text: string): void {
    this.body.push(Buffer.from(`${text}\0`, 'latin1'));
  }

  #number(value: number): void {
    this.body.push(varint(value));
  }
}

function partsOf(token: string): Parts | undefined {
  const [header, payload, signature, ...more] = token
    .split('.')
    .map((part) => Buffer.from(part, 'base64url'));
  if (!header || !payload || !signature || more.length > 0) return undefined;
  if ([header, payload, signature].map((part) => part.toString('base64url')).join('.') !== token)
    return undefined;
  return { header: header.toString('latin1'), payload: payload.toString('latin1'), signature };
}

function payloadOf(text: string): Payload | undefined {
  const found = EMBEDDED.exec(text);
  if (!found || !text.startsWith('{') || !text.endsWith('}')) return undefined;
  const children = [...(found[1] ?? '').matchAll(/"((?:[^"\\]|\\.)*)":"([^"]*)"/g)].map(
    ([, name = '', token = '']) => ({
      name,
      token,
    }),
  );
  return {
    before: text.slice(1, found.index).replace(/,$/, ''),
    behind: text.slice(found.index + found[0].length, -1).replace(/^,/, ''),
    children,
  };
}
