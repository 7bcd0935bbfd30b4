/** Keeps one connection to Redis: whenever it is lost, the next is opened after a pause. */
import { randomInt } from 'node:crypto';
import { WaybillError } from '../../errors.ts';
import {
  RedisConnection,
  reasonOf,
  type RedisClient,
  type RedisConnectionOptions,
} from './redis-connection.ts';

/** Milliseconds before the first attempt to reconnect; each further one waits twice as long. */
const FIRST_PAUSE = 50;
/** Milliseconds. After a connection that lasted this long, the pauses start again with the first. */
const LONGEST_PAUSE = 2_000;

/** The reason why a closed store refuses. */
export const CLOSED = 'the store is closed';

export interface LinkOptions extends RedisConnectionOptions {
  /**
   * Called when a connection is open. Its commands are sent before any other.
   *
   * @returns why this server must not be used; undefined: it may.
   */
  readonly greet: (connection: RedisConnection) => Promise<string | undefined>;
  /** Called whenever a connection is lost or could not be opened. */
  readonly onLost: (reason: string) => void;
}

export class RedisLink {
  readonly #options: LinkOptions;
  #latest: RedisConnection;
  /** Whether `#latest` answers, once that is known. Commands are run only while it does. */
  #opened: Promise<boolean>;
  #greeted: Promise<void> = Promise.resolve();
  #isUp = false;
  #isClosed = false;
  /** Why there is no connection. */
  #reason = 'not connected yet';
  /** Attempts since a connection held. */
  #failures = 0;
  /** Runs out with the pause before the next attempt, or when the connection has held. */
  #timer: NodeJS.Timeout | undefined;

  /** Starts connecting at once. */
  constructor(options: LinkOptions) {
    this.#options = options;
    [this.#latest, this.#opened] = this.#connect();
  }

  /** Fails at once without a connection: nothing is queued. */
  async run<Reply>(command: (client: RedisClient) => Promise<Reply>): Promise<Reply> {
    if (!this.#isUp) throw this.#unavailable(this.#reason);
    try {
      return await this.#latest.run(command);
    } catch (error) {
      throw this.#unavailable(reasonOf(error));
    }
  }

  /** Resolves when the latest connection that was opened is greeted. Never rejects. */
  get greeted(): Promise<void> {
    return this.#greeted;
  }

  /** Waits for an attempt to connect that is under way, and for its greeting. Never throws. */
  async settled(): Promise<void> {
    await this.#opened;
    await this.#greeted;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#lost(CLOSED);
    this.#latest.end(CLOSED);
  }

  #connect(): [RedisConnection, Promise<boolean>] {
    const connection = new RedisConnection(this.#options, (reason) => this.#lost(reason));
    const opened = connection.open().then((open) => {
      if (open) this.#up(connection);
      return open;
    });
    return [connection, opened];
  }

  #up(connection: RedisConnection): void {
    this.#isUp = true;
    this.#timer = setTimeout(() => (this.#failures = 0), LONGEST_PAUSE).unref();
    this.#greeted = this.#greet(connection);
  }

  async #greet(connection: RedisConnection): Promise<void> {
    try {
      const refused = await this.#options.greet(connection);
      if (refused !== undefined) connection.end(refused);
    } catch {
      // The lost connection, or the refused write, was reported already.
    }
  }

  #lost(reason: string): void {
    clearTimeout(this.#timer);
    this.#isUp = false;
    if (this.#isClosed) {
      this.#reason = CLOSED;
      return;
    }
    this.#reason = reason;
    this.#options.onLost(reason);
    const pause = Math.min(FIRST_PAUSE * 2 ** this.#failures, LONGEST_PAUSE);
    this.#failures += 1;
    // Spread out, so that many processes do not come back to a restarted server in the same instant.
    this.#timer = setTimeout(
      () => ([this.#latest, this.#opened] = this.#connect()),
      randomInt(pause / 2, pause),
    );
  }

  #unavailable(reason: string): WaybillError<'store_unavailable'> {
    const { host, port } = this.#options.address;
    return new WaybillError('store_unavailable', 'The issuer cannot reach its store. Try again later.', {
      detail: `redis at ${host}:${port}: ${reason}`,
    });
  }
}
