/** Clients that send one request after the other, each over a connection of its own, until they are stopped. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Account } from './account.ts';
import { Connections } from './connection.ts';
import type { Shopper } from './shopper.ts';
import { until } from './until.ts';

/** Between two requests of a client. */
const PAUSE_MS = 15;

type Work = (shopper: Shopper, lane: Connections) => Promise<unknown>;

const MIX: readonly Work[] = [
  (shopper, lane) => shopper.issue(lane),
  (shopper, lane) => shopper.issue(lane, 'browse order'),
  (shopper, lane) => shopper.useAssertion(lane),
  (shopper, lane) => shopper.issueAndRevoke(lane, 'ref'),
  (shopper, lane) => shopper.issueAndRevoke(lane, 'app'),
];

export class Load {
  readonly #account: Account;
  readonly #clients: readonly Promise<void>[];
  #isStopping = false;

  constructor(account: Account, shopper: Shopper) {
    this.#account = account;
    this.#clients = MIX.map((work) => this.#run(work, shopper));
  }

  /** Waits until the given number of further requests has ended. */
  async more(requests: number): Promise<void> {
    const enough = this.#account.ended + requests;
    await until(`${requests} more requests`, () => this.#account.ended >= enough);
  }

  /** Waits for requests that are under way. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#clients);
  }

  async #run(work: Work, shopper: Shopper): Promise<void> {
    const lane = new Connections();
    while (!this.#isStopping) {
      await work(shopper, lane);
      await pause(PAUSE_MS);
    }
    lane.close();
  }
}
