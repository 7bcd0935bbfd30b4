/** Decides the parts of conditions for a request. */
import type { Conjunct, SubjectPlan } from '../compile/plan.ts';
import { Decision } from './decision.ts';
import { holds, type FactValues } from './evaluate.ts';
import { factName, factsOf, type Fact } from './expression.ts';
import { isServedByLogin } from './step-up.ts';

/**
 * @param provider of the user; absent: the client asks for itself, and no login changes anything.
 * @param isLater whether a part is decided later, at the swap of an opaque token: until then it is taken to hold.
 */
export function decide(
  conjuncts: readonly Conjunct[],
  facts: FactValues,
  provider: SubjectPlan | undefined,
  isLater: (conjunct: Conjunct) => boolean = () => false,
): Decision {
  const met: string[] = [];
  const stepUp: string[] = [];
  for (const conjunct of conjuncts) {
    const { id, expression } = conjunct;
    if (isLater(conjunct) || holds(expression, facts)) met.push(id);
    else if (isServedByLogin(expression, facts, provider)) stepUp.push(id);
  }
  return new Decision(met, stepUp);
}

/** Whether a part reads what gateways set, which is known at a swap alone. */
export function readsGateway({ expression }: Conjunct): boolean {
  return factsOf(expression).some(isSetByGateway);
}

/**
 * What a swap needs of the facts that were known when the token was issued.
 *
 * @returns values by `factName`.
 */
export function factsForSwap(
  conjuncts: readonly Conjunct[],
  facts: FactValues,
): ReadonlyMap<string, unknown> {
  const read = conjuncts.filter(readsGateway).flatMap(({ expression }) => factsOf(expression));
  const values = read
    .filter((fact) => !isSetByGateway(fact))
    .map((fact) => [factName(fact), facts(fact)] as const);
  return new Map(values.filter(([, value]) => value !== undefined));
}

/**
 * Decides at a swap what was left for it. A part that the graph gained since the token was issued was left by nobody, and the
 * facts that it reads may not be kept: it does not hold.
 *
 * @param before what was decided when the token was issued.
 * @param kept the facts of then, by `factName`.
 * @param gateway claims that the gateway set for this swap, by name.
 */
export function decideAtSwap(
  conjuncts: readonly Conjunct[],
  before: Decision,
  kept: ReadonlyMap<string, unknown>,
  gateway: ReadonlyMap<string, unknown>,
): Decision {
  const facts: FactValues = (fact) =>
    isSetByGateway(fact) ? gateway.get(fact.name) : kept.get(factName(fact));
  const held = conjuncts.filter(
    (conjunct) => readsGateway(conjunct) && before.met.has(conjunct.id) && holds(conjunct.expression, facts),
  );
  return new Decision([...decidedAtIssue(conjuncts, before).met, ...held.map(({ id }) => id)], before.stepUp);
}

/** Without what is left for swaps: that does not hold as long as no gateway has set its claims. */
export function decidedAtIssue(conjuncts: readonly Conjunct[], before: Decision): Decision {
  const later = new Set(conjuncts.filter(readsGateway).map(({ id }) => id));
  return new Decision(
    [...before.met].filter((id) => !later.has(id)),
    before.stepUp,
  );
}

function isSetByGateway(fact: Fact): fact is Extract<Fact, { readonly name: string }> {
  return fact.source === 'request' && fact.setBy === 'gateway';
}
