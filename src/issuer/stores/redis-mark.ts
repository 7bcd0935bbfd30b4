/**
 * Knows since when Redis has lost nothing: by a key without expiry, `waybill:mark`, which holds its creation time.
 *
 * If it is gone, or the server has restarted or evicted keys and may not have kept all, data may be lost and the mark is
 * made again. Marks of used assertions from before that second may be gone, so callers must refuse what was made before it.
 *
 * The order of commands matters: first a key is marked as used, then the mark is read. A server that forgot the key before
 * that shows no mark, or a younger one.
 */
import type { Clock } from '../../clock.ts';
import { attempt } from '../../input/attempt.ts';
import type { LossSign, Notify } from './events.ts';
import type { RedisClient } from './redis-connection.ts';
import type { RedisReport } from './redis-report.ts';

export const MARK_KEY = 'waybill:mark';

interface Mark {
  /** Seconds since the epoch: the first whole second after it was made. */
  readonly since: number;
  /** Of the server that held it last. */
  readonly run?: string | undefined;
  readonly evicted?: number | undefined;
}

/** The server's report: complete at a new connection, later only its id and perhaps its evictions. */
type MarkReport = Partial<RedisReport>;

type Run = <Reply>(command: (client: RedisClient) => Promise<Reply>) => Promise<Reply>;

export class RedisMark {
  readonly #clock: Clock;
  readonly #notify: Notify;
  #known: Mark | undefined;
  #knownText: string | null = null;
  /** Serialises checks that may change the mark. */
  #turn: Promise<void> = Promise.resolve();

  constructor(clock: Clock, notify: Notify) {
    this.#clock = clock;
    this.#notify = notify;
  }

  /** Infinity until the mark was read once. */
  get since(): number {
    return this.#known?.since ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Compares the mark with what this process knows and with the server's report; makes a new mark if data may be lost.
   *
   * @param text the mark as it was read; null where there is none.
   * @param report of the server that holds it. Missing members count as unchanged.
   */
  async check(text: string | null, report: MarkReport, run: Run): Promise<void> {
    const { evicted = this.#known?.evicted, run: server = this.#known?.run } = report;
    const isKnown = this.#known?.evicted === evicted && this.#known?.run === server;
    if (isKnown && text !== null && text === this.#knownText) return;
    const look = this.#turn.then(() => this.#look(report, run));
    this.#turn = look.catch(() => undefined);
    await look;
  }

  /** Reads it again: an earlier look in the same process may have made it. */
  async #look(report: MarkReport, run: Run): Promise<void> {
    const text = await run((client) => client.get(MARK_KEY));
    const found = readMark(text);
    const sign = this.#signOfLoss(found, report);
    if (found && !sign) return this.#adopt(found, text, report, run);
    const since = await this.#renew(text, report, run);
    this.#notify(sign ? { type: 'forgot', sign, since } : { type: 'empty', since });
  }

  /** If there was none and another process makes one at the same moment, that one counts for both. */
  async #renew(replaced: string | null, report: MarkReport, run: Run): Promise<number> {
    const mark = { since: this.#clock() + 1, run: report.run, evicted: report.evicted };
    if (replaced !== null) {
      await this.#write(mark, run);
      return mark.since;
    }
    await run((client) => client.set(MARK_KEY, JSON.stringify(mark), { condition: 'NX' }));
    const text = await run((client) => client.get(MARK_KEY));
    const made = readMark(text) ?? mark;
    const least = Math.max(made.since, this.#known?.since ?? 0);
    if (made.since < least) await this.#write({ ...made, since: least }, run);
    else [this.#known, this.#knownText] = [made, text];
    return least;
  }

  #signOfLoss(found: Mark | undefined, report: MarkReport): LossSign | undefined {
    const known = this.#known;
    if (!found) return known ? 'mark_gone' : undefined;
    if (known && found.since < known.since) return 'older_data';
    const isSameServer = report.run === undefined || found.run === undefined || found.run === report.run;
    if (!isSameServer && (report.appendOnly !== true || report.promoted === true)) return 'restarted';
    const evicted = isSameServer ? (found.evicted ?? report.evicted) : 0;
    return report.evicted === undefined || report.evicted === evicted ? undefined : 'evicted';
  }

  async #adopt(found: Mark, text: string | null, report: MarkReport, run: Run): Promise<void> {
    const before = this.#known;
    const { run: server = found.run, evicted = found.evicted } = report;
    if (found.run === server && found.evicted === evicted) [this.#known, this.#knownText] = [found, text];
    else await this.#write({ since: found.since, run: server, evicted }, run);
    if (before && found.since > before.since)
      this.#notify({ type: 'forgot', sign: 'seen_by_peer', since: found.since });
  }

  async #write(mark: Mark, run: Run): Promise<void> {
    const text = JSON.stringify(mark);
    await run((client) => client.set(MARK_KEY, text));
    [this.#known, this.#knownText] = [mark, text];
  }
}

/** An invalid mark counts as none. */
function readMark(text: string | null): Mark | undefined {
  const { since, run, evicted } = (attempt<unknown>(() => JSON.parse(text ?? '')) ?? {}) as Partial<Mark>;
  if (typeof since !== 'number' || !Number.isFinite(since)) return undefined;
  return {
    since,
    run: typeof run === 'string' ? run : undefined,
    evicted: typeof evicted === 'number' ? evicted : undefined,
  };
}
