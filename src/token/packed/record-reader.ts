/** Reads the records of a body back into nodes. Every bound is checked before what it bounds is built. */

import { FIELD } from './body.ts';
import type { BodyReader, Field } from './body.ts';
import {
  CHOICE,
  COUNT,
  FORM,
  HEADER,
  HEADER_FRAMES,
  MAX_GUESSES,
  NUMBER,
  SHAPE,
  TAG,
  TEXT,
} from './literals.ts';
import { base64urlLength, payloadLength, signedLength } from './node.ts';
import type { ChildNode, OpaqueNode, Payload, SignedNode, TokenNode } from './node.ts';
import { Predictions, unknownToken } from './predictions.ts';
import type { Known } from './predictions.ts';
import { overLimit, refused } from './refusal.ts';
import { FIRST_SHAPES, MAX_MEMBERS, memberHint } from './shapes.ts';
import type { Shape } from './shapes.ts';

export interface RecordBounds {
  readonly maxTokens: number;
  readonly maxDepth: number;
  /** Characters of the nested token. */
  readonly maxNested: number;
}

/** Where signatures and other bytes that no model foretells come from. */
export interface Pool {
  take(count: number): Uint8Array;
}

interface Header {
  readonly text: string;
  readonly signatureBytes: number;
}

export class RecordReader {
  readonly #body: BodyReader;
  readonly #pool: Pool;
  readonly #bounds: RecordBounds;
  readonly #predictions = new Predictions();
  readonly #shapes: Shape[] = [...FIRST_SHAPES];
  readonly #headers: Header[] = [];
  #header: Header | undefined;
  readonly #words: string[] = [];
  #nextWord = 0;
  #tokens = 0;
  /** Characters that the nested token has at least, from what has been read. */
  #built = 0;

  constructor(body: BodyReader, pool: Pool, bounds: RecordBounds) {
    this.#body = body;
    this.#pool = pool;
    this.#bounds = bounds;
  }

  /** @throws WaybillError `token_packed`, or `token_tree_too_large` over a bound. */
  root(): SignedNode {
    const node = this.#record('', undefined, 1);
    if (node.kind !== 'signed' || node.payload.kind !== 'members' || node.payload.children.length === 0) {
      throw refused('it holds a token without children, which travels bare');
    }
    this.#body.finish();
    return node;
  }

  #record(name: string, parent: Known | undefined, depth: number): TokenNode {
    const { maxTokens, maxDepth } = this.#bounds;
    this.#tokens += 1;
    if (this.#tokens > maxTokens) throw overLimit('more tokens', maxTokens);
    if (depth > maxDepth) throw overLimit('more levels', maxDepth);
    const tag = this.#number(FIELD.tag, parent === undefined ? 0 : 1);
    const form = Math.floor(tag / 4);
    if (form === FORM.opaque) return this.#opaque(tag);
    const header = this.#readHeader((tag & TAG.otherHeader) !== 0);
    const hasChildren = (tag & TAG.children) !== 0;
    if (form === FORM.raw && hasChildren) throw refused('a raw payload has children');
    const shape = form === FORM.raw ? undefined : this.#shape(form);
    if (shape?.childrenAt !== undefined && !hasChildren) throw refused('a shape lacks its children');
    const signature = this.#take(header.signatureBytes);
    const payload =
      shape === undefined
        ? this.#raw()
        : this.#members(shape, hasChildren, unknownToken(name, parent, shape.names), depth);
    const payloadChars = payload.kind === 'raw' ? payload.bytes.length : payloadLength(payload);
    const length = signedLength(header.text.length, payloadChars, signature.length);
    this.#require(length);
    return { kind: 'signed', header: header.text, payload, signature, length };
  }

  #opaque(tag: number): OpaqueNode {
    if (tag !== FORM.opaque) throw refused('an opaque string has flags');
    const text = this.#dotted();
    this.#grow(text.length);
    return { kind: 'opaque', text, length: text.length };
  }

  #raw(): Payload {
    return { kind: 'raw', bytes: this.#take(this.#number(FIELD.number, NUMBER.raw)) };
  }

  #members(shape: Shape, hasChildren: boolean, token: Known, depth: number): Payload {
    const { names, childrenAt = names.length } = shape;
    const mask = this.#mask(names.length);
    const values = names.map((name, i) => {
      const guessed = mask[i] !== true;
      const value = guessed ? this.#predictions.guess(token, name, 0) : this.#chosen(token, name);
      if (value === undefined) throw refused('a value is left to a guess where there is none');
      this.#grow(name.length + value.length + 4);
      this.#predictions.learn(token, name, value, guessed);
      return value;
    });
    const children: ChildNode[] = [];
    if (hasChildren) {
      const count = this.#number(FIELD.count, COUNT.children) + 1;
      for (let i = 0; i < count; i += 1) {
        const name = this.#word(TEXT.name);
        this.#grow(name.length);
        children.push({ name, node: this.#record(name, token, depth + 1) });
      }
    }
    return { kind: 'members', names, values, childrenAt, children };
  }

  #mask(members: number): boolean[] {
    const mask: boolean[] = [];
    for (let group = 0; ; group += 1) {
      const bits = this.#body.byte(FIELD.mask, members * 16 + group);
      for (let i = 0; i < 7; i += 1) mask.push((bits & (1 << i)) !== 0);
      if (bits < 0x80) {
        if (bits === 0 && group > 0) throw refused('a mask is longer than it must be');
        break;
      }
      if (group === 9) throw refused('a mask is too long');
    }
    if (mask.lastIndexOf(true) >= members) throw refused('a mask is of more members than there are');
    return mask;
  }

  #chosen(token: Known, name: string): string | undefined {
    const hint = memberHint(name);
    const choice = this.#number(FIELD.choice, hint);
    switch (choice) {
      case CHOICE.text:
        return `"${this.#text(TEXT.value + hint)}"`;
      case CHOICE.words:
        return `"${this.#list(COUNT.words, () => this.#word(TEXT.scope)).join(' ')}"`;
      case CHOICE.integer:
        return String(this.#number(FIELD.number, NUMBER.member + hint));
      case CHOICE.dotted:
        return `"${this.#dotted()}"`;
      case CHOICE.json:
        return this.#text(TEXT.value + hint);
      case CHOICE.offset:
        return this.#predictions.later(token, name, this.#number(FIELD.number, NUMBER.member + hint));
      case CHOICE.named:
        return this.#predictions.audience(this.#word(TEXT.name));
      case CHOICE.audiences:
        return `{${this.#list(COUNT.audiences, () => this.#audience()).join(',')}}`;
      default:
        return choice - CHOICE.guess + 1 < MAX_GUESSES
          ? this.#predictions.guess(token, name, choice - CHOICE.guess + 1)
          : undefined;
    }
  }

  /** A name and the audience that it would have. */
  #audience(): string {
    const name = this.#word(TEXT.name);
    return `"${name}":${this.#predictions.audience(name)}`;
  }

  #list(hint: number, read: () => string): string[] {
    const count = this.#number(FIELD.count, hint) + 1;
    const items: string[] = [];
    let chars = 0;
    for (let i = 0; i < count; i += 1) {
      const item = read();
      chars += item.length + 1;
      this.#require(this.#built + chars);
      items.push(item);
    }
    return items;
  }

  #dotted(): string {
    return this.#list(COUNT.parts, () => this.#part()).join('.');
  }

  #part(): string {
    const code = this.#number(FIELD.number, NUMBER.part);
    return code === 0 ? this.#text(TEXT.part) : Buffer.from(this.#take(code - 1)).toString('base64url');
  }

  #readHeader(other: boolean): Header {
    if (other) {
      const code = this.#number(FIELD.header, 0);
      this.#header = code < HEADER.known ? this.#newHeader(code) : this.#headers[code - HEADER.known];
    }
    if (this.#header === undefined) throw refused('a header is named that there is not');
    return this.#header;
  }

  #newHeader(code: number): Header {
    const frame = code === HEADER.text ? undefined : HEADER_FRAMES[code - HEADER.frame];
    const text = frame ? frame.before + this.#part() + frame.after : this.#text(TEXT.header);
    const header = { text, signatureBytes: this.#number(FIELD.number, NUMBER.signature) };
    this.#headers.push(header);
    return header;
  }

  #shape(form: number): Shape {
    const shape = form === FORM.newShape ? this.#newShape() : this.#shapes[form - FORM.shaped];
    if (shape === undefined) throw refused('a shape is named that there is not');
    return shape;
  }

  #newShape(): Shape {
    const base = this.#shapes[this.#number(FIELD.shape, SHAPE.base)];
    const added = this.#number(FIELD.count, COUNT.members);
    if (base === undefined) throw refused('a shape is named that there is not');
    if (base.names.length + added > MAX_MEMBERS) throw refused(`a shape has over ${MAX_MEMBERS} members`);
    const names = [...base.names];
    for (let i = 0; i < added; i += 1) names.push(this.#text(TEXT.member));
    const code = this.#number(FIELD.shape, SHAPE.childrenAt);
    if (code > names.length) throw refused('children stand behind the last member');
    const shape = { names, childrenAt: code === 0 ? undefined : code - 1 };
    this.#shapes.push(shape);
    return shape;
  }

  #word(hint: number): string {
    const code = this.#number(FIELD.word, hint);
    const count = this.#words.length;
    if (code > count) throw refused('a word is named that there is not');
    const index = code === 0 ? count : (this.#nextWord + code - 1) % count;
    if (code === 0) this.#words.push(this.#text(hint));
    this.#nextWord = index + 1;
    return this.#words[index]!;
  }

  #text(hint: number): string {
    const codes: number[] = [];
    for (let code = this.#body.byte(FIELD.text, hint); code !== 0; code = this.#body.byte(FIELD.text, hint)) {
      codes.push(code);
    }
    return Buffer.from(codes).toString('latin1');
  }

  #number(field: Field, hint: number): number {
    let value = 0;
    for (let place = 0; place < 7; place += 1) {
      const byte = this.#body.byte(field, hint + place * 0x100);
      value += (byte & 0x7f) * 2 ** (7 * place);
      if (byte < 0x80) {
        if (byte === 0 && place > 0) throw refused('a number is longer than it must be');
        return value;
      }
    }
    throw refused('a number is over 49 bits');
  }

  #take(bytes: number): Uint8Array {
    this.#require(base64urlLength(bytes));
    return this.#pool.take(bytes);
  }

  #grow(chars: number): void {
    this.#built += chars;
    this.#require(this.#built);
  }

  #require(chars: number): void {
    if (chars > this.#bounds.maxNested) throw overLimit('more nested bytes', this.#bounds.maxNested);
  }
}
