/** Waits for a condition, for longer than it takes on a slow and busy machine. */
import { setTimeout as pause } from 'node:timers/promises';

const LOOK_MS = 20;
const PATIENCE_MS = 90_000;

/** A promise is not kept, or an injection has no effect; the message is for people. */
export class ChaosFailed extends Error {}

/** @returns the first result of `look` but false and undefined. @throws ChaosFailed after `patience` milliseconds. */
export async function until<Seen>(
  what: string,
  look: () => Promise<Seen | undefined | false> | Seen | undefined | false,
  patience = PATIENCE_MS,
): Promise<Seen> {
  const deadline = performance.now() + patience;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadline)
      throw new ChaosFailed(`${what}: not seen in ${Math.round(patience / 1000)} seconds`);
    await pause(LOOK_MS);
  }
}
