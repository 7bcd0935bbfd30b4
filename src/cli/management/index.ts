/** `serve --management-port`: probes that are answered while the issuer itself is too busy to. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { WaybillError } from '../../index.ts';
import { REPORT_MS, Reports, type Report } from './reports.ts';
import { listenForProbes, type ManagementAddress } from './server.ts';
import type { Listening } from './thread.ts';

export { Reports, type Report } from './reports.ts';
export type { ManagementAddress } from './server.ts';

export interface Management {
  readonly url: string;
  receive(report: Report): void;
}

/**
 * A thread that answers from what it was told last. It ends with the process, and keeps it from ending no longer.
 *
 * @param failed told of an error that has ended the thread.
 * @throws WaybillError `usage` where it cannot listen.
 */
export async function startManagementThread(
  address: ManagementAddress,
  failed: (error: unknown) => void,
): Promise<Management> {
  const file = import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js';
  const thread = new Worker(new URL(file, import.meta.url), { workerData: address });
  const [listening] = (await once(thread, 'message')) as [Listening];
  thread.unref();
  thread.on('error', failed);
  if ('failed' in listening) throw cannotListen(address, listening.failed);
  return { url: listening.url, receive: (report) => thread.postMessage(report) };
}

/**
 * For a supervisor, whose own event loop has little to do.
 *
 * @returns the URL. @throws WaybillError `usage` where it cannot listen.
 */
export async function answerProbes(reports: Reports, address: ManagementAddress): Promise<string> {
  try {
    return await listenForProbes(reports, address);
  } catch (error) {
    throw cannotListen(address, (error as NodeJS.ErrnoException).code ?? 'unknown reason');
  }
}

function cannotListen({ host, port }: ManagementAddress, reason: string): WaybillError {
  return new WaybillError(
    'usage',
    `${host}:${port} cannot be listened on (${reason}). Choose another --management-port.`,
  );
}

/** Reports twice a second: that the event loop turns, and what is ready. */
export class Reporter {
  readonly #readiness: () => Promise<Report>;
  readonly #send: (report: Report) => void;
  #latest: Report = { status: 'starting', details: {} };
  #isLooking = false;
  #isFinished = false;

  /** @param readiness may take its time: meanwhile the last one is reported again. */
  constructor(readiness: () => Promise<Report>, send: (report: Report) => void) {
    this.#readiness = readiness;
    this.#send = send;
    setInterval(() => this.#report(), REPORT_MS).unref();
    this.#report();
  }

  /** The last report: nothing that is still being looked at changes it. */
  finish(report: Report): void {
    this.#isFinished = true;
    this.#latest = report;
    this.#report();
  }

  #report(): void {
    this.#send(this.#latest);
    if (!this.#isLooking && !this.#isFinished) void this.#look();
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    const found = await this.#readiness().catch((): Report => ({ status: 'unknown', details: {} }));
    this.#isLooking = false;
    if (this.#isFinished) return;
    this.#latest = found;
    this.#send(found);
  }
}
