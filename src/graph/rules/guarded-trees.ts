/**
 * What only whole trees show of conditions: that no client which leads to one can meet it, and that users of several providers
 * can. In: a plan with its trees. Out: findings.
 */
import { fewNames } from '../name-list.ts';
import { conditionsFor } from '../conditions/decision.ts';
import { factsOf, type Fact } from '../conditions/expression.ts';
import { UNKNOWN, mayHold, type KnownFacts } from '../conditions/possibility.ts';
import { hasConditions } from '../compile/conjuncts.ts';
import type { ClientPlan, ConditionPlan, Plan, SubjectPlan } from '../compile/plan.ts';
import type { TokenBody } from '../compile/walk.ts';
import type { Findings } from '../finding.ts';
import type { PlannedTrees } from './planned-trees.ts';

export function checkGuardedTrees(plan: Plan, trees: PlannedTrees, findings: Findings): void {
  if (!hasConditions(plan)) return;
  for (const [condition, clients] of clientsByCondition(plan, trees)) {
    checkMeetable(plan, condition, clients, findings);
    checkProvider(condition, clients, findings);
  }
}

function clientsByCondition(
  plan: Plan,
  trees: PlannedTrees,
): ReadonlyMap<ConditionPlan, ReadonlySet<ClientPlan>> {
  const found = new Map<ConditionPlan, Set<ClientPlan>>();
  const below = new Map<TokenBody, readonly ConditionPlan[]>();
  for (const client of plan.clients.values()) {
    const add = (condition: ConditionPlan): void => {
      const clients = found.get(condition);
      if (clients) clients.add(client);
      else found.set(condition, new Set([client]));
    };
    const asked = client.calls.filter(({ mode }) => mode !== 'none');
    for (const call of asked) for (const scope of call.scopes) conditionsFor(call, scope).forEach(add);
    for (const body of trees.reachedBy(client, true)) {
      const own = below.get(body) ?? conditionsBelow(body);
      below.set(body, own);
      own.forEach(add);
    }
  }
  return found;
}

function conditionsBelow({ branches }: TokenBody): readonly ConditionPlan[] {
  return branches.flatMap(({ calls }) =>
    calls.flatMap((call) => call.scopes.flatMap((scope) => conditionsFor(call, scope))),
  );
}

function checkMeetable(
  plan: Plan,
  { conjuncts, at }: ConditionPlan,
  clients: ReadonlySet<ClientPlan>,
  findings: Findings,
): void {
  const isMet = (known: KnownFacts) => conjuncts.every(({ expression }) => mayHold(expression, known));
  if ([...clients].some((client) => loginsOf(plan, client).some(isMet))) return;
  findings.add(
    'condition-never-met',
    at,
    `No client that leads here can meet this condition: ${fewNames([...clients].map(({ name }) => name))}.`,
    'Correct it, or give one of them users who can meet it (`subjects`).',
  );
}

/** What is known of each way in which a client can ask. */
function loginsOf(plan: Plan, client: ClientPlan): readonly KnownFacts[] {
  const alone = client.grants.has('client_credentials') ? [knownOf(client, undefined, undefined)] : [];
  const ofUsers = client.subjects.flatMap((provider) =>
    levelsOf(plan, provider).map((level) => knownOf(client, provider, level)),
  );
  return [...alone, ...ofUsers];
}

/** Undefined: the login has no level. */
function levelsOf({ subjects }: Plan, { acr }: SubjectPlan): readonly unknown[] {
  if (acr) return [...acr.keys(), undefined];
  return subjects.size === 1 ? [UNKNOWN] : [undefined];
}

function knownOf(client: ClientPlan, provider: SubjectPlan | undefined, level: unknown): KnownFacts {
  return (fact) => {
    switch (fact.source) {
      case 'client':
        return client.claims.get(fact.name);
      case 'request':
        return fact.setBy === 'gateway' && client.token !== 'opaque' ? undefined : UNKNOWN;
      case 'provider':
        return provider?.name;
      case 'acr':
        return provider && level;
      default:
        return provider && UNKNOWN;
    }
  };
}

function checkProvider(
  { conjuncts, at }: ConditionPlan,
  clients: ReadonlySet<ClientPlan>,
  findings: Findings,
): void {
  const facts = conjuncts.flatMap(({ expression }) => factsOf(expression));
  if (!facts.some(isOfUser) || facts.some(({ source }) => source === 'provider')) return;
  for (const { name, subjects } of clients) {
    if (subjects.length < 2) continue;
    findings.add(
      'ambiguous-provider',
      at,
      `This condition reads what a provider says of a user, and ${name} has users of ${subjects.map((each) => each.name).join(' and ')}.`,
      `Add \`provider == "${subjects[0]?.name ?? ''}"\`, or \`provider in [${subjects.map((each) => `"${each.name}"`).join(', ')}]\` where each of them may say it.`,
    );
    return;
  }
}

function isOfUser({ source }: Fact): boolean {
  return source === 'subject' || source === 'acr' || source === 'age';
}
