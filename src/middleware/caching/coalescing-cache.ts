/**
 * Caches answers of the issuer for a short time. Concurrent callers share one request, the cache is bounded, and failures
 * are not kept. Refusals are cached separately, so that a flood of bad tokens evicts no good answers.
 */

import type { LRUCache } from 'lru-cache';

import type { Clock } from '../../clock.ts';
import { StepUpRequired, WaybillError, type RequiredLogin } from '../../errors.ts';
import { copyText } from '../../input/copy-text.ts';
import { cacheKey } from '../../token/index.ts';
import { boundedCache } from './bounded-cache.ts';

/** Seconds to cache a refusal: the same bad token costs one request, and a changed graph is still noticed soon. */
export const REFUSAL_SECONDS = 5;

/** What the issuer said. */
export type IssuerAnswer<Value> = {
  /** Seconds since the epoch: from then on the issuer is asked again. */
  readonly until: number;
} & ({ readonly value: Value; readonly refused?: never } | { readonly refused: Refusal });

/** Each caller gets a new error with these. */
export type Refusal = Pick<WaybillError, 'code' | 'message'> & Partial<RequiredLogin>;

interface Entry<Answer> {
  /** The token, compared whole: a key that is a signature says nothing about the payload before it. */
  readonly token: string;
  readonly answer: Answer;
  readonly chars: number;
}

type Entries<Answer> = LRUCache<string, Entry<Answer>>;

export class CoalescingCache<Value> {
  readonly #values: Entries<IssuerAnswer<Value>>;
  readonly #refusals: Entries<IssuerAnswer<Value>>;
  /** Requests under way; the callers bound their number. */
  readonly #asked = new Map<string, Pick<Entry<Promise<IssuerAnswer<Value>>>, 'token' | 'answer'>>();
  readonly #clock: Clock;
  readonly #charsOf: (value: Value) => number;

  /**
   * @param max most answers, and most refusals; the least recently used one makes room.
   * @param charsOf characters of all texts in an answer, which must be texts of its own.
   */
  constructor(clock: Clock, max: number, charsOf: (value: Value) => number) {
    this.#values = boundedCache(max, ({ chars }) => chars);
    this.#refusals = boundedCache(max, ({ chars }) => chars);
    this.#clock = clock;
    this.#charsOf = charsOf;
  }

  /**
   * @param about what is asked about the token, as part of the cache key.
   * @param ask called if there is no cached answer and no request under way.
   * @throws WaybillError with the code and the message of a refusal; what `ask` throws.
   */
  async get(token: string, about: string, ask: () => Promise<IssuerAnswer<Value>>): Promise<Value> {
    const looked = `${cacheKey(token)} ${about}`;
    const known = this.#find(this.#values, looked, token) ?? this.#find(this.#refusals, looked, token);
    if (known !== undefined) return valueOf(known);
    const asked = this.#asked.get(looked);
    if (asked?.token === token) return valueOf(await asked.answer);
    const [key, mine] = [copyText(looked), { token: copyText(token), answer: ask() }];
    this.#asked.set(key, mine);
    try {
      const answer = await mine.answer;
      if (this.#asked.get(key) === mine) this.#keep(key, mine.token, answer);
      return valueOf(answer);
    } finally {
      if (this.#asked.get(key) === mine) this.#asked.delete(key);
    }
  }

  /**
   * Forgets answers, so that the next caller asks anew. Who waits for a request under way still gets its answer, and
   * nobody else does.
   *
   * @param isStale which good answers are forgotten. Default: each.
   */
  forget(token: string, about: string, isStale: (value: Value) => boolean = () => true): void {
    const key = `${cacheKey(token)} ${about}`;
    const known = this.#find(this.#values, key, token);
    if (known?.refused === undefined && known !== undefined && !isStale(known.value)) return;
    this.#values.delete(key);
    this.#refusals.delete(key);
    this.#asked.delete(key);
  }

  #find(entries: Entries<IssuerAnswer<Value>>, key: string, token: string): IssuerAnswer<Value> | undefined {
    const entry = entries.get(key);
    return entry?.token === token && this.#clock() < entry.answer.until ? entry.answer : undefined;
  }

  /** Replaces an older answer. Of an error its code, message and login are kept, not its stack or the response body. */
  #keep(key: string, token: string, answer: IssuerAnswer<Value>): void {
    if (answer.refused) {
      const { code, message, acrValues, maxAge } = answer.refused;
      const refused = { code, message: copyText(message), acrValues, maxAge };
      this.#values.delete(key);
      const chars = token.length + message.length;
      this.#refusals.set(key, { token, answer: { refused, until: answer.until }, chars });
    } else {
      this.#refusals.delete(key);
      this.#values.set(key, { token, answer, chars: token.length + this.#charsOf(answer.value) });
    }
  }
}

function valueOf<Value>(answer: IssuerAnswer<Value>): Value {
  if (!answer.refused) return answer.value;
  const { code, message } = answer.refused;
  throw code === 'insufficient_user_authentication'
    ? new StepUpRequired(message, answer.refused)
    : new WaybillError(code, message);
}
