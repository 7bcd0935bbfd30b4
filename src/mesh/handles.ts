/**
 * Local handles: the application gets a short text in place of its token, so that its own header limits do not matter,
 * and gives it back for its calls. They exist in this process only, each until its token expires.
 *
 * A handle belongs to a token, not to a request: two requests with the same token get the same one. It is never found by
 * anything else that a request carries, a trace id for one: another request with that id would lend its token to it.
 */
import { randomBytes } from 'node:crypto';

import { LRUCache } from 'lru-cache';

import type { Clock } from '../clock.ts';
import { copyText } from '../input/copy-text.ts';

/** 174 random bits behind the prefix: 33 characters in all. */
const RANDOM_CHARS = 29;
const RANDOM_BYTES = 22;
const HANDLE = /^bearer +(wbh_[A-Za-z0-9_-]{29})$/i;
/** Seconds between two looks for expired entries. */
const SWEEP_SECONDS = 30;
/** What an entry takes beside its texts. */
const ENTRY_BYTES = 512;

interface Held {
  /** The header that the request came with. */
  readonly authorization: string;
  /** Seconds since the epoch. */
  readonly exp: number;
}

export interface HandleState {
  readonly count: number;
  readonly bytes: number;
  /** Handles that were forgotten before their token expired, because memory was full. */
  readonly evicted: number;
}

export class Handles {
  readonly #clock: Clock;
  readonly #held: LRUCache<string, Held>;
  readonly #byHeader = new Map<string, string>();
  #evicted = 0;
  #sweepAt = 0;

  /** @param maxBytes of all headers together; the one that was used least recently makes room. */
  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock;
    this.#held = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ authorization }) => authorization.length + ENTRY_BYTES,
      dispose: ({ authorization }, _handle, reason) => {
        this.#byHeader.delete(authorization);
        if (reason === 'evict') this.#evicted += 1;
      },
    });
  }

  get state(): HandleState {
    return { count: this.#held.size, bytes: this.#held.calculatedSize, evicted: this.#evicted };
  }

  /**
   * @param authorization the header of an accepted request.
   * @param exp of its token.
   * @returns the header for the application: `Bearer wbh_…`.
   */
  headerFor(authorization: string, exp: number): string {
    this.#sweep();
    const known = this.#byHeader.get(authorization);
    if (known !== undefined && this.#held.get(known) !== undefined) return `Bearer ${known}`;
    const handle = `wbh_${randomBytes(RANDOM_BYTES).toString('base64url').slice(0, RANDOM_CHARS)}`;
    const held = { authorization: copyText(authorization), exp };
    this.#byHeader.set(held.authorization, handle);
    this.#held.set(handle, held);
    // One that is larger than all memory is not kept at all.
    if (!this.#held.has(handle)) this.#byHeader.delete(held.authorization);
    return `Bearer ${handle}`;
  }

  /** @returns the header that a handle stands for; undefined if it is no handle, unknown, or its token has expired. */
  resolve(authorization: string): string | undefined {
    const [, handle] = HANDLE.exec(authorization) ?? [];
    const held = handle === undefined ? undefined : this.#held.get(handle);
    return held !== undefined && this.#clock() < held.exp ? held.authorization : undefined;
  }

  #sweep(): void {
    const now = this.#clock();
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + SWEEP_SECONDS;
    for (const [handle, { exp }] of this.#held.entries()) if (exp <= now) this.#held.delete(handle);
  }
}
