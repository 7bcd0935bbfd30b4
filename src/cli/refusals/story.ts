/** The way of one transaction through issuer and services, out of their logs; or the last refusals of all. */
import { EventReader, type RequestEvent } from './event.ts';
import { LogReader } from './log-lines.ts';

/** Events that are kept; a transaction has a few for each token. */
const MOST_EVENTS = 10_000;

export interface Story {
  /** In the order of time; events without one stand where their file has them, after the others. */
  readonly events: readonly RequestEvent[];
  /** Events that fit and were not kept. */
  readonly dropped: number;
  readonly read: { readonly lines: number; readonly others: number; readonly tooLong: number };
}

/**
 * @param txn undefined: refusals and reports of every transaction, the newest last.
 * @throws WaybillError `usage` if a file cannot be read.
 */
export async function readStory(files: readonly string[], txn: string | undefined): Promise<Story> {
  const reader = new LogReader();
  const events: RequestEvent[] = [];
  let dropped = 0;
  for (const file of files) {
    const lines = new EventReader();
    for await (const line of reader.read(file)) {
      const event = lines.read(line);
      if (!event || !(txn === undefined ? isRefusal(event) : event.txn === txn)) continue;
      events.push(event);
      if (events.length > MOST_EVENTS) {
        events.shift();
        dropped++;
      }
    }
  }
  events.sort((one, other) => (one.time ?? Infinity) - (other.time ?? Infinity) || 0);
  const { lines, others, tooLong } = reader;
  return { events, dropped, read: { lines, others, tooLong } };
}

export function isRefusal({ what }: RequestEvent): boolean {
  return what === 'refused' || what === 'reported';
}
