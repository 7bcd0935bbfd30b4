/**
 * Reads a stream that is one block of fixed codes (RFC 1951 section 3.2.6), which is what a short body is written as.
 * zlib reads it too, but makes an object, a window and a listener for each text, which costs more than reading it.
 */

import {
  BLOCK_BITS,
  DISTANCES,
  LENGTHS,
  ONLY_BLOCK,
  SYMBOLS,
  distanceCode,
  symbolBits,
  symbolCode,
} from './fixed-codes.ts';

// Plain numbers here and below: a power, or a binding of another file, in such a loop costs more than all the rest of it.

/** By the next nine bits of the stream, whatever follows the code: the symbol times 16, and how many bits are its own. */
const symbols = new Uint16Array(512);
for (let symbol = 0; symbol < SYMBOLS; symbol += 1) {
  const bits = symbolBits(symbol);
  for (let next = symbolCode(symbol); next < symbols.length; next += 2 ** bits) {
    symbols[next] = symbol * 16 + bits;
  }
}
/** By the next five bits. */
const distances = new Uint8Array(32);
for (let symbol = 0; symbol < distances.length; symbol += 1) distances[distanceCode(symbol)] = symbol;

const lengthFirst = Uint16Array.from(LENGTHS, ({ first }) => first);
const lengthExtra = Uint8Array.from(LENGTHS, ({ extraBits }) => extraBits);
const distanceFirst = Uint16Array.from(DISTANCES, ({ first }) => first);
const distanceExtra = Uint8Array.from(DISTANCES, ({ extraBits }) => extraBits);

export function isFixed(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & (2 ** BLOCK_BITS - 1)) === ONLY_BLOCK;
}

/** Why there is no body: an invalid or truncated stream, or too long a body; bytes after the end of the stream. */
export const BROKEN = -1;
export const CONTINUED = -2;

/**
 * @param bytes a stream that `isFixed`.
 * @param out what stands before the body, and room for the body.
 * @param start where the body begins in `out`.
 * @returns where it ends; `BROKEN` for anything that is no stream, or has a longer body than there is room;
 *   `CONTINUED` where something stands behind the stream.
 */
export function inflateFixed(bytes: Uint8Array, out: Uint8Array, start: number): number {
  let end = start;
  /** The next bits, as many as `held`. Behind the end of the bytes there are zeros, which are the end of a block. */
  let bits = bytes[0]! >> BLOCK_BITS;
  let held = 8 - BLOCK_BITS;
  let next = 1;
  for (;;) {
    // A length and a distance take at most 9 + 5 and 5 + 13 bits.
    for (; held < 14; held += 8, next += 1) bits |= (bytes[next] ?? 0) << held;
    const found = symbols[bits & 511]!;
    const symbol = found >> 4;
    bits >>>= found & 15;
    held -= found & 15;
    if (symbol < 256) {
      if (end === out.length) return BROKEN;
      out[end] = symbol;
      end += 1;
      continue;
    }
    if (symbol === 256) break;
    const lengthAt = symbol - 257;
    if (lengthAt >= lengthFirst.length) return BROKEN;
    const lengthBits = lengthExtra[lengthAt]!;
    let length = lengthFirst[lengthAt]! + (bits & ((1 << lengthBits) - 1));
    bits >>>= lengthBits;
    held -= lengthBits;
    for (; held < 18; held += 8, next += 1) bits |= (bytes[next] ?? 0) << held;
    const distanceAt = distances[bits & 31]!;
    if (distanceAt >= distanceFirst.length) return BROKEN;
    bits >>>= 5;
    const distanceBits = distanceExtra[distanceAt]!;
    const distance = distanceFirst[distanceAt]! + (bits & ((1 << distanceBits) - 1));
    bits >>>= distanceBits;
    held -= 5 + distanceBits;
    if (distance > end || length > out.length - end) return BROKEN;
    for (; length > 0; length -= 1, end += 1) out[end] = out[end - distance]!;
  }
  const used = next - (held >> 3);
  if (used > bytes.length) return BROKEN;
  return used < bytes.length ? CONTINUED : end;
}
