/** Imported into a command: when it ends, says on descriptor 3 what it took. */
import { writeSync } from 'node:fs';

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
  writeSync(3, JSON.stringify({ seconds: performance.now() / 1_000, cpuSeconds, peakBytes: maxRSS * 1_024 }));
});
