/** How much of the heap something keeps. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of heap and buffers in use, after a full collection. What is finalised later gets the chance to. */
export async function usedBytes(): Promise<number> {
  for (let time = 0; time < 2; time += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * @param fill is called twice: what the first call leaves, code and keys, is not counted.
 * @returns the bytes that the heap has more while what it returned is alive.
 */
export async function heldBytes(fill: () => Promise<unknown>): Promise<number> {
  await fill();
  const before = await usedBytes();
  const alive = await fill();
  const after = await usedBytes();
  return alive === undefined ? Number.NaN : after - before;
}

/** The same text as a piece of a large one, as a parser cuts it out of what it received. */
export function pieceOf(large: number, text: string): string {
  const whole = Buffer.from(`${'.'.repeat(large)}${text}`).toString('latin1');
  return whole.slice(large);
}
