/** A kind of harm, and what is promised when it happens. */
import type { Stage } from './stage.ts';

export type Need = 'redis-server' | 'faketime';

export interface Scenario {
  readonly name: string;
  /** For readers of the table. */
  readonly promise: string;
  /** Programs beside Node and this one. */
  readonly needs: readonly Need[];
  /** Codes of errors that clients may be told meanwhile. Any other one breaks the promise. */
  readonly errors: readonly string[];
  /**
   * @returns what was seen beside the account, for readers of the table; empty: nothing.
   * @throws ChaosFailed where a promise is not kept, or where what was injected has no effect.
   */
  readonly run: (stage: Stage) => Promise<string>;
}

/** RFC 6749 section 4.1.2.1; with status 503. */
export const UNAVAILABLE = 'temporarily_unavailable';
