/**
 * What the packed coding knows about the next bit (`schemas/packed.md`, "The model"): chances in slots that contexts
 * share, and the weights of their votes. `bit-coder.ts` asks and teaches.
 *
 * Integers only, so that every implementation computes the same.
 */

/** Contexts of a byte, each with one vote. */
export const CONTEXTS = 3;

/** Sets of weights: one for each field of the body. */
const SETS = 16;

/** A slot has 32 bits: chance of a one (16), how often seen (8), check (8). */
const SLOTS = 1 << 16;

/** A slot that has seen nothing: one half. */
export const UNSEEN = 0x8000_0000 | 0;

/** How often a slot counts what it has seen; from then on it forgets as fast as it learns. */
export const MOST_SEEN = 30;

/** How far a chance moves towards what came, in 1/65536: 1 / (seen + 1.5). */
export const RATES = Int32Array.from({ length: MOST_SEEN + 1 }, (_, seen) =>
  Math.floor(131_072 / (2 * seen + 3)),
);

/** In 1/65536; so are all weights. */
const FIRST_WEIGHT = 21_845;
export const MAX_WEIGHT = (1 << 18) - 1;
export const LEARNING_RATE = 20;

/** The logistic function 4096 / (1 + e^(-x / 256)) at x = -2048, -1920, …, 2048. */
const LOGISTIC = [
  1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047, 2549, 2994, 3348, 3607, 3785,
  3901, 3975, 4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094,
];

/** Largest vote, and largest sum of votes. */
export const MAX_VOTE = 2047;

/** From a sum of votes, at index `sum + 2047`, to a chance in 1/4096. */
export const SQUASH = Int32Array.from({ length: 2 * MAX_VOTE + 1 }, (_, index) => {
  const x = index + 1;
  const point = x >> 7;
  const part = x & 127;
  return (LOGISTIC[point]! * (128 - part) + LOGISTIC[point + 1]! * part + 64) >> 7;
});

/** Back: for a chance in 1/4096 the smallest sum whose chance is not below it, 2047 where there is none. */
export const STRETCH = Int32Array.from({ length: 4096 }, (_, chance) => {
  const index = SQUASH.findIndex((squashed) => squashed >= chance);
  return index < 0 ? MAX_VOTE : index - MAX_VOTE;
});

export class Model {
  readonly slots = new Int32Array(SLOTS).fill(UNSEEN);
  readonly weights = new Int32Array(SETS * CONTEXTS).fill(FIRST_WEIGHT);

  /** Forgets all, and takes over what another has learned. */
  become(other: Model): void {
    this.slots.set(other.slots);
    this.weights.set(other.weights);
  }
}

/** Where the chances of a context begin: its key and its number, spread over 32 bits. */
export function hashOf(context: number, key: number): number {
  const hash = Math.imul(Math.imul(context + 1, 0x3d4d51cb) ^ key, 0x2c1b3c6d);
  return Math.imul(hash ^ (hash >>> 15), 0x297a2d39);
}
