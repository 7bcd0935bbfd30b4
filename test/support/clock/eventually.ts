import { setTimeout as pause } from 'node:timers/promises';

/** Polls until `condition` holds, at most for `seconds`. */
export async function eventually(
  seconds: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`did not come about within ${seconds} s`);
    await pause(20);
  }
}
