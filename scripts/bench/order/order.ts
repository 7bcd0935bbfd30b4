/**
 * Part 4: an order at Online Boutique through real servers, from the request for a token to the shop's answer.
 * Its calls are made one after the other, by nine services, each a process.
 *
 * Every order has a token of its own, so that no cache has seen it: this is what the first request of a session takes.
 * Who exchanges at every hop fetches the token of each callee once in an order. Calls are plain HTTP with `caller: none`:
 * TLS costs the same whatever the token is, and would hide the difference.
 *
 * CPU is that of all services and issuers. The client, in this process, is not in it; orders come one by one.
 */
import { endAll } from '../../demo/processes.ts';
import { addressOf } from '../../demo/programs/operations.ts';
import { CLIENT } from '../boutique.ts';
import type { Figure, Measured, Part, Ratio } from '../part.ts';
import { quantile, quotients, spreadOf } from '../spread.ts';
import { takeTurns } from '../turns.ts';
import { SCOPE, STRATEGIES, type Strategy } from './strategies.ts';
import { ORDER, openWorld, type World } from './world.ts';

/** A turn is longer than elsewhere: it must show its slowest hundredth. */
const LONGER = 4;
const WARM_UP = 2;

interface Turn {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds of CPU for an order. */
  readonly cpu: number;
}

export const order: Part = {
  name: 'order',
  title: 'An order through nine services',
  async run(options) {
    try {
      const world = await openWorld(options);
      const ms = LONGER * options.ms;
      const issued = new Map<string, number>();
      for (const strategy of STRATEGIES) {
        options.tell(`warming up: ${strategy.says}`);
        await turn(strategy, world, WARM_UP * ms);
        issued.set(strategy.name, await issuedIn(strategy, world));
      }
      const turns = await takeTurns(STRATEGIES, options, (strategy) => turn(strategy, world, ms));
      return measured(turns, issued, world.calls);
    } finally {
      await endAll();
    }
  },
};

/** @param ms of CPU of all servers. */
async function turn(strategy: Strategy, world: World, ms: number): Promise<Turn> {
  const before = world.processorTime();
  const times: number[] = [];
  let spent = 0;
  while (spent < ms * 1_000) {
    const started = performance.now();
    await placeOrder(strategy, world);
    times.push(performance.now() - started);
    spent = world.processorTime() - before;
  }
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), cpu: spent / 1_000 / times.length };
}

/** Token requests that one order brings about, as the issuer logs them. */
async function issuedIn(strategy: Strategy, world: World): Promise<number> {
  const issuer = world.issuers[strategy.graph];
  const lines = (): number => issuer.log().split('"msg":"issued"').length;
  const before = lines();
  await placeOrder(strategy, world);
  return lines() - before;
}

/** @throws TypeError where anything is refused. */
async function placeOrder({ name, graph, encoding }: Strategy, world: World): Promise<void> {
  const asked = await fetch(`${world.issuers[graph].url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${CLIENT}:${world.secret}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: SCOPE,
      ...(encoding && { encoding }),
    }),
  });
  const { access_token: token } = (await answered(asked)) as { access_token: string };
  const { method, url } = addressOf(`${world.entry}/${name}`, ORDER);
  await answered(await fetch(url, { method, headers: { authorization: `Bearer ${token}` } }));
}

async function answered(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!response.ok) throw new TypeError(`${response.url} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

function measured(
  turns: ReadonlyMap<string, readonly Turn[]>,
  issued: ReadonlyMap<string, number>,
  calls: number,
): Measured {
  const of = (name: string, what: keyof Turn): number[] => (turns.get(name) ?? []).map((one) => one[what]);
  const ratio = (what: keyof Turn, says: string, these: string, those: string, atMost?: number): Ratio => ({
    name: `${says}: ${textOf(these)} / ${textOf(those)}`,
    ...(atMost !== undefined && { target: { atMost } }),
    ...quotients(of(these, what), of(those, what)),
  });
  return {
    ratios: [
      // Lower is what is asked for.
      ...['nested', 'packed'].flatMap((name) => [
        ratio('p50', 'p50', name, 'exchange', 0.99),
        ratio('p99', 'p99', name, 'exchange', 0.99),
        ratio('cpu', 'CPU', name, 'exchange'),
      ]),
      ...['nested', 'packed', 'exchange'].map((name) => ratio('p50', 'p50', name, 'forward')),
      ...['nested', 'packed', 'exchange'].map((name) => ratio('cpu', 'CPU', name, 'forward')),
    ],
    figures: STRATEGIES.flatMap(({ name, says }): Figure[] => [
      { name: `${says}: p50`, unit: 'ms', ...spreadOf(of(name, 'p50')) },
      { name: `${says}: p99`, unit: 'ms', ...spreadOf(of(name, 'p99')) },
      { name: `${says}: CPU`, unit: 'ms', ...spreadOf(of(name, 'cpu')) },
      { name: `${says}: token requests`, unit: '', ...spreadOf([issued.get(name) ?? 0]) },
    ]),
    notes: [
      `${calls} calls one after the other, from the request for a token to the answer; a token of its own for every order, orders one by one, plain HTTP.`,
      'CPU is that of all services and issuers.',
    ],
  };
}

function textOf(name: string): string {
  return STRATEGIES.find((strategy) => strategy.name === name)?.says ?? name;
}
