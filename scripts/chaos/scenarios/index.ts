/** Every scenario, in the order of the table. */
import type { Scenario } from '../scenario.ts';
import { clockMoved, clockMovedInMemory } from './clocks.ts';
import { logDiskFull } from './full-log.ts';
import { issuersKilled, workersKilled } from './killed.ts';
import { overload } from './overload.ts';
import { reloads } from './reloads.ts';
import { shutdown } from './shutdown.ts';
import { storeHung, storeKilled } from './store-away.ts';
import { storeEvicting, storeFlushed } from './store-forgetting.ts';
import { storeFull, storeReadOnly } from './store-refusing.ts';

export const scenarios: readonly Scenario[] = [
  ...[workersKilled, issuersKilled],
  ...[storeKilled, storeHung, storeFull, storeReadOnly, storeFlushed, storeEvicting],
  ...[reloads, logDiskFull, overload, shutdown],
  ...[clockMoved, clockMovedInMemory],
];
