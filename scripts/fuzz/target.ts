/** What the fuzzer needs for a part of Waybill: inputs, and a check of the results. */
import type { Dice } from './dice.ts';

/** The invariants that hold for every input. */
export type Invariant =
  'no crash' | 'every error has a code' | 'plain path' | 'nothing wider' | 'bounded work' | 'no leak';

/** An input for which an invariant does not hold. */
export class Broken extends Error {
  readonly invariant: Invariant;

  /** @param message the same for inputs that fail in the same way; it never quotes the input. */
  constructor(invariant: Invariant, message: string) {
    super(message);
    this.invariant = invariant;
  }
}

/** The outcome of an input. `finding`: a document was read and the codes of its findings say what is wrong with it. */
export type Outcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'finding'; readonly code: string };

export const ACCEPTED: Outcome = { kind: 'accepted' };

export function refusedAs(code: string): Outcome {
  return { kind: 'refused', code };
}

export interface Target {
  readonly name: string;
  /** What reads the inputs, for people. */
  readonly reads: string;
  /** Starts the readers. Nothing in them depends on time or chance, so that an input can be run again. */
  open(): Promise<OpenTarget>;
}

export interface OpenTarget {
  /** A valid input, usually changed. All random choices come from the dice. */
  input(dice: Dice): Buffer;
  /** @throws Broken where an invariant does not hold; whatever else it throws is a crash. */
  run(input: Buffer): Promise<Outcome>;
  /** The cost of the last run, if the code counts its steps; `bytes` is the size of input and output. */
  work?(): { readonly steps: number; readonly bytes: number };
  close?(): Promise<void>;
}
