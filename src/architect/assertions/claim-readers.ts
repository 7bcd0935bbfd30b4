/**
 * `reads`: who can read a claim in some token of some request, by the access analysis of the graph. Every call counts as made,
 * so some of them may never get to read it; nobody who can is missed.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  Walk,
  nameList,
  type CallPlan,
  type ClientPlan,
  type Plan,
  type ServicePlan,
  type TokenBody,
} from '../../graph/index.ts';
import { GraphAccess, audiencesOf, type ServiceAccess } from '../../planning/access/index.ts';
import type { Contradiction, ReadersRule } from './assertion.ts';
import { emptySelectors } from './chains.ts';

/** Readers that are explained one by one; more are named. */
const EXPLAINED = 5;

export function judgeReaders(
  plan: Plan,
  { claim, only }: ReadersRule,
  mayBeEmpty: boolean,
): readonly Contradiction[] {
  const { access, services } = getOrAdd(analyses, plan, () => analyze(plan));
  const readers = readersOf(services, claim.value);
  const empty = mayBeEmpty ? [] : emptySelectors(only);
  if (readers.size === 0 && !mayBeEmpty)
    empty.push({
      place: claim,
      message: `no token carries the claim ${claim.value}, so there is nothing to judge.`,
      hint: 'Name a claim of a scope that a client reaches, or write `may_be_empty: true`.',
    });
  const others = [...readers].filter((name) => !only.names.has(name));
  const explained = others.slice(0, EXPLAINED).map((party): Contradiction => {
    const last = shortestWay(access, plan, claim.value, party);
    return {
      place: claim,
      message: `${party} can read ${claim.value}${last ? ` in the token of ${last.body.service.name}: ${chainOf(last)}` : ''}.`,
      hint: 'Take the claim out of that token, keep the party off the way to it, or add it to the test.',
      call: last?.call,
    };
  });
  const rest = others.slice(EXPLAINED);
  if (rest.length > 0)
    explained.push({
      place: claim,
      message: `these can read ${claim.value} too: ${nameList(rest)}.`,
      hint: '`waybill plan --holders` shows in which tokens.',
    });
  return [...empty, ...explained];
}

interface Analysis {
  readonly access: GraphAccess;
  readonly services: readonly ServiceAccess[];
}

/** One serves all tests of a graph. */
const analyses = new WeakMap<Plan, Analysis>();

function analyze(plan: Plan): Analysis {
  const access = new GraphAccess(plan, new Walk());
  return { access, services: [...access.of(new Set(plan.services.keys())).values()] };
}

function readersOf(services: readonly ServiceAccess[], claim: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { readers } of services) for (const name of readers.get(claim) ?? []) found.add(name);
  return found;
}

/** A token on the way from a client down. */
interface Way {
  readonly body: TokenBody;
  /** Whether the party can read it. */
  readonly isRead: boolean;
  readonly caller: string;
  readonly call: CallPlan;
  readonly before: Way | undefined;
}

/** The token nearest to a client in which the party reads the claim. */
function shortestWay(access: GraphAccess, plan: Plan, claim: string, party: string): Way | undefined {
  const queue: Way[] = [];
  for (const { client: name, body } of access.entries) {
    const client = plan.clients.get(name)!;
    const call = client.calls.find(({ service }) => service === body.service)!;
    const isRead = isAudience(body, party) || (!call.seal && readsRoots(plan, client, body.service, party));
    queue.push({ body, isRead, caller: name, call, before: undefined });
  }
  const seen = { read: new Set<TokenBody>(), unread: new Set<TokenBody>() };
  // It grows meanwhile.
  for (const way of queue) {
    const { body, isRead } = way;
    const known = isRead ? seen.read : seen.unread;
    if (known.has(body)) continue;
    known.add(body);
    if (isRead && body.claims.some((need) => need.claim.name === claim)) return way;
    for (const branch of body.branches) {
      const below = access.target(branch);
      if (!below) continue;
      const caller = body.service.name;
      const isCarried = branch.mode === 'exchange' ? caller === party : isRead;
      const reads = isAudience(below, party) || (isCarried && !branch.seal);
      queue.push({ body: below, isRead: reads, caller, call: branch.calls[0]!, before: way });
    }
  }
  return undefined;
}

function isAudience(body: TokenBody, party: string): boolean {
  return audiencesOf(body).some(({ name }) => name === party);
}

/** The client itself, and gateways, which introspect what clients present. */
function readsRoots(plan: Plan, client: ClientPlan, entry: ServicePlan, party: string): boolean {
  if (client.name === party && client.token === 'jwt') return true;
  const gateway = plan.clients.get(party) ?? plan.services.get(party);
  return gateway?.introspect.includes(entry) ?? false;
}

function chainOf(last: Way): string {
  const names = [last.body.service.name];
  for (let way: Way | undefined = last; way; way = way.before) names.unshift(way.caller);
  return names.join(' → ');
}
