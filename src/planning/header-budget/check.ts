/**
 * Budgets when a graph is compiled: every hop of every tree that a request can bring about, at its largest. In: a
 * plan and its trees. Out: findings that name hop, bytes, limit and what to do.
 */
import type {
  CallPlan,
  ClientPlan,
  Findings,
  Plan,
  PlannedTree,
  PlannedTrees,
  ServicePlan,
  TokenBody,
} from '../../graph/index.ts';
import { isPackable } from './coding.ts';
import { fits, type HopBudgets } from './hop-budgets.ts';
import { digitsOf } from './measure.ts';
import { TreePlanner } from './tree-planner.ts';
import { longest, worstCaseOfAll } from './worst-case.ts';
import { WorstHops } from './worst-hops.ts';

export function checkBudgets(plan: Plan, trees: PlannedTrees, findings: Findings): void {
  const planner = new TreePlanner(plan);
  const { budgets } = planner;
  const doubtful = doubtfulBodies(planner, trees);
  if (doubtful.size > 0) {
    const worst = new WorstHops(planner, bodiesHeldNested(plan, trees));
    for (const tree of [...trees.list, ...trees.fetched()]) {
      if (!holds(tree.shape.body, doubtful) || worst.fitsPacked(tree)) continue;
      for (const [client, together] of clientsOf(tree, plan, trees)) worst.take(tree, client, together);
    }
    worst.report(findings);
  }
  reportMissing(plan, trees, budgets, findings);
}

/**
 * What would not fit somewhere if one client had the longest name and the largest values of all, and the presenter the
 * longest identity. Where there is nothing, which is the rule, nothing needs to be weighed for each client and call.
 */
function doubtfulBodies(planner: TreePlanner, trees: PlannedTrees): Map<TokenBody, boolean> {
  const { plan, budgets } = planner;
  const doubtful = new Map<TokenBody, boolean>();
  const measure = planner.measure(worstCaseOfAll(plan), true);
  const actor = longest([...plan.services.values()].map((service) => service.identity));
  const { nested, tokens } = plan.issuer.limits;
  const digits = digitsOf(tokens);
  const weigh = (body: TokenBody, service: ServicePlan, calls: readonly CallPlan[]): void => {
    if (!fits(measure.worst({ body, actor }, digits), budgets.budgetFor(service, calls)))
      doubtful.set(body, true);
  };
  for (const { shape, calls } of trees.list) {
    const bytes = measure.worst(shape, digits); // no presenter, and perhaps a key
    if (bytes > nested || !fits(bytes, budgets.budgetFor(shape.service, calls)))
      doubtful.set(shape.body, true);
  }
  for (const body of trees.bodies.keys()) {
    weigh(body, body.service, []);
    for (const branch of body.branches) {
      const { mode, service, shape, calls } = branch;
      if (mode === 'forward' && service) weigh(body, service, calls);
      if (!calls.some((call) => call.via.length > 0)) continue; // weighed with its own server and zone
      const carried = shape?.body ?? trees.fetchedBy(branch);
      if (carried) weigh(carried, carried.service, calls);
    }
  }
  return doubtful;
}

/**
 * In a graph whose trees travel packed, what stands in the tokens of services that take nothing but JWTs, below them, and
 * in all that is fetched with such a token: it travels as that one came.
 */
function bodiesHeldNested(plan: Plan, trees: PlannedTrees): ReadonlySet<TokenBody> {
  if (plan.issuer.encoding === 'nested') return new Set();
  return trees.reachableFrom(
    [...trees.bodies.keys()].filter((body) => body.service.accepts === 'jwt' || !isPackable(body)),
  );
}

/** The clients whose values a tree can carry, each with whether it takes all scopes of an entry together. */
function clientsOf(tree: PlannedTree, plan: Plan, trees: PlannedTrees): (readonly [ClientPlan, boolean])[] {
  const { holder } = tree;
  if (!holder) return [[tree.client, tree.together]];
  return [...plan.clients.values()].flatMap((client): (readonly [ClientPlan, boolean])[] => {
    const together = !trees.reachedBy(client, false).has(holder);
    return together && !trees.reachedBy(client, true).has(holder) ? [] : [[client, together]];
  });
}

/** Whether a token or one below it is among these. Remembers the answers in `known`. */
function holds(body: TokenBody, known: Map<TokenBody, boolean>): boolean {
  let answer = known.get(body);
  if (answer === undefined) {
    answer = body.branches.some(({ shape }) => shape !== undefined && holds(shape.body, known));
    known.set(body, answer);
  }
  return answer;
}

/** Where nothing is known of a server, nobody can say whether its tokens arrive. */
function reportMissing(plan: Plan, trees: PlannedTrees, budgets: HopBudgets, findings: Findings): void {
  if ([...plan.services.values()].every((service) => budgets.budgetFor(service, []).limit !== undefined))
    return;
  const missing = new Set<ServicePlan>();
  const take = (service: ServicePlan, calls: readonly CallPlan[]): void => {
    if (budgets.budgetFor(service, calls).limit === undefined) missing.add(service);
  };
  for (const { shape, calls } of trees.list) take(shape.service, calls);
  for (const { branches } of trees.bodies.keys()) {
    for (const { mode, service, calls } of branches) if (service && mode !== 'none') take(service, calls);
  }
  const [first] = missing;
  if (!first) return;
  const names = [...missing].map((service) => service.name);
  const shown =
    names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
  findings.add(
    'no-budget',
    first,
    `Nothing says how large the headers may be that these accept: ${shown}.`,
    'Name a profile: defaults: { headers: { profile: node, reserve: 2KiB } }.',
  );
}
