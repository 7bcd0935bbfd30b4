/** The demo, in the order in which it is seen: what runs, one token, its hops, another order, three attacks. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { compileGraph, planRequest, type Plan, type RequestPlan } from 'waybill';
import { attacksWith, attempt } from './attacks.ts';
import { drawHops, expectedHops, readCalls, requireHops, type ExpectedHop } from './hops.ts';
import { startIssuer, type RunningIssuer } from './issuer.ts';
import { CLIENT, ORDER, SCOPE, discover, placeOrder, requestToken } from './order.ts';
import { GRAPH, ROOT, WAYBILL } from './processes.ts';
import { openShop, type Hop, type Shop } from './shop.ts';
import { DemoFailed, colourChoice, count, paint, progress, say, table } from './terminal.ts';

export interface DemoOptions {
  /** A service that is down, to see the demo fail. */
  readonly without: string | undefined;
  /** Where files may be made. */
  readonly folder: string;
}

/** An order as it went: its token, its hops, and what the issuer was asked from token request to answer. */
interface Order {
  readonly token: string;
  readonly hops: readonly Hop[];
  readonly requests: readonly string[];
}

/** @throws DemoFailed where anything comes out otherwise than it should. */
export async function demo({ without, folder }: DemoOptions): Promise<void> {
  progress('starting the issuer');
  const secret = newSecret();
  const secrets = { STOREFRONT_SECRET: secret, LOADGENERATOR_SECRET: newSecret() };
  const issuer = await startIssuer(secrets, folder);
  try {
    const plan = compile(issuer.url);
    const calls = readCalls();
    const expected = expectedHops(calls, CLIENT, ORDER);
    const planned = planRequest(plan, CLIENT, { scopes: [SCOPE], resources: [] });
    const shop = await openShop(plan, calls);
    showServers(issuer, shop);
    if (without !== undefined) await takeAway(without, shop);

    const server = await discover(issuer.url);
    const order = async (): Promise<Order> => {
      const before = issuer.requests.length;
      const token = await requestToken(server, secret);
      const txn = await placeOrder(token, shop.addresses[ORDER.service] ?? '');
      const hops = await shop.hops();
      requireHops(expected, hops, plan);
      requireOneTree(hops, txn, planned, issuer);
      return { token, hops, requests: issuer.requests.slice(before) };
    };

    const first = await order();
    showToken(first.token, issuer.url);
    showHops(first, drawHops(expected, first.hops, plan, planned.root), planned);
    const second = await order();
    showSecond(second);
    await showAttacks(first.token, second.token, shop, issuer);
  } finally {
    issuer.close();
  }
}
