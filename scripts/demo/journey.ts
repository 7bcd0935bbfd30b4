/** One page of the shop, from the browser through all services: compares what was reported with the graph and the user. */
import { isDeepStrictEqual } from 'node:util';
import { planRequest, type CallView } from 'waybill';
import type { IssuerRequest } from './counter.ts';
import { expectedHops } from './hops.ts';
import type { EdgeRequest } from './programs/gateway.ts';
import { shortName } from './programs/operations.ts';
import { openPage, type LoggedIn } from './session.ts';
import type { Hop } from './shop.ts';
import { DemoFailed } from './terminal.ts';
import { CLIENT, ENTRY, GATEWAY, PEOPLE, SCOPES, type User, type World } from './world.ts';

export interface Journey {
  readonly user: User;
  readonly edge: EdgeRequest;
  readonly hops: readonly Hop[];
  readonly asked: readonly IssuerRequest[];
  readonly txn: string;
}

/** Claims that every token has; the others are tailored. */
const COMMON = ['iss', 'aud', 'sub', 'client_id', 'scope', 'iat', 'exp', 'jti', 'txn', 'act', 'on_demand'];

/** @throws DemoFailed where anything in it is otherwise than graph and call graph say. */
export async function travel(operation: string, session: LoggedIn, world: World): Promise<Journey> {
  const before = world.issuer.requests.length;
  const response = await openPage(operation, session.token, world);
  const body = (await response.json()) as { detail?: string };
  if (!response.ok) throw new DemoFailed(`${operation} was answered ${response.status}: ${body.detail}`);
  const [edge, ...more] = await world.gateway.seen();
  const hops = await world.shop.hops();
  if (!edge || more.length > 0) throw new DemoFailed('the gateway saw another number of requests than one');
  const asked = world.issuer.requests.slice(before);
  const txn = String(hops[0]?.claims['txn']);
  const journey = { user: session.user, edge, hops, asked, txn };
  requireCalls(operation, journey, world);
  requireTokens(journey, world);
  requireQuestions(journey);
  return journey;
}

/** The hops are those of the call graph, one by one and in order. */
function requireCalls(operation: string, { hops }: Journey, world: World): void {
  const expected = expectedHops(world.calls, GATEWAY, { service: ENTRY, operation });
  const wanted = expected.map((hop) => text(hop.caller, hop.service, hop.operation));
  const seen = hops.map((hop) => text(presenterOf(hop, world), hop.service, hop.operation));
  const missing = wanted.filter((hop) => !seen.includes(hop));
  if (missing.length > 0) throw new DemoFailed(listed('these hops did not happen', missing));
  const excess = seen.filter((hop) => !wanted.includes(hop));
  if (excess.length > 0) throw new DemoFailed(listed('nothing leads to these hops', excess));
  if (seen.join() !== wanted.join())
    throw new DemoFailed(listed('the hops came in another order or number', seen));
}

/** Every token is the one that the graph plans for that callee of that caller, and this user's, of this transaction. */
function requireTokens({ user, hops, txn }: Journey, world: World): void {
  const planned = plannedTokens(world);
  const known: Readonly<Record<string, unknown>> = { ...PEOPLE[user], tier: 'gold', region: 'eu' };
  for (const hop of hops) {
    const caller = presenterOf(hop, world);
    const view = planned.get(`${caller} ${hop.service}`);
    const names = view?.claims.map((name) => name.replace('!', '')) ?? [];
    const expected = {
      sub: `login:${user}`,
      client_id: CLIENT,
      txn,
      scope: view?.scope.join(' '),
      act: caller === GATEWAY ? undefined : hop.presenter,
      tailored: Object.fromEntries(names.map((name) => [name, known[name]])),
    };
    const { sub, client_id, txn: tree, scope, act } = hop.claims as Record<string, string | { sub: string }>;
    const presented = typeof act === 'object' ? act.sub : act;
    const found = { sub, client_id, txn: tree, scope, act: presented, tailored: tailoredClaims(hop) };
    if (isDeepStrictEqual(found, expected)) continue;
    throw new DemoFailed(
      `${text(caller, hop.service, hop.operation)} carried ${JSON.stringify(found)}, and the graph plans ${JSON.stringify(expected)}`,
    );
  }
  const pairs = new Set(hops.map((hop) => `${hop.presenter} ${hop.service}`)).size;
  const tokens = tokensIn(hops);
  if (tokens !== pairs) throw new DemoFailed(`${tokens} tokens were used for ${pairs} callees of callers`);
}

/** One swap at most, since the gateway may still have the token; a token for each callee on demand; a question before a payment. */
function requireQuestions({ hops, asked }: Journey): void {
  const needed = [
    ...hops.filter(({ service }) => service === 'adservice').map(() => `${ENTRY} POST /token`),
    ...hops
      .filter(({ service }) => service === 'paymentservice')
      .map(() => 'paymentservice POST /introspect'),
  ];
  const [first = '', ...rest] = asked.map(({ by, line }) => `${by} ${line}`);
  const others = first === `${GATEWAY} POST /introspect` ? rest : [first, ...rest].filter(Boolean);
  if (others.join() === needed.join()) return;
  const [wanted, found] = [needed, others].map((questions) => questions.join(', ') || 'nothing');
  throw new DemoFailed(`but for a swap, the issuer was asked ${found}, and should have been asked ${wanted}`);
}

/** What the graph plans for each callee of each caller, by both names; the entry's caller is the gateway. */
export function plannedTokens({ plan }: World): Map<string, CallView> {
  const { root } = planRequest(plan, CLIENT, { scopes: SCOPES, resources: [] });
  const below = (view: CallView, caller: string): [string, CallView][] => [
    [`${caller} ${view.service}`, view],
    ...view.calls.flatMap((call) => below(call, view.service)),
  ];
  return new Map(below(root, GATEWAY));
}

/** The name of whoever's certificate it was. */
export function presenterOf({ presenter }: Hop, { plan }: World): string {
  const service = [...plan.services.values()].find(({ identity }) => identity === presenter);
  return service?.name ?? presenter.slice(presenter.lastIndexOf('/') + 1);
}

export function tailoredClaims({ claims }: Hop): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !COMMON.includes(name)));
}

export function tokensIn(hops: readonly Hop[]): number {
  return new Set(hops.map(({ claims }) => claims['jti'])).size;
}

function text(caller: string, service: string, operation: string): string {
  return `${caller} → ${service} ${shortName(operation)}`;
}

function listed(what: string, lines: readonly string[]): string {
  return [`${what}:`, ...lines].join('\n  ');
}
