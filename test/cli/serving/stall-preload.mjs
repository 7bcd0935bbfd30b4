/** Loaded before a program: SIGUSR2 holds its main thread for the milliseconds of TEST_STALL. */
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  const stall = () =>
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(process.env.TEST_STALL));
  process.on('SIGUSR2', stall);
}
