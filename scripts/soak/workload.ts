/** One part of the product under test, called again and again. */
import type { Mix } from './mixes.ts';
import type { Shop } from './shop.ts';

export interface Workload {
  readonly name: string;
  /** Makes everything new, so that no cache is full from another mix. */
  open(shop: Shop, mix: Mix): Promise<Run>;
}

export interface Run {
  /**
   * @param n the number of the request, from 0 on.
   * @throws TypeError if the answer is wrong.
   */
  next(n: number): Promise<void>;
}

/** Entries of each cache of the middleware: few enough to fill soon, more than the few repeated tokens. */
export const KEPT = 100;
