/** A run of the benchmark as it is kept and reported: JSON all through. */
import path from 'node:path';
import type { Machine } from './machine.ts';
import type { Measured } from './part.ts';

/** The run that docs/benchmarks.md shows. */
export const RESULTS = path.join(import.meta.dirname, 'results.json');

export interface Run {
  readonly machine: Machine;
  readonly rounds: number;
  /** Milliseconds of CPU of each turn, about. */
  readonly ms: number;
  readonly parts: readonly MeasuredPart[];
}

export interface MeasuredPart extends Measured {
  readonly name: string;
  readonly title: string;
}
