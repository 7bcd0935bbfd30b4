/** The demo, in the order in which it is seen: what runs, one token, its hops, another order, three attacks. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { compileGraph, planRequest, type Plan } from 'waybill';
import { attacksWith, attempt, showLimit } from './attacks.ts';
import { expectedHops, readCalls, requireHops } from './hops.ts';
import { startIssuer, type RunningIssuer } from './issuer.ts';
import { CLIENT, ORDER, SCOPE, discover, placeOrder, requestToken, type Order } from './order.ts';
import { GRAPH, ROOT } from './processes.ts';
import { heading, showHops, showSecondOrder, showServers, showToken } from './report.ts';
import { openShop, type Shop } from './shop.ts';
import { DemoFailed, count, paint, progress, say } from './terminal.ts';

export interface DemoOptions {
  /** A service that is down, to see the demo fail. */
  readonly without: string | undefined;
  /** Where files may be made. */
  readonly folder: string;
}

/** What a verifier asks the issuer for. */
const PUBLIC = ['GET /.well-known/oauth-authorization-server', 'GET /jwks'];

/** @throws DemoFailed where anything comes out otherwise than it should. */
export async function demo({ without, folder }: DemoOptions): Promise<void> {
  progress('starting the issuer');
  const secret = newSecret();
  const secrets = { STOREFRONT_SECRET: secret, LOADGENERATOR_SECRET: newSecret() };
  const issuer = await startIssuer(secrets, folder);
  const plan = compile(issuer.url);
  const calls = readCalls();
  const shop = await openShop(plan, calls);
  showServers(issuer, shop);
  if (without !== undefined) await takeAway(without, shop);

  const expected = expectedHops(calls, CLIENT, ORDER);
  const planned = planRequest(plan, CLIENT, { scopes: [SCOPE], resources: [] });
  const server = await discover(issuer.url);
  const order = async (): Promise<Order> => {
    const before = issuer.requests.length;
    const token = await requestToken(server, secret);
    const txn = await placeOrder(token, shop.addresses[ORDER.service] ?? '');
    const hops = await shop.hops();
    const requests = issuer.requests.slice(before);
    requireHops(expected, hops, plan);
    await requireOneTree({ token, hops, requests }, { txn, tokens: planned.tokens }, issuer);
    return { token, hops, requests };
  };

  const first = await order();
  await showToken(first.token, issuer.url);
  showHops(first, expected, plan, planned.root);
  const second = await order();
  if (second.requests.length !== 1)
    throw new DemoFailed(`the second order asked the issuer: ${second.requests.join(', ')}`);
  showSecondOrder(second);
  await showAttacks(first, second, shop, issuer);
  issuer.close();
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

function compile(issuer: string): Plan {
  const { plan, findings } = compileGraph([path.join(ROOT, GRAPH)], {
    variables: new Map([['issuer', issuer]]),
  });
  if (!plan)
    throw new DemoFailed(`the graph has errors: ${findings.map(({ message }) => message).join('; ')}`);
  return plan;
}

async function takeAway(service: string, shop: Shop): Promise<void> {
  const services = Object.keys(shop.addresses);
  if (!services.includes(service))
    throw new DemoFailed(`there is no ${service}; there are ${services.join(', ')}`);
  await shop.stop(service);
  say('', paint.yellow(`${service} is taken down.`));
}

/** One request for a token, one transaction, and as many tokens in use as the graph plans. */
async function requireOneTree(
  { hops, requests }: Order,
  { txn, tokens }: { txn: string; tokens: number },
  issuer: RunningIssuer,
): Promise<void> {
  if (hops.some((hop) => hop.txn !== txn)) throw new DemoFailed('a hop belongs to another transaction');
  const used = new Set(hops.map(({ jti }) => jti)).size;
  if (used !== tokens) throw new DemoFailed(`${used} tokens were used, and the graph plans ${tokens}`);
  const [first, ...others] = requests;
  if (first !== 'POST /token' || others.some((request) => !PUBLIC.includes(request)))
    throw new DemoFailed(`the issuer was asked ${requests.join(', ')}`);
  if (!(await issuer.logged(txn)))
    throw new DemoFailed("the issuer's log does not have this transaction once");
}

async function showAttacks(first: Order, second: Order, shop: Shop, issuer: RunningIssuer): Promise<void> {
  const attacks = attacksWith(first.token, second.token);
  const before = issuer.requests.length;
  heading(`${count(attacks.length, 'attack')} that are refused, and one that is not`);
  for (const attack of attacks) await attempt(attack, shop);
  const asked = issuer.requests.length - before;
  if (asked > 0) throw new DemoFailed(`the attacks led to ${count(asked, 'request')} to the issuer`);
  await showLimit(second.token, shop);
}
