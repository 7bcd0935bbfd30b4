/** Answers of the issuer that are good for seconds: one question however many wait for it, bounded, failures forgotten. */

import type { Clock } from '../clock.ts';
import { cacheKey } from '../token/index.ts';
import { Recent } from './recent.ts';

export interface ShortAnswer<Value> {
  readonly value: Value;
  /** Seconds since the epoch: from then on the issuer is asked again. */
  readonly until: number;
}

interface Entry<Value> {
  /** The token, compared whole: a key that is a signature says nothing about the payload before it. */
  readonly token: string;
  readonly answer: Promise<ShortAnswer<Value>>;
  /** Absent while the answer is not there. */
  until: number | undefined;
}

export class ShortCache<Value> {
  readonly #entries: Recent<Entry<Value>>;
  readonly #clock: Clock;

  constructor(clock: Clock, max: number) {
    this.#entries = new Recent(max);
    this.#clock = clock;
  }

  async get(token: string, ask: () => Promise<ShortAnswer<Value>>): Promise<Value> {
    const key = cacheKey(token);
    const known = this.#entries.get(key);
    if (known?.token === token && (known.until === undefined || this.#clock() < known.until)) {
      return (await known.answer).value;
    }
    const entry: Entry<Value> = { token, answer: ask(), until: undefined };
    this.#entries.set(key, entry);
    try {
      const { value, until } = await entry.answer;
      entry.until = until;
      return value;
    } catch (error) {
      if (this.#entries.peek(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }
}
