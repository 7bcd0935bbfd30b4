/** What goes into the thread, and what comes out. */
import type { Compiled } from '../compile.ts';

export interface CompileTask {
  readonly paths: readonly string[];
  readonly variables: ReadonlyMap<string, string>;
}

/** Of a graph with errors nothing but the findings comes out of the thread. */
export type CompiledInThread = Pick<Compiled, 'plan' | 'findings'>;
