/**
 * Writes a body as one block of fixed codes (RFC 1951 section 3.2.6), behind the dictionary. What a literal and a match
 * cost is known before, so of the ways through the body that the matches found allow, the shortest is taken; a block with
 * codes of its own has to spell them, which takes more than they save in a body of a few hundred bytes. zlib does this
 * too, in twice the time, since it makes its objects and reads the dictionary anew for each text, and takes the first
 * good way, not the best.
 */

import { DICTIONARY } from './dictionary.ts';
import {
  BLOCK_BITS,
  DISTANCES,
  DISTANCE_BITS,
  END_OF_BLOCK,
  LENGTHS,
  MAX_MATCH,
  MIN_MATCH,
  ONLY_BLOCK,
  distanceCode,
  symbolBits,
  symbolCode,
  type Range,
} from './fixed-codes.ts';

/** Longest body, in bytes: from about here on, codes of a body's own save more than they take. */
export const MAX_FIXED_BYTES = 640;

/** Places with the same three bytes that are looked at: twice as many save half a byte of a token. */
const MAX_CHAIN = 8;

/** Inside a match as long as this nothing better begins, nearly always, so nothing is looked for. */
const LONG_MATCH = 12;

const START = DICTIONARY.length;
const ROOM = START + MAX_FIXED_BYTES;

/** By byte: code, and its bits. */
const literalCodes = Uint16Array.from({ length: 256 }, (_, byte) => symbolCode(byte));
const literalBits = Uint8Array.from({ length: 256 }, (_, byte) => symbolBits(byte));

/** By length and by distance: the code with the bits that follow it, and how many they are. */
const [lengthCodes, lengthBits] = codes(LENGTHS, MAX_MATCH, (range) => {
  const symbol = END_OF_BLOCK + 1 + range;
  return [symbolCode(symbol), symbolBits(symbol)];
});
const [distanceCodes, distanceBits] = codes(DISTANCES, ROOM, (range) => [distanceCode(range), DISTANCE_BITS]);

function codes(
  ranges: readonly Range[],
  most: number,
  codeOf: (range: number) => readonly [code: number, bits: number],
): readonly [Uint32Array, Uint8Array] {
  const [values, bits] = [new Uint32Array(most + 1), new Uint8Array(most + 1)];
  ranges.forEach(({ first, extraBits }, range) => {
    const [code, codeBits] = codeOf(range);
    for (let extra = 0; extra < 2 ** extraBits && first + extra <= most; extra += 1) {
      values[first + extra] = code + (extra << codeBits);
      bits[first + extra] = codeBits + extraBits;
    }
  });
  return [values, bits];
}

/** The dictionary, and the body behind it. */
const bytes = Buffer.allocUnsafeSlow(ROOM);
bytes.set(DICTIONARY);

/** The last position of each hash of three bytes, and for each position the one before with the same hash; -1: none. */
const last = new Int16Array(4096).fill(-1);
const before = new Int16Array(ROOM);
const hashes = new Uint16Array(ROOM);
enter(0, START);

/** For each position in the body: bits up to there, and the last step to it: its length, 1 for a literal, and distance. */
const costs = new Int32Array(MAX_FIXED_BYTES + 1);
const steps = new Uint16Array(MAX_FIXED_BYTES + 1);
const distances = new Uint16Array(MAX_FIXED_BYTES + 1);

/** No literal takes more than nine bits. */
const out = Buffer.allocUnsafeSlow(Math.ceil((MAX_FIXED_BYTES * 9) / 8) + 4);

/**
 * @param body at most `MAX_FIXED_BYTES`, one character for each byte.
 * @returns the stream, the same.
 */
export function deflateFixed(body: string): string {
  const end = START + body.length;
  bytes.write(body, START, 'latin1');
  // Three bytes may begin in the dictionary and end in the body.
  const first = START - MIN_MATCH + 1;
  enter(first, end);
  measure(end);
  for (let place = end - MIN_MATCH; place >= first; place -= 1) last[hashes[place]!] = before[place]!;
  reversePath(body.length);
  return spelled(body.length);
}

/** Chains the places from one up to, and without, another, as far as there are three bytes. */
function enter(from: number, to: number): void {
  for (let place = from; place + MIN_MATCH <= to; place += 1) {
    const three = bytes[place]! | (bytes[place + 1]! << 8) | (bytes[place + 2]! << 16);
    const hash = Math.imul(three, 0x9e3779b1) >>> 20;
    hashes[place] = hash;
    before[place] = last[hash]!;
    last[hash] = place;
  }
}

/** Finds the cheapest step to each position of the body, by a literal or by a match. */
function measure(end: number): void {
  const [text, chain, cost, bitsOfDistance, bitsOfLength] = [bytes, before, costs, distanceBits, lengthBits];
  cost.fill(0x7fffffff, 0, end - START + 1);
  cost[0] = BLOCK_BITS;
  let next = START;
  for (let place = START; place < end; place += 1) {
    const at = place - START;
    const soFar = cost[at]!;
    const literal = soFar + literalBits[text[place]!]!;
    if (literal < cost[at + 1]!) {
      cost[at + 1] = literal;
      steps[at + 1] = 1;
    }
    const most = end - place < MAX_MATCH ? end - place : MAX_MATCH;
    if (most < MIN_MATCH || place < next) continue;
    let longest = MIN_MATCH - 1;
    let candidate = chain[place]!;
    for (let left = MAX_CHAIN; candidate >= 0 && left > 0; left -= 1, candidate = chain[candidate]!) {
      if (text[candidate + longest] !== text[place + longest]) continue;
      let length = 0;
      while (length < most && text[candidate + length] === text[place + length]) length += 1;
      if (length <= longest) continue;
      // The nearest of this length, so the one with the shortest code.
      const distance = place - candidate;
      const away = soFar + bitsOfDistance[distance]!;
      for (let l = longest + 1; l <= length; l += 1) {
        const all = away + bitsOfLength[l]!;
        if (all >= cost[at + l]!) continue;
        cost[at + l] = all;
        steps[at + l] = l;
        distances[at + l] = distance;
      }
      longest = length;
      if (longest === most) break;
    }
    if (longest >= LONG_MATCH) next = place + longest - 1;
  }
}

/** The path is known from its end: reverses it, so that each step is stored at its start. */
function reversePath(length: number): void {
  let step = 0;
  let distance = 0;
  for (let at = length; at >= 0;) {
    const [stepHere, distanceHere] = [steps[at]!, distances[at]!];
    steps[at] = step;
    distances[at] = distance;
    if (at === 0) return;
    [step, distance] = [stepHere, distanceHere];
    at -= step;
  }
}

function spelled(length: number): string {
  let end = 0;
  let held = ONLY_BLOCK;
  let count = BLOCK_BITS;
  const put = (value: number, bits: number): void => {
    held |= value << count;
    for (count += bits; count >= 8; count -= 8, held >>>= 8, end += 1) out[end] = held;
  };
  for (let at = 0, step; at < length; at += step) {
    step = steps[at]!;
    if (step === 1) put(literalCodes[bytes[START + at]!]!, literalBits[bytes[START + at]!]!);
    else {
      put(lengthCodes[step]!, lengthBits[step]!);
      put(distanceCodes[distances[at]!]!, distanceBits[distances[at]!]!);
    }
  }
  put(symbolCode(END_OF_BLOCK), symbolBits(END_OF_BLOCK));
  put(0, 7); // what is left of the last byte
  return out.toString('latin1', 0, end);
}
