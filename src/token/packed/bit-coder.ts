/**
 * Codes bits with the chances of a model, which learns from each: arithmetic coding between two 32-bit bounds, where
 * a byte leaves as soon as both agree on it. One loop writes and reads, so that both learn the same.
 *
 * The end is exact: the writer adds the shortest tail that names a number between the bounds, and the reader, to
 * which the bytes go on with zeros, demands just that tail. One sequence of bits has one coding.
 */

import {
  CONTEXTS,
  LEARNING_RATE,
  MAX_VOTE,
  MAX_WEIGHT,
  MOST_SEEN,
  RATES,
  SQUASH,
  STRETCH,
  UNSEEN,
  hashOf,
} from './model.ts';
import type { Model } from './model.ts';

export class BitCoder {
  readonly #slots: Int32Array;
  readonly #weights: Int32Array;
  /** What is read; undefined where bits are written. */
  readonly #input: Uint8Array | undefined;
  readonly #output: number[] = [];
  /** Bytes on which the bounds have agreed. */
  #agreed = 0;
  #low = 0;
  #high = -1;
  /** Of the input, four bytes from `#agreed` on. */
  #window = 0;
  #set = 0;
  readonly #hashes = new Int32Array(CONTEXTS);
  /** A one, and behind it the bits of the byte in hand. */
  #node = 1;

  constructor(model: Model, input?: Uint8Array) {
    this.#slots = model.slots;
    this.#weights = model.weights;
    this.#input = input;
    if (input) for (let i = 0; i < 4; i += 1) this.#window = (this.#window << 8) | this.#byteAt(i);
  }

  /** Begins a byte. @param set whose weights count. */
  begin(set: number, first: number, second: number, third: number): void {
    this.#set = set * CONTEXTS;
    this.#hashes[0] = hashOf(this.#set, first);
    this.#hashes[1] = hashOf(this.#set + 1, second);
    this.#hashes[2] = hashOf(this.#set + 2, third);
    this.#node = 1;
  }

  /** Codes `count` bits of the byte, the highest first. @param value where bits are written. @returns the bits. */
  bits(count: number, value: number): number {
    const slots = this.#slots;
    const weights = this.#weights;
    const set = this.#set;
    const hash0 = this.#hashes[0]!;
    const hash1 = this.#hashes[1]!;
    const hash2 = this.#hashes[2]!;
    let weight0 = weights[set]!;
    let weight1 = weights[set + 1]!;
    let weight2 = weights[set + 2]!;
    let node = this.#node;
    let result = 0;
    for (let shift = count - 1; shift >= 0; shift -= 1) {
      const salt = Math.imul(node, 0x2f0b4c47);
      const key0 = (hash0 + salt) | 0;
      const key1 = (hash1 + salt) | 0;
      const key2 = (hash2 + salt) | 0;
      const slot0 = slotOf(slots[key0 >>> 16]!, key0);
      const slot1 = slotOf(slots[key1 >>> 16]!, key1);
      const slot2 = slotOf(slots[key2 >>> 16]!, key2);
      const vote0 = STRETCH[slot0 >>> 20]!;
      const vote1 = STRETCH[slot1 >>> 20]!;
      const vote2 = STRETCH[slot2 >>> 20]!;
      const sum = (Math.imul(vote0, weight0) + Math.imul(vote1, weight1) + Math.imul(vote2, weight2)) >> 16;
      const chance = SQUASH[(sum > MAX_VOTE ? MAX_VOTE : sum < -MAX_VOTE ? -MAX_VOTE : sum) + MAX_VOTE]!;
      const bit = this.#code(chance, (value >> shift) & 1);
      const error = Math.imul((bit << 12) - chance, LEARNING_RATE);
      weight0 = moved(weight0, vote0, error);
      weight1 = moved(weight1, vote1, error);
      weight2 = moved(weight2, vote2, error);
      slots[key0 >>> 16] = taught(slot0, bit);
      slots[key1 >>> 16] = taught(slot1, bit);
      slots[key2 >>> 16] = taught(slot2, bit);
      node = (node << 1) | bit;
      result = (result << 1) | bit;
    }
    weights[set] = weight0;
    weights[set + 1] = weight1;
    weights[set + 2] = weight2;
    this.#node = node;
    return result;
  }

  /** @param chance of a one, in 1/4096. */
  #code(chance: number, given: number): number {
    const range = (this.#high - this.#low) >>> 0;
    const middle = (this.#low + Math.imul(range >>> 12, chance)) | 0;
    const bit = this.#input === undefined ? given : this.#window >>> 0 <= middle >>> 0 ? 1 : 0;
    if (bit === 1) this.#high = middle;
    else this.#low = (middle + 1) | 0;
    while ((this.#low ^ this.#high) >>> 24 === 0) this.#agree();
    return bit;
  }

  #agree(): void {
    if (this.#input === undefined) this.#output.push(this.#high >>> 24);
    else this.#window = (this.#window << 8) | this.#byteAt(this.#agreed + 4);
    this.#agreed += 1;
    this.#low = this.#low << 8;
    this.#high = (this.#high << 8) | 0xff;
  }

  #byteAt(index: number): number {
    return this.#input !== undefined && index < this.#input.length ? this.#input[index]! : 0;
  }

  /** All that was written. */
  finish(): Uint8Array {
    return Uint8Array.from([...this.#output, ...this.#tail()]);
  }

  /** Whether the input ends as the writer ends it after these bits. */
  finished(): boolean {
    const rest = this.#input?.subarray(this.#agreed) ?? [];
    const tail = this.#tail();
    return rest.length === tail.length && tail.every((byte, i) => byte === rest[i]) && this.#whole();
  }

  #whole(): boolean {
    return this.#agreed <= (this.#input?.length ?? 0);
  }

  /** The fewest bytes that, with zeros behind them, make a number between the bounds. */
  #tail(): number[] {
    for (let bytes = 0; ; bytes += 1) {
      const unit = 2 ** (32 - 8 * bytes);
      const value = Math.ceil((this.#low >>> 0) / unit) * unit;
      if (value > this.#high >>> 0) continue;
      return Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (24 - 8 * i)) & 0xff);
    }
  }
}

/** The slot as this key finds it: another key's chances are forgotten. */
function slotOf(slot: number, key: number): number {
  return ((slot ^ key) & 0xff) === 0 ? slot : UNSEEN | (key & 0xff);
}

function taught(slot: number, bit: number): number {
  const chance = slot >>> 16;
  const seen = (slot >>> 8) & 0xff;
  const moves = Math.imul((bit === 1 ? 65_535 : 0) - chance, RATES[seen]!) >> 16;
  return ((chance + moves) << 16) | ((seen < MOST_SEEN ? seen + 1 : seen) << 8) | (slot & 0xff);
}

function moved(weight: number, vote: number, error: number): number {
  const next = weight + ((Math.imul(vote, error) + 0x8000) >> 16);
  return next > MAX_WEIGHT ? MAX_WEIGHT : next < -MAX_WEIGHT ? -MAX_WEIGHT : next;
}
