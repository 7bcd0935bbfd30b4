/** Compiles a graph in a separate thread, so that the process stays responsive. */
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { ObjectAssembly, type ObjectSlice } from './object-slices.ts';
import type { CompileTask, CompiledInThread } from './task.ts';

export type { CompiledInThread } from './task.ts';

/**
 * As `compileGraph`. The plan arrives in slices, each of which occupies this thread for a few milliseconds.
 *
 * @param signal ends the thread; then the promise rejects with the signal's reason.
 * @throws Error where the thread ends early, for example when memory runs out.
 */
export async function compileInThread(task: CompileTask, signal: AbortSignal): Promise<CompiledInThread> {
  signal.throwIfAborted();
  // The environment of an issuer has a secret for each party: to copy thousands of variables takes long.
  const worker = new Worker(new URL('thread.js', import.meta.url), { workerData: task, env: SHARE_ENV });
  try {
    return await handOver(worker, signal);
  } finally {
    await worker.terminate();
  }
}

function handOver(worker: Worker, signal: AbortSignal): Promise<CompiledInThread> {
  const assembly = new ObjectAssembly();
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`The thread that compiles has ended with code ${code}.`)));
    worker.on('message', (slice: ObjectSlice) => {
      // One at a time: between two of them this thread answers requests.
      if (!assembly.add(slice)) return worker.postMessage('next');
      signal.removeEventListener('abort', abort);
      resolve(assembly.root as CompiledInThread);
    });
    worker.postMessage('next');
  });
}
