/** How much of the heap is in use, and by how much it grew. */

export const MIB = 2 ** 20;

/** Bytes of heap and buffers after a full collection; what is finalised after one gets the chance to. */
export async function usedBytes(): Promise<number> {
  if (!globalThis.gc) throw new TypeError('start node with --expose-gc');
  for (let time = 0; time < 2; time += 1) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** From the minimum to the end, so that garbage at the beginning hides no slow leak. */
export function growthOf(samples: readonly number[]): number {
  return (samples.at(-1) ?? 0) - Math.min(...samples);
}
