/**
 * Bounds how many requests wait for keys that are fetched from identity providers and from clients at the same time. A
 * server that takes connections and never answers holds each of them for seconds; without a bound of their own they
 * would take the places of all others.
 */
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { WaybillError } from '../errors.ts';

/** Half of what an issuer works on at the same time. */
const MAX_WAITS = 500;
const LATE = Symbol('late');

/** Says nothing about the server that has the keys. */
export class KeyWaitsExceeded extends WaybillError<'provider_unavailable'> {
  constructor() {
    super('provider_unavailable', 'Too many requests wait for keys that are slow to come. Try again later.');
  }
}

export class KeyWaits {
  readonly #max: number;
  #waiting = 0;

  /** @param max requests that wait at the same time, whatever for. Default: 500. */
  constructor(max = MAX_WAITS) {
    this.#max = max;
  }

  /**
   * @param keys what is looked up. It goes on where the request does not wait for it, so that others find it.
   * @throws KeyWaitsExceeded where too many wait already, and these keys are not at hand; what `keys`
   *   rejects with.
   */
  async until<Keys>(keys: Promise<Keys>): Promise<Keys> {
    if (this.#waiting >= this.#max) return atOnce(keys);
    this.#waiting += 1;
    try {
      return await keys;
    } finally {
      this.#waiting -= 1;
    }
  }
}

/** Keys that are known take no more than this turn of the event loop: who has them is not kept out by those who wait. */
async function atOnce<Keys>(keys: Promise<Keys>): Promise<Keys> {
  const found = await Promise.race([keys, endOfTurn<typeof LATE>(LATE)]);
  if (found !== LATE) return found;
  throw new KeyWaitsExceeded();
}
