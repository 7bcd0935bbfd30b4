/** The thread that answers on the management port of a single process, however busy the main thread is. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ReadinessReport } from '../../../issuer/http/index.ts';
import { Questions } from './questions.ts';
import { Reports } from './reports.ts';
import { listenForManagement, type ManagementAddress } from './server.ts';

export type Listening = { readonly url: string } | { readonly failed: string };
/** From the thread: where it listens, and then the numbers of questions for metrics. */
export type FromThread = Listening | { readonly metricsAsked: number };
/** To the thread: the latest report, or an answer. */
export type ToThread =
  { readonly report: ReadinessReport } | { readonly metricsAsked: number; readonly metrics: string };

const reports = new Reports(false);
const questions = new Questions<string>();
parentPort?.on('message', (told: ToThread) => {
  if ('report' in told) reports.receive(0, told.report);
  else questions.answered(told.metricsAsked, told.metrics);
});
const metrics = () => questions.ask((metricsAsked) => tell({ metricsAsked }));
try {
  tell({ url: await listenForManagement({ reports, metrics }, workerData as ManagementAddress) });
} catch (error) {
  tell({ failed: (error as NodeJS.ErrnoException).code ?? 'unknown reason' });
}

function tell(told: FromThread): void {
  parentPort?.postMessage(told);
}
