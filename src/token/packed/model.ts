/**
 * The adaptive model of the packed coding: for each bit of a byte it says how likely a one is, and learns from the
 * bit that came (`schemas/packed.md`, "The model"). Three contexts vote, and a mixer weighs their votes.
 *
 * Integers only, so that every implementation computes the same.
 */

/** Contexts of a byte. */
export const CONTEXTS = 3;

/** Sets of weights: one for each field of the body. */
const SETS = 16;

/** Chances are kept in 2^16 slots, each 32 bits: chance (16), how often seen (8), check (8). */
const SLOTS = 1 << 16;
const UNSEEN = 0x8000_0000;

/** How often a slot counts what it has seen; from then on it forgets as fast as it learns. */
const MOST_SEEN = 30;

/** How far a chance moves towards what came, in 1/65536: 1 / (seen + 1.5). */
const RATES = Uint16Array.from({ length: MOST_SEEN + 1 }, (_, seen) => Math.floor(131_072 / (2 * seen + 3)));

const FIRST_WEIGHT = 21_845;
const LEARNING_RATE = 20;

/** The logistic function 4096 / (1 + e^(-x / 256)) at x = -2048, -1920, …, 2048. */
const SQUASH_POINTS = [
  1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047, 2549, 2994, 3348, 3607, 3785, 3901,
  3975, 4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094,
];

/** From a sum of votes, -2047 to 2047, to a chance in 1/4096; at index `x + 2047`. */
const SQUASH = Uint16Array.from({ length: 4095 }, (_, index) => {
  const x = index + 1;
  const point = x >> 7;
  const part = x & 127;
  return (SQUASH_POINTS[point]! * (128 - part) + SQUASH_POINTS[point + 1]! * part + 64) >> 7;
});

/** Back: for each chance in 1/4096 the smallest sum of votes whose chance is not below it; 2047 where none is. */
const STRETCH = Int16Array.from({ length: 4096 }, (_, chance) => {
  const index = SQUASH.findIndex((squashed) => squashed >= chance);
  return index < 0 ? 2047 : index - 2047;
});

export class Model {
  readonly #slots = new Uint32Array(SLOTS).fill(UNSEEN);
  readonly #weights = new Int32Array(SETS * CONTEXTS).fill(FIRST_WEIGHT);
  /** Of the byte in hand. */
  #set = 0;
  #first = 0;
  #second = 0;
  #third = 0;
  /** A one, and behind it the bits of this byte so far. */
  #node = 1;
  /** Of the bit in hand: the slots asked, their votes, the chance in 1/4096. */
  readonly #asked = new Int32Array(CONTEXTS);
  readonly #votes = new Int32Array(CONTEXTS);
  #chance = 2048;

  /** Forgets all and takes over what another has learned. */
  become(other: Model): void {
    this.#slots.set(other.#slots);
    this.#weights.set(other.#weights);
  }

  /** Begins a byte. @param set which weights it uses. */
  begin(set: number, first: number, second: number, third: number): void {
    this.#set = set * CONTEXTS;
    this.#first = hashOf(first, this.#set);
    this.#second = hashOf(second, this.#set + 1);
    this.#third = hashOf(third, this.#set + 2);
    this.#node = 1;
  }

  /** How likely the next bit is a one, in 1/65536: from 24 to 65528. */
  chance(): number {
    const salt = Math.imul(this.#node, 0x2f0b4c47);
    const sum = this.#vote(0, this.#first + salt) + this.#vote(1, this.#second + salt) + this.#vote(2, this.#third + salt);
    const x = Math.floor(sum / 65_536);
    this.#chance = SQUASH[(x > 2047 ? 2047 : x < -2047 ? -2047 : x) + 2047]!;
    return this.#chance * 16 + 8;
  }

  #vote(context: number, key: number): number {
    const hash = Math.imul(key, 0x9e3779b1);
    const index = hash >>> 16;
    const check = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 24;
    let slot = this.#slots[index]!;
    if ((slot & 0xff) !== check) {
      slot = (UNSEEN | check) >>> 0;
      this.#slots[index] = slot;
    }
    this.#asked[context] = index;
    const vote = STRETCH[slot >>> 20]!;
    this.#votes[context] = vote;
    return vote * this.#weights[this.#set + context]!;
  }

  /** What the bit was. */
  learn(bit: number): void {
    const error = ((bit << 12) - this.#chance) * LEARNING_RATE;
    const target = bit === 1 ? 65_535 : 0;
    for (let context = 0; context < CONTEXTS; context += 1) {
      this.#weights[this.#set + context]! += (this.#votes[context]! * error + 0x8000) >> 16;
      const index = this.#asked[context]!;
      const slot = this.#slots[index]!;
      const chance = slot >>> 16;
      const seen = (slot >>> 8) & 0xff;
      const moved = chance + (((target - chance) * RATES[seen]!) >> 16);
      this.#slots[index] = (moved << 16) | ((seen < MOST_SEEN ? seen + 1 : seen) << 8) | (slot & 0xff);
    }
    this.#node = (this.#node << 1) | bit;
  }
}

function hashOf(key: number, context: number): number {
  return (Math.imul(key, 0x2c1b3c6d) + Math.imul(context + 1, 0x3d4d51cb)) | 0;
}
