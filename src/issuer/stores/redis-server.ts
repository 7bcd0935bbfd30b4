/**
 * The server behind a Redis store. Each connection begins with a check whether the server may lose data or has lost some.
 * The last write tells whether it takes writes.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../clock.ts';
import type { Notify } from './events.ts';
import { storeHealth, type StoreHealth } from './health.ts';
import {
  isErrorReply,
  reasonOf,
  type RedisClient,
  type RedisConnection,
  type RedisConnectionOptions,
} from './redis-connection.ts';
import { CLOSED, RedisLink } from './redis-link.ts';
import { MARK_KEY, RedisMark } from './redis-mark.ts';
import { readEvicted, readReport, risksOf, type RedisReport } from './redis-report.ts';
import { MARK, type StoreState } from './store.ts';

type Command<Reply> = (client: RedisClient) => Promise<Reply>;
type Run = <Reply>(command: Command<Reply>) => Promise<Reply>;

/** Seconds to live of the key that a probe writes. */
const PROBE_SECONDS = 10;

export class RedisServer {
  readonly #notify: Notify;
  readonly #health: StoreHealth;
  readonly #mark: RedisMark;
  readonly link: RedisLink;
  /** Of the connection that answers, or of the last one that did. */
  #report: RedisReport | undefined;
  #risks: StoreState['risks'] = [];
  /** A server without risks is not reported. */
  #told: { readonly risks: StoreState['risks']; readonly policy: string | undefined } = {
    risks: [],
    policy: undefined,
  };
  #isClosed = false;

  constructor(options: RedisConnectionOptions, notify: Notify, clock: Clock) {
    this.#notify = notify;
    this.#health = storeHealth(notify);
    this.#mark = new RedisMark(clock, notify);
    const greet = async (connection: RedisConnection): Promise<string | undefined> => this.#greet(connection);
    const onLost = (reason: string): void => this.#health.failed(reason);
    this.link = new RedisLink({ ...options, greet, onLost });
  }

  get marksSince(): number {
    return this.#mark.since;
  }

  get state(): StoreState {
    return { lost: this.#isClosed ? CLOSED : this.#health.reason, risks: this.#risks };
  }

  async write<Reply>(command: Command<Reply>): Promise<Reply> {
    return this.#write((each) => this.link.run(each), command);
  }

  /**
   * Marks a key as used, then compares the server's mark (`redis-mark.ts`).
   *
   * @param set resolves to null if the key is marked already.
   */
  async markOnce(set: Command<string | null>): Promise<boolean> {
    const { greeted } = this.link;
    // A server that evicts may keep the mark and drop other keys, so its counter, if available, is read each time.
    const evicts = this.#risks.includes('evicts') && this.#report?.evicted !== undefined;
    const [reply, mark, evicted] = await this.write(async (client) =>
      Promise.all([set(client), client.get(MARK_KEY), evicts ? readEvicted(client) : undefined]),
    );
    await greeted;
    await this.#mark.check(mark, { run: this.#report?.run, evicted }, (each) => this.link.run(each));
    return reply !== null;
  }

  /** A write, because a server that answers may still refuse writes: a replica, a full one, one whose disk fails. */
  async probe(): Promise<void> {
    await this.link.settled();
    await this.write(writeProbe);
  }

  close(): void {
    this.#isClosed = true;
    this.link.close();
  }

  async #write<Reply>(run: Run, command: Command<Reply>): Promise<Reply> {
    return run(async (client) => {
      try {
        const reply = await command(client);
        this.#health.succeeded();
        return reply;
      } catch (error) {
        if (isErrorReply(error)) this.#health.failed(reasonOf(error));
        throw error;
      }
    });
  }

  #tell(risks: StoreState['risks'], policy: string | undefined): void {
    const told = { risks, policy };
    if (isDeepStrictEqual(told, this.#told)) return;
    this.#told = told;
    this.#notify({ type: 'risks', ...told });
  }

  /** @returns why the server must not be used; undefined: it may. */
  async #greet(connection: RedisConnection): Promise<string | undefined> {
    const report = await readReport((command) => connection.ask(command));
    const risks = risksOf(report);
    [this.#report, this.#risks] = [report, risks];
    if (risks.includes('cluster')) return 'cluster_enabled, which is not supported';
    const run: Run = (command) => connection.run(command);
    const mark = await run((client) => client.get(MARK_KEY));
    await this.#write(run, async () => this.#mark.check(mark, report, run));
    await this.#write(run, writeProbe);
    this.#tell(risks, risks.includes('evicts') ? report.policy : undefined);
    return undefined;
  }
}

async function writeProbe(client: RedisClient): Promise<unknown> {
  return client.set('waybill:ready', MARK, { expiration: { type: 'EX', value: PROBE_SECONDS } });
}
