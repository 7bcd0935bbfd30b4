/** What the fuzzer asks of a part of Waybill: inputs for it, and a judgement of what it makes of them. */
import type { Dice } from './dice.ts';

/** The invariants that hold for every input. */
export type Invariant = 'no crash' | 'every error has a code' | 'plain path' | 'bounded work' | 'no leak';

/** An input for which an invariant does not hold. */
export class Broken extends Error {
  readonly invariant: Invariant;

  /** @param message the same for inputs that fail in the same way; it never quotes the input. */
  constructor(invariant: Invariant, message: string) {
    super(message);
    this.invariant = invariant;
  }
}

/** What became of an input. `finding`: a document was read and the codes of its findings say what is wrong with it. */
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
  /** Starts what the inputs are for. Nothing in it depends on time or chance, so that an input can be run again. */
  open(): Promise<OpenTarget>;
}

export interface OpenTarget {
  /** A valid input, most of the time changed. Everything that is left to chance comes from the dice. */
  input(dice: Dice): Buffer;
  /** @throws Broken where an invariant does not hold; whatever else it throws is a crash. */
  run(input: Buffer): Promise<Outcome>;
  /** What the last run cost, where the code counts its steps; `bytes` are those that came in and went out. */
  work?(): { readonly steps: number; readonly bytes: number };
  close?(): Promise<void>;
}
