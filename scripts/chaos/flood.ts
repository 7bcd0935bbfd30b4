/** Sends requests at a rate that does not depend on the answers, as many clients together do. */
import { setTimeout as pause } from 'node:timers/promises';
import { Connections } from './connection.ts';
import type { Shopper } from './shopper.ts';

const TICK_MS = 10;
/** Open connections. More clients than this would be refused by limits on open files first. */
const MOST = 5_000;
/** One in this many trees is verified whole: verifying costs as much as issuing. */
const SAMPLE = 25;
/** Requests at a time while the capacity is measured. */
const AT_ONCE = 8;

/** @returns large trees a second, with enough clients to keep the issuer busy. */
export async function capacityOf(shopper: Shopper, requests: number): Promise<number> {
  let left = requests;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const lane = new Connections();
      while (left > 0) {
        left -= 1;
        await shopper.issueBulk(lane, left % SAMPLE === 0);
      }
      lane.close();
    }),
  );
  return (requests * 1_000) / (performance.now() - started);
}

export class Flood {
  /** Requests a second; may be changed at any time. */
  rate: number;
  readonly #shopper: Shopper;
  readonly #lane = new Connections(MOST);
  readonly #open = new Set<Promise<unknown>>();
  readonly #running: Promise<void>;
  #isStopping = false;

  /** Starts at once. */
  constructor(shopper: Shopper, rate: number) {
    this.#shopper = shopper;
    this.rate = rate;
    this.#running = this.#run();
  }

  /** Every answer is waited for. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    await Promise.all(this.#open);
    this.#lane.close();
  }

  async #run(): Promise<void> {
    let [last, due, sent] = [performance.now(), 0, 0];
    while (!this.#isStopping) {
      const now = performance.now();
      due += ((now - last) * this.rate) / 1_000;
      last = now;
      for (; due >= 1; due -= 1) {
        sent += 1;
        const request = this.#shopper.issueBulk(this.#lane, sent % SAMPLE === 0);
        this.#open.add(request);
        void request.finally(() => this.#open.delete(request));
      }
      await pause(TICK_MS);
    }
  }
}
