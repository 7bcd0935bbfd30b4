/** Numbers and texts as bytes of a body, each byte a character (latin1): strings are quicker to cut than buffers. */

import { refused } from './refusal.ts';
import { countSteps } from './work.ts';

/** A string of one character is made once. */
const BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

/** @param byte 0 to 255. */
export function byteText(byte: number): string {
  return BYTES[byte]!;
}

/** A varint: seven bits to a byte, the lowest first; all but the last have the highest bit set. */
export function numberText(value: number): string {
  if (value < 0x80) return byteText(value);
  let text = '';
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) text += String.fromCharCode((rest % 128) + 128);
  return text + String.fromCharCode(rest);
}

/** Reads bytes from their beginning. */
export class ByteReader {
  readonly #text: string;
  readonly #ends: string;
  #position = 0;

  /** @param what the bytes are, for the message. */
  constructor(text: string, what = 'the body ends') {
    this.#text = text;
    this.#ends = `${what} too early`;
  }

  /** The next `count` bytes, one character for each. */
  take(count: number): string {
    if (count > this.#text.length - this.#position) throw refused(this.#ends);
    this.#position += count;
    countSteps(count);
    return this.#text.slice(this.#position - count, this.#position);
  }

  byte(): number {
    if (this.#position >= this.#text.length) throw refused(this.#ends);
    const byte = this.#text.charCodeAt(this.#position);
    this.#position += 1;
    return byte;
  }

  /** How many bytes have been read. */
  get position(): number {
    return this.#position;
  }

  /** The byte that comes next; -1 at the end. */
  get next(): number {
    return this.#position < this.#text.length ? this.#text.charCodeAt(this.#position) : -1;
  }

  /** The bytes up to the next zero. */
  text(): string {
    const start = this.#position;
    const end = this.#text.indexOf('\0', start);
    // Looked for, and copied.
    countSteps(2 * ((end < 0 ? this.#text.length : end) - start));
    if (end < 0) throw refused(this.#ends);
    this.#position = end + 1;
    return this.#text.slice(start, end);
  }

  number(): number {
    countSteps(1);
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let unit = 128; unit < 2 ** 49; unit *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte >= 0x80) continue;
      if (byte === 0) throw refused('a number is not in its shortest form');
      return value;
    }
    throw refused('a number is over 49 bits');
  }

  get ended(): boolean {
    return this.#position === this.#text.length;
  }
}
