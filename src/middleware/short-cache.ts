/** Answers of the issuer that are good for a while: one question however many wait for it, bounded, failures forgotten. */

import type { LRUCache } from 'lru-cache';

import type { Clock } from '../clock.ts';
import { ownText } from '../own-text.ts';
import { cacheKey } from '../token/index.ts';
import { boundedCache } from './bounded-cache.ts';

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
  readonly until: number | undefined;
  readonly chars: number;
}

export class ShortCache<Value> {
  readonly #entries: LRUCache<string, Entry<Value>>;
  readonly #clock: Clock;
  readonly #charsOf: (value: Value) => number;

  /**
   * @param max most answers; the least recently used one makes room.
   * @param charsOf characters of all texts in an answer, which must be texts of its own.
   */
  constructor(clock: Clock, max: number, charsOf: (value: Value) => number) {
    this.#entries = boundedCache(max, ({ chars }) => chars);
    this.#clock = clock;
    this.#charsOf = charsOf;
  }

  /**
   * @param about what is asked of the token: another question has another answer.
   * @param ask called where no answer is there, and none is under way.
   */
  async get(token: string, about: string, ask: () => Promise<ShortAnswer<Value>>): Promise<Value> {
    const looked = `${cacheKey(token)} ${about}`;
    const known = this.#entries.get(looked);
    if (known?.token === token && (known.until === undefined || this.#clock() < known.until)) {
      return (await known.answer).value;
    }
    const [key, answer] = [ownText(looked), ask()];
    const waiting = { token: ownText(token), answer, until: undefined, chars: token.length };
    this.#entries.set(key, waiting);
    const isLast = (): boolean => this.#entries.peek(key) === waiting;
    try {
      const { value, until } = await answer;
      const chars = token.length + this.#charsOf(value);
      if (isLast()) this.#entries.set(key, { ...waiting, until, chars });
      return value;
    } catch (error) {
      if (isLast()) this.#entries.delete(key);
      throw error;
    }
  }
}
