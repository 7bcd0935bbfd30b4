/**
 * One connection to Redis: opened once, lost once, never opened again.
 *
 * The client library reconnects by itself but waits without limit for the answer to a sign-in or a command. So its
 * reconnecting is off, a connection that misses a deadline is closed, and `redis-link.ts` opens the next one.
 */
import { createRequire } from 'node:module';
import type { ConnectionOptions } from 'node:tls';
import type * as RedisLibrary from '@redis/client';
import { DeadlineMissed, within } from './deadline.ts';
import type { RedisAddress } from './redis-address.ts';

/** Four hundred files, loaded only if the state is in Redis. */
const library = (): typeof RedisLibrary =>
  createRequire(import.meta.url)('@redis/client') as typeof RedisLibrary;

export type RedisTls = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'>;

export interface RedisConnectionOptions {
  readonly address: RedisAddress;
  /** Ignored for an address without TLS. */
  readonly tls: RedisTls;
  /** Milliseconds until a command must have its answer. */
  readonly deadline: number;
  /** Milliseconds for reaching the server and signing in. */
  readonly connectDeadline: number;
  /** Most commands that wait for their answer at a time. */
  readonly maxPending: number;
}

/** Without modules, functions and scripts, and so narrower than the library's `RedisClientType`. */
export type RedisClient = ReturnType<typeof makeClient>;

export class RedisConnection {
  readonly #client: RedisClient;
  readonly #options: RedisConnectionOptions;
  readonly #abort = new AbortController();
  readonly #onLost: (reason: string) => void;

  /** @param onLost is called once, when the connection is lost or could not be opened. */
  constructor(options: RedisConnectionOptions, onLost: (reason: string) => void) {
    this.#options = options;
    this.#onLost = onLost;
    this.#client = makeClient(options, this.#abort.signal);
    // Without a listener an error event would end the process.
    this.#client.on('error', (error: unknown) => {
      this.end(reasonOf(error));
      if (this.#client.isOpen) this.#client.destroy();
    });
  }

  /** @returns whether the server accepts the sign-in and answers. */
  async open(): Promise<boolean> {
    try {
      await within(this.#options.connectDeadline, this.#signIn(), this.#abort.signal);
      return !this.#abort.signal.aborted;
    } catch (error) {
      this.end(reasonOf(error));
      return false;
    }
  }

  /**
   * @throws the error of the command; `reasonOf` gives the part that may be reported. A missed deadline closes the
   *   connection: answers come in the order of the commands, so all later ones would wait too.
   */
  async run<Reply>(command: (client: RedisClient) => Promise<Reply>): Promise<Reply> {
    try {
      return await within(this.#options.deadline, command(this.#client));
    } catch (error) {
      // After a failover this server is a replica; the next connection may lead to the new primary.
      const isReplica = isErrorReply(error) && error.message.startsWith('READONLY');
      if (error instanceof DeadlineMissed || isReplica) this.end(reasonOf(error));
      throw error;
    }
  }

  /** As `run`, for optional commands: undefined if the server refuses or does not answer. The connection is kept. */
  async ask<Reply>(command: (client: RedisClient) => Promise<Reply>): Promise<Reply | undefined> {
    try {
      return await within(this.#options.deadline, command(this.#client));
    } catch {
      return undefined;
    }
  }

  /** Fails all pending commands and frees the socket, whatever its state. */
  end(reason: string): void {
    if (this.#abort.signal.aborted) return;
    // Reaches a socket that is still being connected, too; the library's `destroy` does not.
    this.#abort.abort();
    this.#onLost(reason);
  }

  async #signIn(): Promise<void> {
    await this.#client.connect();
    // A server that wants a password, or is still loading its data, refuses this.
    await this.#client.ping();
  }
}

/** Without the server's text: Redis may repeat a command in it, with the password or a grant. */
export function reasonOf(error: unknown): string {
  if (isErrorReply(error)) {
    return `the server answered ${/^[A-Z]{1,32}(?= )/.exec(error.message)?.[0] ?? 'with an error'}`;
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : 'failed';
}

/** Whether the server answered with an error. */
export function isErrorReply(error: unknown): error is RedisLibrary.ErrorReply {
  return error instanceof library().ErrorReply;
}

function makeClient(options: RedisConnectionOptions, signal: AbortSignal) {
  const { address, tls, connectDeadline, maxPending } = options;
  const socket = {
    host: address.host,
    port: address.port,
    signal,
    connectTimeout: connectDeadline,
    // Never reached: an error ends the client before it could try again.
    reconnectStrategy: 0,
  };
  return library().createClient({
    socket: address.tls ? { ...socket, ...tls, tls: true } : socket,
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    database: address.database,
    disableOfflineQueue: true,
    commandsQueueMaxLength: maxPending,
    disableClientInfo: true,
    maintNotifications: 'disabled',
  });
}
