/** A kind of harm, and what is promised when it happens. */
import type { Stage } from './stage.ts';

export type Need = 'redis-server' | 'faketime';

export interface Scenario {
  readonly name: string;
  /** For readers of the table. */
  readonly promise: string;
  /** Required programs besides Node. */
  readonly needs: readonly Need[];
  /** Error codes that clients may get meanwhile. Any other code breaks the promise. */
  readonly errors: readonly string[];
  /**
   * @returns observations besides the account, for readers of the table; may be empty.
   * @throws ChaosFailed where a promise is not kept, or where what was injected has no effect.
   */
  readonly run: (stage: Stage) => Promise<string>;
}

/** RFC 6749 section 4.1.2.1; with status 503. */
export const UNAVAILABLE = 'temporarily_unavailable';
