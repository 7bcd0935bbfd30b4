/** What is put to the test: one side of the product, asked again and again. */
import type { Mix } from './mixes.ts';
import type { Shop } from './shop.ts';

export interface Workload {
  readonly name: string;
  /** Makes everything anew, so that no cache is full of what another mix has left. */
  open(shop: Shop, mix: Mix): Promise<Run>;
}

export interface Run {
  /**
   * @param n the number of the request, from 0 on.
   * @throws TypeError where it is answered otherwise than it should be.
   */
  next(n: number): Promise<void>;
}

/** Entries of each cache of the middleware: full soon, and more than few. */
export const KEPT = 100;
