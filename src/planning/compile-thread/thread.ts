/** Runs in the thread: compiles, and sends a slice on each request. */
import { parentPort, workerData } from 'node:worker_threads';
import { compileGraph } from '../index.ts';
import { objectSlices } from './object-slices.ts';
import type { CompileTask, CompiledInThread } from './task.ts';

const { paths, ...options } = workerData as CompileTask;
const { plan, findings, leftOut } = compileGraph(paths, options);
const slices = objectSlices({ plan, findings, leftOut } satisfies CompiledInThread);
parentPort?.on('message', () => {
  const { value } = slices.next();
  if (value) parentPort?.postMessage(value, [value.kinds.buffer, value.members.buffer]);
});
