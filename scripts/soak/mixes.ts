/** The order of the inputs: few that repeat often, many that repeat rarely, and both in turns. */

export type Mix = 'few' | 'many' | 'both';

export const MIXES: readonly Mix[] = ['few', 'many', 'both'];

/** Fewer than any cache keeps. */
const FEW = 20;
/** In the mix of both, one in this many is one of the few. */
const TURN = 4;

/**
 * @param n the number of the request, from 0 on.
 * @param inputs how many there are: more than any cache keeps, so that a repeated one was evicted meanwhile.
 * @returns the index of the input.
 */
export function pick(mix: Mix, n: number, inputs: number): number {
  const isFew = mix === 'few' || (mix === 'both' && n % TURN === 0);
  return isFew ? n % FEW : n % inputs;
}
