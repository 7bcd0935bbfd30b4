/** The digest of a graph for people: enough to tell two graphs apart. JSON and metrics have all of it. */
import type { Plan } from '../../graph/index.ts';

const SHOWN = 12;

export function shortDigest({ digest }: Pick<Plan, 'digest'>): string {
  return digest.slice(0, SHOWN);
}
