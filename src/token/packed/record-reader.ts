/** Reads the records of a body back into nodes. Every bound is checked before what it bounds is built. */

import type { ByteReader } from './bytes.ts';
import { Predictor, audienceOf, offsetFrom, rootAudience } from './predictor.ts';
import { PartialToken, placesOf, valueAt } from './partial-token.ts';
import { CHOICE, FORM, HEADER, HEADER_FRAMES, TAG } from './format.ts';
import { base64url } from './nested.ts';
import { base64urlLength } from '../../protocol.ts';
import {
  hasChildren,
  payloadLength,
  signedLength,
  type ChildNode,
  type MembersNode,
  type OpaqueNode,
  type Payload,
  type TokenNode,
} from './node.ts';
import { overLimit, refused } from './refusal.ts';
import { FIRST_SHAPES, MAX_MEMBERS, shapeOf, type Shape } from './shapes.ts';
import { WordReader } from './words.ts';
import { countSteps, countOutput } from './work.ts';

/** Bytes of a mask for the most members that there can be. */
const MAX_GROUPS = Math.ceil(MAX_MEMBERS / 7);

export interface RecordBounds {
  readonly maxTokens: number;
  readonly maxDepth: number;
  /** Characters of the nested token. */
  readonly maxNested: number;
}

interface Header {
  readonly text: string;
  readonly signatureBytes: number;
}

export class RecordReader {
  readonly #body: ByteReader;
  /** Signatures, and other bytes that look random. */
  readonly #pool: ByteReader;
  readonly #bounds: RecordBounds;
  readonly #predictor = new Predictor();
  readonly #shapes: Shape[] = [...FIRST_SHAPES];
  readonly #headers: Header[] = [];
  #header: Header | undefined;
  readonly #words: WordReader;
  #tokens = 0;
  /** Characters that the nested token has at least, from what has been read. */
  #built = 0;

  constructor(body: ByteReader, pool: ByteReader, bounds: RecordBounds) {
    this.#body = body;
    this.#words = new WordReader(body);
    this.#pool = pool;
    this.#bounds = bounds;
  }

  /** @throws WaybillError `token_packed`, or `token_tree_too_large` over a bound. */
  root(): MembersNode {
    const node = this.#record('', undefined, 1);
    if (!hasChildren(node)) throw refused('its root has no children, so it is sent as a plain JWT');
    if (node.travelsNested) throw refused('its root is marked to travel nested');
    if (!this.#body.ended) throw refused('bytes follow the record of the root');
    return node;
  }

  #record(name: string, parent: PartialToken | undefined, depth: number): TokenNode {
    const { maxTokens, maxDepth } = this.#bounds;
    this.#tokens += 1;
    if (this.#tokens > maxTokens) throw overLimit('more tokens', maxTokens);
    if (depth > maxDepth) throw overLimit('more levels', maxDepth);
    const tag = this.#body.number();
    const form = Math.floor(tag / TAG.form);
    if (form === FORM.opaque) return this.#opaque(tag);
    const header = this.#readHeader((tag & TAG.otherHeader) !== 0);
    const hasChildren = (tag & TAG.children) !== 0;
    const travelsNested = (tag & TAG.travelsNested) !== 0;
    if (form === FORM.raw && hasChildren) throw refused('a raw payload has children');
    if (travelsNested && !hasChildren) throw refused('a token without children is marked to travel nested');
    const shape = form === FORM.raw ? undefined : this.#shape(form);
    if (shape?.childrenAt !== undefined && !hasChildren) throw refused('a shape with children has none');
    const signature = this.#take(header.signatureBytes);
    const payload =
      shape === undefined
        ? this.#raw()
        : this.#members(shape, hasChildren, new PartialToken(name, parent, shape), depth);
    const payloadChars = payload.kind === 'raw' ? payload.bytes.length : payloadLength(payload);
    const length = signedLength(header.text.length, payloadChars, signature.length);
    this.#require(length);
    return {
      kind: 'signed',
      header: header.text,
      payload,
      signature,
      travelsNested,
      length,
      nested: undefined,
    };
  }

  #opaque(tag: number): OpaqueNode {
    if (tag !== FORM.opaque) throw refused('an opaque string has flags');
    const text = this.#dotted();
    this.#grow(text.length);
    return { kind: 'opaque', text, length: text.length };
  }

  #raw(): Payload {
    return { kind: 'raw', bytes: this.#take(this.#body.number()) };
  }

  #members(shape: Shape, hasChildren: boolean, token: PartialToken, depth: number): Payload {
    const { names, inherited, childrenAt = names.length } = shape;
    const mask = this.#mask(names.length);
    for (let i = 0; i < names.length; i += 1) {
      const name = names[i]!;
      const predicted = ((mask[Math.floor(i / 7)] ?? 0) & (1 << (i % 7))) === 0;
      const parents = predicted && inherited[i]! ? valueAt(token.parent, i, name) : undefined;
      // Before the value, so that a list of words knows what is left for it.
      this.#grow(name.length + 4);
      if (parents !== undefined) {
        countSteps(1);
        this.#grow(parents.length);
        token.values.push(parents);
        continue;
      }
      const value = predicted ? this.#predictor.predict(token, i, 0) : this.#chosen(token, i, name);
      if (value === undefined) throw refused('a value is left to a prediction, and there is none');
      this.#grow(value.length);
      this.#predictor.learn(token, name, value, predicted);
    }
    const children: ChildNode[] = [];
    if (hasChildren) {
      const count = this.#body.number() + 1;
      for (let i = 0; i < count; i += 1) {
        const name = this.#words.read();
        this.#grow(name.length);
        children.push({ name, node: this.#record(name, token, depth + 1) });
      }
    }
    return { kind: 'members', names, shape, values: token.values, childrenAt, children };
  }

  /** @returns seven bits in each number. */
  #mask(members: number): readonly number[] {
    const groups: number[] = [];
    for (let bits = 0x80; bits >= 0x80;) {
      bits = this.#body.byte();
      if (bits === 0 && groups.length > 0) throw refused('a mask is not in its shortest form');
      const left = members - 7 * groups.length;
      if (left < 7 && (bits & 0x7f) >> Math.max(0, left) > 0) {
        throw refused('a mask has more members than its shape');
      }
      groups.push(bits & 0x7f);
      if (groups.length > MAX_GROUPS) throw refused('a mask is too long');
    }
    return groups;
  }

  #chosen(token: PartialToken, index: number, name: string): string | undefined {
    const choice = this.#body.number();
    if (choice === CHOICE.words) return `"${this.#word()}"`;
    if (choice > CHOICE.words) {
      return `"${this.#list(choice - CHOICE.words + 1, () => this.#words.read()).join(' ')}"`;
    }
    switch (choice) {
      case CHOICE.text:
        return `"${this.#body.text()}"`;
      case CHOICE.integer:
        return String(this.#body.number());
      case CHOICE.dotted:
        return `"${this.#dotted()}"`;
      case CHOICE.json:
        return this.#body.text();
      case CHOICE.offset:
        return offsetFrom(token, name, this.#body.number());
      case CHOICE.named:
        return token.parent
          ? audienceOf(token.parent, this.#words.read())
          : rootAudience(token, this.#words.read());
      case CHOICE.audiences:
        return this.#audiences(token);
      default:
        return this.#predictor.predict(token, index, choice - CHOICE.prediction + 1);
    }
  }

  #word(): string {
    const word = this.#words.read();
    this.#require(this.#built + word.length);
    return word;
  }

  /** Names, and the audience that a child of each name would have. Sizes are counted before the text is built. */
  #audiences(token: PartialToken): string {
    const around = audienceOf(token, '').length;
    const read = (): string => this.#words.read();
    const names = this.#list(this.#body.number() + 1, read, (name) => 2 * name.length + 3 + around);
    return `{${names.map((name) => `"${name}":${audienceOf(token, name)}`).join(',')}}`;
  }

  /** Few bytes can stand for many long items, so they are counted before the caller joins them. */
  #list(count: number, read: () => string, lengthOf = (item: string): number => item.length): string[] {
    const items: string[] = [];
    // With a separator each, and the text around them.
    let chars = 1;
    for (let i = 0; i < count; i += 1) {
      const item = read();
      chars += lengthOf(item) + 1;
      this.#require(this.#built + chars);
      items.push(item);
    }
    countSteps(chars);
    return items;
  }

  #dotted(): string {
    return this.#list(this.#body.number() + 1, () => this.#part()).join('.');
  }

  #part(): string {
    const code = this.#body.number();
    return code === 0 ? this.#body.text() : base64url(this.#take(code - 1));
  }

  #readHeader(other: boolean): Header {
    if (other) {
      const code = this.#body.number();
      this.#header = code < HEADER.known ? this.#newHeader(code) : this.#headers[code - HEADER.known];
    }
    if (this.#header === undefined) throw refused('a header index is out of range');
    return this.#header;
  }

  #newHeader(code: number): Header {
    const frame = code === HEADER.text ? undefined : HEADER_FRAMES[code - HEADER.frame];
    const text = frame ? frame.before + this.#part() + frame.after : this.#body.text();
    const header = { text, signatureBytes: this.#body.number() };
    this.#headers.push(header);
    return header;
  }

  #shape(form: number): Shape {
    const shape = form === FORM.newShape ? this.#newShape() : this.#shapes[form - FORM.shaped];
    if (shape === undefined) throw refused('a shape index is out of range');
    return shape;
  }

  #newShape(): Shape {
    const base = this.#shapes[this.#body.number()];
    const added = this.#body.number();
    if (base === undefined) throw refused('a shape index is out of range');
    if (base.names.length + added > MAX_MEMBERS) throw refused(`a shape has over ${MAX_MEMBERS} members`);
    const names = [...base.names];
    const places = placesOf(names);
    for (let i = 0; i < added; i += 1) {
      const name = this.#body.text();
      if (places.has(name)) throw refused('a shape has a member twice');
      places.set(name, names.length);
      names.push(name);
    }
    const code = this.#body.number();
    if (code > names.length) throw refused('the position of the children is beyond the last member');
    const shape = shapeOf(names, code === 0 ? undefined : code - 1, places);
    this.#shapes.push(shape);
    return shape;
  }

  #take(bytes: number): string {
    this.#require(base64urlLength(bytes));
    return this.#pool.take(bytes);
  }

  #grow(chars: number): void {
    this.#built += chars;
    countOutput(chars);
    this.#require(this.#built);
  }

  #require(chars: number): void {
    if (chars > this.#bounds.maxNested) throw overLimit('more nested bytes', this.#bounds.maxNested);
  }
}
