/**
 * Slows down who guesses. Failed attempts to authenticate are counted, successful ones are not: for each client at each
 * address, and, with more patience, for each address. Over a limit nothing is believed any more until the count is
 * forgotten, a right secret neither, so that nobody learns from a block which guess was right.
 *
 * A client is counted at an address alone: a count of its own would let anyone lock it out by guessing with its name.
 * Names are counted whether or not there is such a client.
 *
 * The shared count is looked at after an attempt, not before: so attempts that run side by side count for one another,
 * and each costs one question to the store. Who is known here to be over a limit is refused before anything is looked at.
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { WaybillError, isWaybillError } from '../../errors.ts';
import { copyText } from '../../input/copy-text.ts';
import { OutdatedAssertion } from './assertion-claims.ts';
import type { FailureKind, Store } from '../stores/index.ts';

export interface AttemptLimit {
  /** Failures that are answered as such; the next attempt is refused unseen. */
  readonly failures: number;
  /** From the first failure until all of them are forgotten. */
  readonly seconds: number;
}

export interface AttemptLimits {
  /** For one client at one address. Default: 10 in a minute. */
  readonly client: AttemptLimit;
  /** For one address, whichever clients it tries. Default: 100 in a minute. */
  readonly address: AttemptLimit;
}

export const ATTEMPT_LIMITS: AttemptLimits = {
  client: { failures: 10, seconds: 60 },
  address: { failures: 100, seconds: 60 },
};

/** Who attempts: what the request says of itself, not believed. */
export interface Attempt {
  readonly client: string;
  readonly address: string;
  /** What the log may call the client: absent where the graph has none of this name, which may then be anything. */
  readonly name?: string | undefined;
}

/** Over a limit. */
export class AttemptsExceeded extends WaybillError<'too_many_attempts'> {
  /** Seconds. */
  readonly retryAfter: number;
  /** Whether this process refuses for the first time in this block. */
  readonly begins: boolean;

  constructor(kind: FailureKind, retryAfter: number, begins: boolean, name = 'one client') {
    const message = `Authentication has failed too often. Try again in ${retryAfter} seconds.`;
    super('too_many_attempts', message, {
      detail: kind === 'client' ? `as ${name} from one address` : 'from one address',
    });
    this.retryAfter = retryAfter;
    this.begins = begins;
  }
}

/** Blocks that a process remembers at most; one that it forgot is found again in the store. */
const MAX_BLOCKS = 10_000;
/** Clients at addresses whose keys are remembered, and characters of those that are. */
const MAX_COUNTED = 1_000;
const MAX_NAME = 256;

interface Counted {
  readonly kind: FailureKind;
  readonly key: string;
  readonly limit: AttemptLimit;
}

export class Attempts {
  readonly #store: Store;
  readonly #limits: AttemptLimits;
  /** What is known here to be over its limit, until its failures are forgotten. */
  readonly #blocks = new LRUCache<string, { isTold: boolean }>({ max: MAX_BLOCKS });

  readonly #counted = new LRUCache<string, readonly Counted[]>({ max: MAX_COUNTED });

  constructor(store: Store, limits: AttemptLimits) {
    this.#store = store;
    this.#limits = limits;
  }

  /**
   * @param authenticate throws `invalid_client` for a failed attempt. Other errors are not counted, and neither is a valid
   *   assertion that is refused because it may have been used before.
   * @throws WaybillError `too_many_attempts`, whether or not the attempt was right; what `authenticate` throws
   */
  async limited<Result>(attempt: Attempt, authenticate: () => Promise<Result>): Promise<Result> {
    const counted = this.#countedOf(attempt);
    const { name } = attempt;
    this.#refuseBlocked(counted, name);
    let result: Result;
    try {
      result = await authenticate();
    } catch (error) {
      if (isFailedAttempt(error)) await this.#look(counted, true, name);
      throw error;
    }
    await this.#look(counted, false, name);
    return result;
  }

  #countedOf({ client, address }: Attempt): readonly Counted[] {
    const name = `${client}@${address}`;
    const known = this.#counted.get(name);
    if (known) return known;
    const counted: readonly Counted[] = [
      { kind: 'client', key: hashed([client, address]), limit: this.#limits.client },
      { kind: 'address', key: hashed([address]), limit: this.#limits.address },
    ];
    // An address has no @, so two attempts never share a name.
    if (name.length <= MAX_NAME) this.#counted.set(copyText(name), counted);
    return counted;
  }

  #refuseBlocked(counted: readonly Counted[], name?: string): void {
    for (const { kind, key } of counted) {
      const block = this.#blocks.get(key);
      if (!block) continue;
      const begins = !block.isTold;
      block.isTold = true;
      throw new AttemptsExceeded(
        kind,
        Math.max(1, Math.ceil(this.#blocks.getRemainingTTL(key) / 1_000)),
        begins,
        name,
      );
    }
  }

  /** The failure that reaches a limit is still told as such; whatever comes after it is not looked at. */
  async #look(counted: readonly Counted[], failed: boolean, name?: string): Promise<void> {
    const found = await Promise.all(
      counted.map(async ({ kind, key, limit }) =>
        failed ? this.#store.addFailure(kind, key, limit.seconds) : this.#store.failures(kind, key),
      ),
    );
    const over = counted.filter(({ key, limit }, index) => {
      const { count = 0, seconds = 0 } = found[index] ?? {};
      if (count < limit.failures) return false;
      if (!this.#blocks.has(key)) this.#blocks.set(key, { isTold: false }, { ttl: seconds * 1_000 });
      return !failed || count > limit.failures;
    });
    this.#refuseBlocked(over, name);
  }
}

function isFailedAttempt(error: unknown): boolean {
  return isWaybillError(error, 'invalid_client') && !(error instanceof OutdatedAssertion);
}

/** One length, whatever the other side writes, and nothing of it to be read in the store. */
function hashed(parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'hex');
}
