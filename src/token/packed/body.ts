/**
 * The body of a bundle is a sequence of bytes, each of a field. Stored, the bytes stand there as they are; modelled,
 * each is coded with the model's chances for its field and for what came before (`schemas/packed.md`, "The body").
 */

import { BitCoder } from './bit-coder.ts';
import type { Model } from './model.ts';
import { refused } from './refusal.ts';

/** What a byte of the body is for. The numbers are part of the format. */
export const FIELD = {
  text: 0,
  tag: 1,
  mask: 2,
  choice: 3,
  word: 4,
  count: 5,
  number: 6,
  header: 7,
  shape: 8,
} as const;

export type Field = (typeof FIELD)[keyof typeof FIELD];

export interface BodyReader {
  byte(field: Field, hint: number): number;
  /** @throws WaybillError `token_packed` where the body does not end here. */
  finish(): void;
}

/** A body being written, to be coded in either way. */
export class BodyWriter {
  readonly #bytes: number[] = [];
  readonly #fields: Field[] = [];
  readonly #hints: number[] = [];

  /** @param hint what the model may go by besides the bytes before; below 65536. */
  byte(field: Field, hint: number, value: number): void {
    this.#bytes.push(value);
    this.#fields.push(field);
    this.#hints.push(hint);
  }

  get length(): number {
    return this.#bytes.length;
  }

  stored(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  modelled(model: Model): Uint8Array {
    const coder = new BitCoder(model);
    const contexts = new Contexts(coder);
    this.#bytes.forEach((value, i) => {
      const field = this.#fields[i]!;
      contexts.begin(field, this.#hints[i]!);
      const symbol = field === FIELD.text ? SYMBOL_OF[value]! : Math.min(value, ESCAPE);
      coder.bits(5, symbol);
      if (symbol === ESCAPE) coder.bits(8, value);
      contexts.end(field, value);
    });
    return coder.finish();
  }
}

export class StoredReader implements BodyReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    if (this.#position >= this.#bytes.length) throw refused('the body ends too early');
    const byte = this.#bytes[this.#position]!;
    this.#position += 1;
    return byte;
  }

  finish(): void {
    if (this.#position !== this.#bytes.length) throw refused('the body goes on behind its end');
  }
}

/** What texts are made of: these 31 take five bits, any other byte 31 in five bits and itself in eight. */
const FREQUENT = '\0abcdefghijklmnopqrstuvwxyz-:./';
const ESCAPE = 31;
const SYMBOL_OF = Uint8Array.from({ length: 256 }, (_, byte) => {
  const symbol = FREQUENT.indexOf(String.fromCharCode(byte));
  return symbol < 0 ? ESCAPE : symbol;
});

/** Tells the coder in which contexts a byte stands. */
class Contexts {
  readonly #coder: BitCoder;
  /** The last byte of each field. */
  readonly #last = new Uint8Array(16);
  /** The last four bytes of the text in hand; 0 at its beginning. */
  #text = 0;

  constructor(coder: BitCoder) {
    this.#coder = coder;
  }

  begin(field: Field, hint: number): void {
    const text = this.#text;
    const last = this.#last[field]!;
    if (field === FIELD.text) this.#coder.begin(field, hint * 256 + (text & 0xff), text & 0xffff, text);
    else this.#coder.begin(field, last, hint, hint * 256 + last);
  }

  end(field: Field, value: number): void {
    if (field === FIELD.text) this.#text = value === 0 ? 0 : (this.#text << 8) | value;
    else this.#last[field] = value;
  }
}

export class ModelReader implements BodyReader {
  readonly #coder: BitCoder;
  readonly #contexts: Contexts;
  #left: number;

  /** @param maxBytes that may be read: the one bound on the work that few bytes can ask for. */
  constructor(model: Model, input: Uint8Array, maxBytes: number) {
    this.#coder = new BitCoder(model, input);
    this.#contexts = new Contexts(this.#coder);
    this.#left = maxBytes;
  }

  byte(field: Field, hint: number): number {
    if (this.#left === 0) throw refused('the body is too long for its coding');
    this.#left -= 1;
    this.#contexts.begin(field, hint);
    const symbol = this.#coder.bits(5, 0);
    const value =
      symbol === ESCAPE ? this.#escaped(field) : field === FIELD.text ? FREQUENT.charCodeAt(symbol) : symbol;
    this.#contexts.end(field, value);
    return value;
  }

  finish(): void {
    if (!this.#coder.finished()) throw refused('the body does not end as its coding demands');
  }

  /** A byte with a short form is not written in the long one. */
  #escaped(field: Field): number {
    const value = this.#coder.bits(8, 0);
    const short = field === FIELD.text ? SYMBOL_OF[value] !== ESCAPE : value < ESCAPE;
    if (short) throw refused('a byte is escaped that need not be');
    return value;
  }
}
