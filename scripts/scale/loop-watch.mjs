/**
 * Loaded into the measured process (`--import`): reports to its parent how long its event loop was blocked. `delay` is
 * what timers see, including other processes on a busy machine. Linux reports what the main thread itself did: `busy` is
 * the longest processor time between two rounds of a timer, and `worst` describes the longest such round.
 */
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const ROUND_MS = 2;

const histogram = monitorEventLoopDelay({ resolution: 1 });
histogram.enable();
let busy = 0;
let worst;
let last = look();

/** In milliseconds: now, what the main thread has run so far, and how long it has waited for a processor. */
function look() {
  const at = performance.now();
  try {
    const text = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8');
    const [ran, waited] = text.split(' ').map((nanoseconds) => Number(nanoseconds) / 1e6);
    return { at, ran, waited };
  } catch {
    return undefined;
  }
}

setInterval(() => {
  const now = look();
  if (now && last) {
    const round = { took: now.at - last.at, ran: now.ran - last.ran, waited: now.waited - last.waited };
    busy = Math.max(busy, round.ran);
    if (!worst || round.took > worst.took) worst = round;
  }
  last = now;
}, ROUND_MS).unref();

process.on('message', (message) => {
  if (message !== 'read') return;
  process.send?.({ delay: histogram.max / 1e6, busy: last && busy, worst, cpu: process.cpuUsage() });
  histogram.reset();
  busy = 0;
  worst = undefined;
});
process.channel?.unref();
