/**
 * Loaded into a process that is measured (`--import`): tells whoever started it for how long its event loop stood still.
 * `delay` is what timers see, other processes on a busy machine included. `busy` is the processor time that the main
 * thread took between two rounds of a timer, which is its own doing alone; Linux tells it.
 */
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const ROUND_MS = 2;

const histogram = monitorEventLoopDelay({ resolution: 1 });
histogram.enable();
let busy = 0;
let last = ownTime();

/** Milliseconds of processor that the main thread has taken; undefined where the system does not tell. */
function ownTime() {
  try {
    const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
    return Number(nanoseconds) / 1e6;
  } catch {
    return undefined;
  }
}

setInterval(() => {
  const now = ownTime();
  if (now !== undefined && last !== undefined) busy = Math.max(busy, now - last);
  last = now;
}, ROUND_MS).unref();

process.on('message', (message) => {
  if (message !== 'read') return;
  process.send?.({
    delay: histogram.max / 1e6,
    busy: last === undefined ? undefined : busy,
    cpu: process.cpuUsage(),
  });
  histogram.reset();
  busy = 0;
});
process.channel?.unref();
