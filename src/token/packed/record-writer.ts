/** Writes the record of a token, and behind it those of the tokens that it embeds. */

import { FIELD } from './body.ts';
import type { BodyWriter, Field } from './body.ts';
import { CHOICE, COUNT, FORM, HEADER, INTEGER, MAX_GUESSES, NUMBER, SHAPE, TAG, TEXT } from './literals.ts';
import { audiencesIn, dottedSaves, framed, randomBytes } from './literal-values.ts';
import type { MembersPayload, SignedNode, TokenNode } from './node.ts';
import { Predictions, unknownToken } from './predictions.ts';
import type { Known } from './predictions.ts';
import { FIRST_SHAPES, memberHint } from './shapes.ts';
import type { Shape } from './shapes.ts';

export class RecordWriter {
  readonly #body: BodyWriter;
  readonly #predictions = new Predictions();
  readonly #shapes: Shape[] = [...FIRST_SHAPES];
  readonly #headers: SignedNode[] = [];
  #header = -1;
  readonly #words = new Map<string, number>();
  #nextWord = 0;
  /** Signatures, and other bytes that no model foretells. */
  readonly pool: Uint8Array[] = [];

  constructor(body: BodyWriter) {
    this.#body = body;
  }

  root(node: SignedNode): void {
    this.#record('', node, undefined);
  }

  #record(name: string, node: TokenNode, parent: Known | undefined): void {
    const position = parent === undefined ? 0 : 1;
    if (node.kind === 'opaque') {
      this.#number(FIELD.tag, position, FORM.opaque);
      this.#dotted(node.text);
      return;
    }
    const { payload, signature } = node;
    const shape = payload.kind === 'raw' ? undefined : this.#shapeOf(payload);
    const index = shape === undefined ? -1 : this.#shapes.indexOf(shape);
    const form = shape === undefined ? FORM.raw : index < 0 ? FORM.newShape : FORM.shaped + index;
    const header = this.#headerOf(node);
    const flags =
      (header === this.#header ? 0 : TAG.otherHeader) +
      (payload.kind === 'members' && payload.children.length > 0 ? TAG.children : 0);
    this.#number(FIELD.tag, position, form * 4 + flags);
    if (header !== this.#header) this.#writeHeader(node, header);
    if (shape !== undefined && index < 0) this.#writeShape(shape);
    this.pool.push(signature);
    if (payload.kind === 'raw') {
      this.#number(FIELD.number, NUMBER.raw, payload.bytes.length);
      this.pool.push(payload.bytes);
    } else this.#members(payload, unknownToken(name, parent, payload.names));
  }

  #members({ names, values, children }: MembersPayload, token: Known): void {
    // The mask comes first, but a guess needs the members before: they are chosen now and written later.
    const writers = names.map((name, i) => {
      const value = values[i]!;
      const write = this.#choice(token, name, value);
      this.#predictions.learn(token, name, value, write === undefined);
      return write;
    });
    this.#mask(writers.map((write) => write !== undefined));
    for (const write of writers) write?.();
    if (children.length === 0) return;
    this.#number(FIELD.count, COUNT.children, children.length - 1);
    for (const { name, node } of children) {
      this.#word(TEXT.name, name);
      this.#record(name, node, token);
    }
  }

  #mask(mask: readonly boolean[]): void {
    const last = Math.max(0, mask.lastIndexOf(true));
    for (let group = 0; group * 7 <= last; group += 1) {
      let bits = group * 7 + 7 <= last ? 0x80 : 0;
      for (let i = 0; i < 7; i += 1) if (mask[group * 7 + i] === true) bits |= 1 << i;
      this.#body.byte(FIELD.mask, mask.length * 16 + group, bits);
    }
  }

  /** How to write the value; undefined where the best guess is right. */
  #choice(token: Known, name: string, value: string): (() => void) | undefined {
    const guess = this.#guessed(token, name, value);
    if (guess === 0) return undefined;
    const hint = memberHint(name);
    if (guess !== undefined) return () => this.#number(FIELD.choice, hint, CHOICE.guess + guess - 1);
    const [choice, write] = this.#literal(token, name, value, hint);
    return () => {
      this.#number(FIELD.choice, hint, choice);
      write();
    };
  }

  #guessed(token: Known, name: string, value: string): number | undefined {
    for (let rank = 0; rank < MAX_GUESSES; rank += 1) {
      if (this.#predictions.guess(token, name, rank) === value) return rank;
    }
    return undefined;
  }

  #literal(token: Known, name: string, value: string, hint: number): [choice: number, write: () => void] {
    const number = NUMBER.member + hint;
    const offset = this.#offset(token, name, value);
    if (offset !== undefined) return [CHOICE.offset, () => this.#number(FIELD.number, number, offset)];
    if (INTEGER.test(value)) return [CHOICE.integer, () => this.#number(FIELD.number, number, Number(value))];
    const audiences = audiencesIn(value, (callee) => this.#predictions.audience(callee));
    if (audiences) return [CHOICE.audiences, () => this.#list(COUNT.audiences, TEXT.name, audiences)];
    if (!value.startsWith('"')) return [CHOICE.json, () => this.#text(TEXT.value + hint, value)];
    const named = name === 'aud' ? this.#predictions.nameOf(value) : undefined;
    if (named !== undefined) return [CHOICE.named, () => this.#word(TEXT.name, named)];
    const text = value.slice(1, -1);
    if (name === 'scope') return [CHOICE.words, () => this.#list(COUNT.words, TEXT.scope, text.split(' '))];
    if (dottedSaves(text)) return [CHOICE.dotted, () => this.#dotted(text)];
    return [CHOICE.text, () => this.#text(TEXT.value + hint, text)];
  }

  /** How far the value lies behind what it counts from. */
  #offset(token: Known, name: string, value: string): number | undefined {
    const zero = this.#predictions.later(token, name, 0);
    if (zero === undefined) return undefined;
    const offset = lastNumber(value) - lastNumber(zero);
    const fits = offset >= 0 && offset < 2 ** 31 && this.#predictions.later(token, name, offset) === value;
    return fits ? offset : undefined;
  }

  #list(hint: number, kind: number, words: readonly string[]): void {
    this.#number(FIELD.count, hint, words.length - 1);
    for (const word of words) this.#word(kind, word);
  }

  #dotted(text: string): void {
    const parts = text.split('.');
    this.#number(FIELD.count, COUNT.parts, parts.length - 1);
    for (const part of parts) this.#part(part);
  }

  #part(part: string): void {
    const bytes = randomBytes(part);
    this.#number(FIELD.number, NUMBER.part, bytes === undefined ? 0 : bytes.length + 1);
    if (bytes === undefined) this.#text(TEXT.part, part);
    else this.pool.push(bytes);
  }

  /** One of the shapes known so far, or a new one. */
  #shapeOf({ names, children, childrenAt }: MembersPayload): Shape {
    const at = children.length === 0 || childrenAt === names.length ? undefined : childrenAt;
    const same = (shape: Shape): boolean =>
      shape.childrenAt === at && shape.names.length === names.length && beginsWith(names, shape.names);
    return this.#shapes.find(same) ?? { names, childrenAt: at };
  }

  #writeShape(shape: Shape): void {
    const fitting = this.#shapes.filter(({ names }) => beginsWith(shape.names, names));
    const base = fitting.reduce((longest, next) =>
      next.names.length > longest.names.length ? next : longest,
    );
    const added = shape.names.slice(base.names.length);
    this.#number(FIELD.shape, SHAPE.base, this.#shapes.indexOf(base));
    this.#number(FIELD.count, COUNT.members, added.length);
    for (const name of added) this.#text(TEXT.member, name);
    this.#number(FIELD.shape, SHAPE.childrenAt, shape.childrenAt === undefined ? 0 : shape.childrenAt + 1);
    this.#shapes.push(shape);
  }

  #headerOf({ header, signature }: SignedNode): number {
    const index = this.#headers.findIndex(
      (known) => known.header === header && known.signature.length === signature.length,
    );
    return index < 0 ? this.#headers.length : index;
  }

  #writeHeader(node: SignedNode, index: number): void {
    const known = index < this.#headers.length;
    const frame = known ? undefined : framed(node.header);
    const code = known ? HEADER.known + index : frame ? HEADER.frame + frame.index : HEADER.text;
    this.#number(FIELD.header, 0, code);
    this.#header = index;
    if (known) return;
    this.#headers.push(node);
    if (frame) this.#part(frame.kid);
    else this.#text(TEXT.header, node.header);
    this.#number(FIELD.number, NUMBER.signature, node.signature.length);
  }

  /** A word that stood before is told by how far it lies behind the word last used, so that a row repeated is ones. */
  #word(kind: number, word: string): void {
    const count = this.#words.size;
    const index = this.#words.get(word);
    const code = index === undefined ? 0 : ((index - this.#nextWord + count) % count) + 1;
    this.#number(FIELD.word, kind, code);
    this.#nextWord = (index ?? count) + 1;
    if (index !== undefined) return;
    this.#words.set(word, count);
    this.#text(kind, word);
  }

  #text(hint: number, text: string): void {
    for (let i = 0; i < text.length; i += 1) this.#body.byte(FIELD.text, hint, text.charCodeAt(i));
    this.#body.byte(FIELD.text, hint, 0);
  }

  #number(field: Field, hint: number, value: number): void {
    let rest = value;
    let place = hint;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) {
      this.#body.byte(field, place, (rest % 128) + 128);
      place += 0x100;
    }
    this.#body.byte(field, place, rest);
  }
}

function beginsWith(names: readonly string[], first: readonly string[]): boolean {
  return first.length <= names.length && first.every((name, i) => name === names[i]);
}

/** The digits that end a JSON number, or a JSON string. */
function lastNumber(value: string): number {
  return Number(/([0-9]{1,14})"?$/.exec(value)?.[1] ?? Number.NaN);
}
