/** In which order inputs come: few that come often, many that come again after long, and both in turns. */

export type Mix = 'few' | 'many' | 'both';

export const MIXES: readonly Mix[] = ['few', 'many', 'both'];

/** Fewer than any cache keeps. */
const FEW = 20;
/** Of both, one in so many is one of the few. */
const TURN = 4;

/**
 * @param n the number of the request, from 0 on.
 * @param inputs how many there are: more than any cache keeps, so that one that comes again was forgotten meanwhile.
 * @returns which of them comes.
 */
export function pick(mix: Mix, n: number, inputs: number): number {
  const isFew = mix === 'few' || (mix === 'both' && n % TURN === 0);
  return isFew ? n % FEW : n % inputs;
}
