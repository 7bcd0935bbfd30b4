/** `serve --management-port`: probes that are answered even while the issuer is too busy to answer them. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { type WaybillError, usageError } from '../../../errors.ts';
import type { ReadinessReport } from '../../../issuer/http/index.ts';
import type { Reports } from './reports.ts';
import { print } from '../../output/terminal.ts';
import { listenForProbes, type ManagementAddress } from './server.ts';
import type { Listening } from './thread.ts';

export { Reporter } from './reporter.ts';
export { Reports } from './reports.ts';
export type { ManagementAddress } from './server.ts';

/**
 * For a single process: a thread answers from the latest report. It ends with the process and does not keep it alive.
 *
 * @returns what takes reports; undefined where no address is given. @throws WaybillError `usage` where it cannot listen.
 */
export async function startManagement(
  address: ManagementAddress | undefined,
  log: Logger,
): Promise<((report: ReadinessReport) => void) | undefined> {
  if (!address) return undefined;
  const file = import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js';
  const thread = new Worker(new URL(file, import.meta.url), { workerData: address });
  const [listening] = (await once(thread, 'message')) as [Listening];
  thread.unref();
  thread.on('error', (error) => log.error({ err: error }, 'the management port no longer answers'));
  if ('failed' in listening) throw cannotListen(address, listening.failed);
  print(`management on ${listening.url}`);
  return (report) => thread.postMessage(report);
}

/**
 * For a supervisor, whose own event loop has little to do.
 *
 * @throws WaybillError `usage` where it cannot listen.
 */
export async function answerProbes(reports: Reports, address: ManagementAddress): Promise<void> {
  try {
    print(`management on ${await listenForProbes(reports, address)}`);
  } catch (error) {
    throw cannotListen(address, (error as NodeJS.ErrnoException).code ?? 'unknown reason');
  }
}

function cannotListen({ host, port }: ManagementAddress, reason: string): WaybillError {
  return usageError(`Cannot listen on ${host}:${port} (${reason}). Choose another --management-port.`);
}
