/**
 * Checks header budgets when a graph is compiled: every hop of every tree that a request can get, with the largest
 * values. In: a plan and its trees. Out: findings that name hop, bytes, limit and what to do.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  fewNames,
  isSealedBy,
  longestChains,
  type CallPlan,
  type ClientPlan,
  type Findings,
  type Plan,
  type PlannedTree,
  type PlannedTrees,
  type ServicePlan,
  type TokenBody,
} from '../../graph/index.ts';
import { isPackable } from './coding.ts';
import { fits, type HopBudgets } from './hop-budgets.ts';
import { digitsOf } from './measure.ts';
import { TreePlanner } from './tree-planner.ts';
import { longestActor, worstCaseOfAll } from './worst-case.ts';
import { WorstHops } from './worst-hops.ts';

export function checkBudgets(plan: Plan, trees: PlannedTrees, findings: Findings): void {
  const planner = new TreePlanner(plan);
  const { budgets } = planner;
  const suspects = tokensToCheck(planner, trees);
  if (suspects.size > 0) {
    const worst = new WorstHops(planner, tokensSentNested(plan, trees));
    for (const tree of [...trees.list, ...trees.fetched()]) {
      if (!holds(tree.shape.body, suspects) || worst.fitsPacked(tree)) continue;
      for (const [client, together] of clientsOf(tree, plan, trees)) worst.check(tree, client, together);
    }
    worst.report(findings);
  }
  reportMissing(plan, trees, budgets, findings);
}

/**
 * Tokens that would not fit somewhere with the largest values of all clients and the longest identity of all services.
 * Mostly there are none, and then no token needs to be measured for each client and call.
 */
function tokensToCheck(planner: TreePlanner, trees: PlannedTrees): Map<TokenBody, boolean> {
  const { plan, budgets } = planner;
  const suspects = new Map<TokenBody, boolean>();
  const measure = planner.measure(worstCaseOfAll(plan), true);
  const actor = longestActor([...plan.services.values()].map((service) => service.actor)) ?? { sub: '' };
  const above = longestActor([...longestChains(plan).values()]) ?? measure.client;
  const { nested, tokens } = plan.issuer.limits;
  const digits = digitsOf(tokens);
  const check = (body: TokenBody, service: ServicePlan, calls: readonly CallPlan[]): void => {
    const nested = measure.worst({ body, actor }, digits, above);
    const bytes = isSealedBy(calls) ? measure.sealedAtWorst(body, nested) : nested;
    if (!fits(bytes, budgets.budgetFor(service, calls))) suspects.set(body, true);
  };
  for (const { shape, calls } of trees.list) {
    const signed = measure.worst(shape, digits); // no presenter, and perhaps a key
    const bytes = isSealedBy(calls) ? measure.sealedAtWorst(shape.body, signed) : signed;
    if (bytes > nested || !fits(bytes, budgets.budgetFor(shape.service, calls)))
      suspects.set(shape.body, true);
  }
  for (const body of trees.bodies.keys()) {
    check(body, body.service, []);
    for (const branch of body.branches) {
      const { mode, service, shape, calls } = branch;
      if (mode === 'forward' && service) check(body, service, calls);
      // Others are checked with their own server and zone.
      if (!isSealedBy(calls) && !calls.some((call) => call.via.length > 0)) continue;
      const carried = shape?.body ?? trees.fetchedBy(branch);
      if (carried) check(carried, carried.service, calls);
    }
  }
  return suspects;
}

/**
 * Tokens that travel nested though the graph is packed: those of services that accept only JWTs, what is in a sealed one,
 * those below them, and those fetched with such a token, since a response keeps the encoding of the presented token.
 */
function tokensSentNested(plan: Plan, trees: PlannedTrees): ReadonlySet<TokenBody> {
  if (plan.issuer.encoding === 'nested') return new Set();
  const sealed = new Set(trees.list.flatMap(({ shape, calls }) => (isSealedBy(calls) ? [shape.body] : [])));
  for (const { branches } of trees.bodies.keys()) {
    for (const branch of branches) {
      const body = branch.seal ? (branch.shape?.body ?? trees.fetchedBy(branch)) : undefined;
      if (body) sealed.add(body);
    }
  }
  return trees.reachableFrom(
    [...trees.bodies.keys()].filter(
      (body) => body.service.accepts === 'jwt' || sealed.has(body) || !isPackable(body),
    ),
  );
}

/** The clients whose values a tree can carry, each with whether only a request for all scopes together gets it. */
function clientsOf(tree: PlannedTree, plan: Plan, trees: PlannedTrees): (readonly [ClientPlan, boolean])[] {
  const { holder } = tree;
  if (!holder) return [[tree.client, tree.together]];
  return [...plan.clients.values()].flatMap((client): (readonly [ClientPlan, boolean])[] => {
    const together = !trees.reachedBy(client, false).has(holder);
    return together && !trees.reachedBy(client, true).has(holder) ? [] : [[client, together]];
  });
}

/** Whether a token or one below it is among these. `known` caches the answers. */
function holds(body: TokenBody, known: Map<TokenBody, boolean>): boolean {
  return getOrAdd(known, body, () =>
    body.branches.some(({ shape }) => shape !== undefined && holds(shape.body, known)),
  );
}

/** If no limit of a server is known, nobody can say whether its tokens arrive. */
function reportMissing(plan: Plan, trees: PlannedTrees, budgets: HopBudgets, findings: Findings): void {
  if ([...plan.services.values()].every((service) => budgets.budgetFor(service, []).limit !== undefined))
    return;
  const missing = new Set<ServicePlan>();
  const add = (service: ServicePlan, calls: readonly CallPlan[]): void => {
    if (budgets.budgetFor(service, calls).limit === undefined) missing.add(service);
  };
  for (const { shape, calls } of trees.list) add(shape.service, calls);
  for (const { branches } of trees.bodies.keys()) {
    for (const { mode, service, calls } of branches) if (service && mode !== 'none') add(service, calls);
  }
  const [first] = missing;
  if (!first) return;
  const names = fewNames([...missing].map((service) => service.name));
  findings.add(
    'no-budget',
    first,
    `No header limit is known for: ${names}.`,
    'Name a profile: defaults: { headers: { profile: node, reserve: 2KiB } }.',
  );
}
