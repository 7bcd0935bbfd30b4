/**
 * Counts the work of reading a packed token: each byte that is copied, searched or compared. Anyone can send such a
 * token, and it is read before its signature is checked, so the work must be linear in input and output. A test checks
 * that. The counts are never reset: a measurement takes the difference.
 */

export interface Work {
  /** Bytes that were copied, searched or compared, or an upper bound for them. */
  readonly steps: number;
  /** Bytes of inflated bodies, and of names and values of the tokens in them. */
  readonly written: number;
}

let steps = 0;
let written = 0;

export function countSteps(bytes: number): void {
  steps += bytes;
}

export function countOutput(bytes: number): void {
  written += bytes;
}

/** Of this thread, since it began. */
export function workDone(): Work {
  return { steps, written };
}
