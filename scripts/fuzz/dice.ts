/** Choices that a seed determines. fast-check draws them, so they are as evenly distributed as its generators. */
import fc from 'fast-check';

export interface Dice {
  /** A whole number from 0 to below the bound. */
  readonly below: (limit: number) => number;
  readonly pick: <Item>(items: readonly Item[]) => Item;
  /** True with the chance of one in the given number. */
  readonly oneIn: (times: number) => boolean;
  readonly bytes: (count: number) => Buffer;
}

const draws = (): fc.Arbitrary<number> => fc.noBias(fc.nat());

/** The choices for one input: the same for the same seed, target and number, whatever ran before. */
export function diceFor(seed: number, target: string, index: number): Dice {
  const own = fc.hash(`${seed} ${target} ${index}`) | 0;
  const [draw] = fc.sample(fc.gen(), { seed: own, numRuns: 1 });
  if (draw === undefined) throw new TypeError('fast-check drew nothing');
  const below = (limit: number): number => draw(draws) % limit;
  return {
    below,
    pick(items) {
      if (items.length === 0) throw new TypeError('there is nothing to choose from');
      return items[below(items.length)]!;
    },
    oneIn: (times) => below(times) === 0,
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => below(256))),
  };
}

/** Choices that bytes determine, one or two for each; where they end, every choice is the first. So fewer bytes change less. */
export function diceOf(bytes: Uint8Array): Dice {
  let at = 0;
  const next = (): number => bytes[at++] ?? 0;
  const below = (limit: number): number => (limit <= 256 ? next() : next() * 256 + next()) % limit;
  return {
    below,
    pick(items) {
      if (items.length === 0) throw new TypeError('there is nothing to choose from');
      return items[below(items.length)]!;
    },
    oneIn: (times) => below(times) === times - 1,
    bytes: (count) => Buffer.from(Array.from({ length: count }, next)),
  };
}
