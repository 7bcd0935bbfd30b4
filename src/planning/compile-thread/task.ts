/** Input and output of the thread. */
import type { Compiled } from '../index.ts';

export interface CompileTask {
  readonly paths: readonly string[];
  readonly variables: ReadonlyMap<string, string>;
  readonly allowHttpIssuer: boolean;
}

/** For a graph with errors, the thread returns only the findings. */
export type CompiledInThread = Pick<Compiled, 'plan' | 'findings' | 'leftOut'>;
