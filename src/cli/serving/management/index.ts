/** `serve --management-port`: probes and metrics. Probes are answered even while the issuer is too busy to answer them. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { type WaybillError, usageError } from '../../../errors.ts';
import type { ReadinessReport } from '../../../issuer/http/index.ts';
import { print } from '../../output/terminal.ts';
import { listenForManagement, type Management, type ManagementAddress } from './server.ts';
import type { FromThread, Listening, ToThread } from './thread.ts';

export { Questions } from './questions.ts';
export { Reporter } from './reporter.ts';
export { Reports } from './reports.ts';
export type { ManagementAddress } from './server.ts';

/**
 * For a single process: a thread answers from the latest report. It ends with the process and does not keep it alive.
 *
 * @param metrics the text of `/metrics`.
 * @returns what takes reports. @throws WaybillError `usage` where it cannot listen.
 */
export async function startManagement(
  address: ManagementAddress,
  log: Logger,
  metrics: () => Promise<string>,
): Promise<(report: ReadinessReport) => void> {
  const file = import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js';
  const thread = new Worker(new URL(file, import.meta.url), { workerData: address });
  const [listening] = (await once(thread, 'message')) as [Listening];
  thread.on('error', (error) => log.error({ err: error }, 'the management port no longer answers'));
  const tell = (told: ToThread): void => thread.postMessage(told);
  thread.on('message', (told: FromThread) => {
    if ('metricsAsked' in told) void metrics().then((text) => tell({ ...told, metrics: text }));
  });
  thread.unref(); // only now: a listener for messages keeps the process alive
  if ('failed' in listening) throw cannotListen(address, listening.failed);
  print(`management on ${listening.url}`);
  return (report) => tell({ report });
}

/**
 * For a supervisor, whose own event loop has little to do.
 *
 * @throws WaybillError `usage` where it cannot listen.
 */
export async function answerManagement(management: Management, address: ManagementAddress): Promise<void> {
  try {
    print(`management on ${await listenForManagement(management, address)}`);
  } catch (error) {
    throw cannotListen(address, (error as NodeJS.ErrnoException).code ?? 'unknown reason');
  }
}

function cannotListen({ host, port }: ManagementAddress, reason: string): WaybillError {
  return usageError(`Cannot listen on ${host}:${port} (${reason}). Choose another --management-port.`);
}
