/** The thread that answers on the management port of a single process, however busy the main thread is. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ReadinessReport } from '../../../issuer/http/index.ts';
import { Reports } from './reports.ts';
import { listenForProbes, type ManagementAddress } from './server.ts';

export type Listening = { readonly url: string } | { readonly failed: string };

const reports = new Reports(false);
parentPort?.on('message', (report: ReadinessReport) => reports.receive(0, report));
try {
  tell({ url: await listenForProbes(reports, workerData as ManagementAddress) });
} catch (error) {
  tell({ failed: (error as NodeJS.ErrnoException).code ?? 'unknown reason' });
}

function tell(listening: Listening): void {
  parentPort?.postMessage(listening);
}
