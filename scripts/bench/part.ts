/** What a part of the benchmark is given, and what it hands back. */
import type { Spread } from './spread.ts';

export interface Part {
  /** As the command line names it. */
  readonly name: string;
  readonly title: string;
  run(options: PartOptions): Promise<Measured>;
}

export interface PartOptions {
  /** How often every side has its turn; one more turn before that warms it up and does not count. */
  readonly rounds: number;
  /** Milliseconds of CPU of each turn, about. */
  readonly ms: number;
  /** Where files may be made. */
  readonly folder: string;
  /** Takes the exported configuration of Envoy apart, in place of the whole part. */
  readonly pieces: boolean;
  /** Says what is being done, for who waits. */
  readonly tell: (text: string) => void;
}

export interface Measured {
  readonly ratios: readonly Ratio[];
  readonly figures: readonly Figure[];
  /** What a reader must know to judge them. */
  readonly notes: readonly string[];
  /** What is not there to be measured, and why. */
  readonly skipped?: readonly string[];
}

/** One side against another, measured side by side: each round gives one value. */
export interface Ratio extends Spread {
  readonly name: string;
  readonly target?: Target;
}

export type Target = { readonly atMost: number } | { readonly atLeast: number };

export interface Figure extends Spread {
  readonly name: string;
  /** Empty for a mere number. */
  readonly unit: 'µs' | 'ms' | 's' | 'MiB' | 'requests/s' | '';
}

/** A ratio as it is printed counts: 1.1249 holds "at most 1.12". */
export function holds(median: number, target: Target): boolean {
  const printed = Number(median.toFixed(2));
  return 'atMost' in target ? printed <= target.atMost : printed >= target.atLeast;
}
