/**
 * The body of a bundle is a sequence of bytes, each of a field. Stored, the bytes stand there as they are; modelled,
 * each is coded with the model's chances for its field and for what came before (`schemas/packed.md`, "The body").
 */

import type { Model } from './model.ts';
import { RangeDecoder, RangeEncoder } from './range-coder.ts';
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

export interface BodyWriter {
  /** @param hint what the model may go by besides the bytes before; below 65536. */
  byte(field: Field, hint: number, value: number): void;
}

export interface BodyReader {
  byte(field: Field, hint: number): number;
  /** @throws WaybillError `token_packed` where the body does not end here. */
  finish(): void;
}

export class StoredWriter implements BodyWriter {
  readonly #bytes: number[] = [];

  byte(_field: Field, _hint: number, value: number): void {
    this.#bytes.push(value);
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
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

/** Tells the model in which contexts a byte stands. */
class Contexts {
  readonly model: Model;
  /** The last byte of each field. */
  readonly #last = new Uint8Array(16);
  /** The last four bytes of the text in hand; 0 at its beginning. */
  #text = 0;

  constructor(model: Model) {
    this.model = model;
  }

  begin(field: Field, hint: number): void {
    const text = this.#text;
    const last = this.#last[field]!;
    if (field === FIELD.text) this.model.begin(field, (hint << 8) | (text & 0xff), text & 0xffff, text);
    else this.model.begin(field, last, hint, (hint << 8) | last);
  }

  end(field: Field, value: number): void {
    if (field === FIELD.text) this.#text = value === 0 ? 0 : (this.#text << 8) | value;
    else this.#last[field] = value;
  }
}

export class ModelWriter implements BodyWriter {
  readonly #contexts: Contexts;
  readonly #encoder = new RangeEncoder();

  constructor(model: Model) {
    this.#contexts = new Contexts(model);
  }

  byte(field: Field, hint: number, value: number): void {
    this.#contexts.begin(field, hint);
    const symbol = field === FIELD.text ? SYMBOL_OF[value]! : Math.min(value, ESCAPE);
    this.#bits(symbol, 5);
    if (symbol === ESCAPE) this.#bits(value, 8);
    this.#contexts.end(field, value);
  }

  finish(): Uint8Array {
    return this.#encoder.finish();
  }

  #bits(value: number, count: number): void {
    const { model } = this.#contexts;
    for (let shift = count - 1; shift >= 0; shift -= 1) {
      const bit = (value >> shift) & 1;
      this.#encoder.bit(bit, model.chance());
      model.learn(bit);
    }
  }
}

export class ModelReader implements BodyReader {
  readonly #contexts: Contexts;
  readonly #decoder: RangeDecoder;
  #left: number;

  /** @param maxBytes that may be read: the one bound on the work that few bytes can ask for. */
  constructor(model: Model, bytes: Uint8Array, maxBytes: number) {
    this.#contexts = new Contexts(model);
    this.#decoder = new RangeDecoder(bytes);
    this.#left = maxBytes;
  }

  byte(field: Field, hint: number): number {
    if (this.#left === 0) throw refused('the body is too long for its coding');
    this.#left -= 1;
    this.#contexts.begin(field, hint);
    const symbol = this.#bits(5);
    const value =
      symbol === ESCAPE ? this.#escaped(field) : field === FIELD.text ? FREQUENT.charCodeAt(symbol) : symbol;
    this.#contexts.end(field, value);
    return value;
  }

  finish(): void {
    if (!this.#decoder.finished()) throw refused('the body does not end as its coding demands');
  }

  /** A byte with a short form is not written in the long one. */
  #escaped(field: Field): number {
    const value = this.#bits(8);
    const short = field === FIELD.text ? SYMBOL_OF[value] !== ESCAPE : value < ESCAPE;
    if (short) throw refused('a byte is escaped that need not be');
    return value;
  }

  #bits(count: number): number {
    const { model } = this.#contexts;
    let value = 0;
    for (let i = 0; i < count; i += 1) {
      const bit = this.#decoder.bit(model.chance());
      model.learn(bit);
      value = (value << 1) | bit;
    }
    return value;
  }
}
