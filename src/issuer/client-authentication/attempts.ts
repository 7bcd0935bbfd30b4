/**
 * Slows down guessing. Failed attempts to authenticate are counted for each pair of client and address and, with a higher
 * limit, for each address. Over a limit every attempt is refused until the count expires, a right secret too, so that a
 * block does not reveal which guess was right.
 *
 * A client has no count of its own: anyone could lock it out by guessing with its name. Names are counted whether or not
 * the graph has such a client.
 *
 * The shared count is read after an attempt, so concurrent attempts count for one another and each takes one request to
 * the store. An attempt that this process knows to be over a limit is refused first, without looking at its credentials.
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { WaybillError, isWaybillError } from '../../errors.ts';
import { copyText } from '../../input/copy-text.ts';
import { OutdatedAssertion } from './assertion-claims.ts';
import type { FailureKind, Store } from '../stores/index.ts';

export interface AttemptLimit {
  /** Failures that get the ordinary answer. The next attempt is refused without looking at its credentials. */
  readonly failures: number;
  /** From the first failure until the count expires. */
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

/** Who attempts to authenticate, as the request claims. */
export interface Attempt {
  readonly client: string;
  readonly address: string;
  /** The client's name for the log; absent if the graph has no such client, since the text may then be anything. */
  readonly name?: string | undefined;
}

/** Over a limit. */
export class AttemptsExceeded extends WaybillError<'too_many_attempts'> {
  /** Seconds. */
  readonly retryAfter: number;
  /** Whether this is the first refusal of this process in this block. */
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

/** Most blocks that a process remembers; one that it forgets is found again in the store. */
const MAX_BLOCKS = 10_000;
/** Most pairs of client and address whose keys are cached, and the longest that is. */
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
  /** Keys that this process knows to be over their limit, until their count expires. */
  readonly #blocks = new LRUCache<string, { isReported: boolean }>({ max: MAX_BLOCKS });

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
      if (isFailedAttempt(error)) await this.#check(counted, true, name);
      throw error;
    }
    await this.#check(counted, false, name);
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
      const begins = !block.isReported;
      block.isReported = true;
      throw new AttemptsExceeded(
        kind,
        Math.max(1, Math.ceil(this.#blocks.getRemainingTTL(key) / 1_000)),
        begins,
        name,
      );
    }
  }

  /** The failure that reaches a limit still gets the ordinary answer; later attempts are refused. */
  async #check(counted: readonly Counted[], failed: boolean, name?: string): Promise<void> {
    const found = await Promise.all(
      counted.map(async ({ kind, key, limit }) =>
        failed ? this.#store.addFailure(kind, key, limit.seconds) : this.#store.failures(kind, key),
      ),
    );
    const over = counted.filter(({ key, limit }, index) => {
      const { count = 0, seconds = 0 } = found[index] ?? {};
      if (count < limit.failures) return false;
      if (!this.#blocks.has(key)) this.#blocks.set(key, { isReported: false }, { ttl: seconds * 1_000 });
      return !failed || count > limit.failures;
    });
    this.#refuseBlocked(over, name);
  }
}

function isFailedAttempt(error: unknown): boolean {
  return isWaybillError(error, 'invalid_client') && !(error instanceof OutdatedAssertion);
}

/** Of fixed length, and the store does not reveal what the client sent. */
function hashed(parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'hex');
}
