/** DEFLATE's fixed Huffman codes (RFC 1951 section 3.2.6): what each length and distance takes, in bits. */

/** The first bits of a stream that is one block of fixed codes: BFINAL 1, BTYPE 01 (section 3.2.3), lowest first. */
export const ONLY_BLOCK = 0b011;
export const BLOCK_BITS = 3;

export const END_OF_BLOCK = 256;
export const MIN_MATCH = 3;
export const MAX_MATCH = 258;

/** A range of lengths or distances: its first, and how many bits say which of it. */
export interface Range {
  readonly first: number;
  readonly extraBits: number;
}

/** Of symbol 257 and those behind it (section 3.2.5). */
export const LENGTHS: readonly Range[] = [
  ...ranges(MIN_MATCH, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5]),
  { first: MAX_MATCH, extraBits: 0 },
];

/** Of distance symbol 0 and those behind it. */
export const DISTANCES: readonly Range[] = ranges(
  1,
  Array.from({ length: 30 }, (_, symbol) => Math.max(0, Math.floor(symbol / 2) - 1)),
);

function ranges(start: number, extras: readonly number[]): Range[] {
  let first = start;
  return extras.map((extraBits) => {
    const range = { first, extraBits };
    first += 2 ** extraBits;
    return range;
  });
}

/** Bits of a distance's symbol. */
export const DISTANCE_BITS = 5;

/** Symbols of literals, the end and lengths; the last two have codes and no meaning. */
export const SYMBOLS = 288;

export function symbolBits(symbol: number): number {
  if (symbol < 144) return 8;
  if (symbol < 256) return 9;
  return symbol < 280 ? 7 : 8;
}

/** The code of a symbol as it stands in the stream: its highest bit comes first (section 3.1.1). */
export function symbolCode(symbol: number): number {
  const bits = symbolBits(symbol);
  if (symbol < 144) return reversed(0b00110000 + symbol, bits);
  if (symbol < 256) return reversed(0b110010000 + symbol - 144, bits);
  return reversed(symbol < 280 ? symbol - 256 : 0b11000000 + symbol - 280, bits);
}

export function distanceCode(symbol: number): number {
  return reversed(symbol, DISTANCE_BITS);
}

function reversed(code: number, bits: number): number {
  let turned = 0;
  for (let i = 0; i < bits; i += 1) if ((code >> i) & 1) turned |= 1 << (bits - 1 - i);
  return turned;
}
