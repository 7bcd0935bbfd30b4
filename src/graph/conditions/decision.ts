/**
 * What was decided of the conditions of a tree, once, when it began. It is known by the ids of the parts of conditions, and
 * facts are not looked at again: a condition that the graph gained or changed since does not hold.
 */
import type { CallPlan, ConditionPlan, Conjunct, ScopePlan } from '../compile/plan.ts';

export class Decision {
  /** Ids of the parts that hold. */
  readonly met: ReadonlySet<string>;
  /** Ids of those that would hold after another login. */
  readonly stepUp: ReadonlySet<string>;

  constructor(met: Iterable<string>, stepUp: Iterable<string> = []) {
    this.met = new Set(met);
    this.stepUp = new Set(stepUp);
  }

  /** The same for decisions that lead to the same tree. */
  get key(): string {
    return [[...this.met].sort().join(' '), [...this.stepUp].sort().join(' ')].join('|');
  }

  holds({ conjuncts }: Pick<ConditionPlan, 'conjuncts'>): boolean {
    return conjuncts.every(({ id }) => this.met.has(id));
  }

  /** Whether another login could make it hold. */
  isStepUp({ conjuncts }: ConditionPlan): boolean {
    return conjuncts.every(({ id }) => this.met.has(id) || this.stepUp.has(id)) && !this.holds({ conjuncts });
  }

  /** Whether a call names one of its scopes. */
  allows(call: CallPlan, scope: ScopePlan): boolean {
    return conditionsFor(call, scope).every((condition) => this.holds(condition));
  }

  /** The ids of some parts alone, in their order. */
  listsOf(conjuncts: readonly Conjunct[]): {
    readonly met: readonly string[];
    readonly stepUp: readonly string[];
  } {
    const ids = conjuncts.map(({ id }) => id);
    return { met: ids.filter((id) => this.met.has(id)), stepUp: ids.filter((id) => this.stepUp.has(id)) };
  }
}

/** The conditions on one scope of a call: those of the call, and the scope's own. */
export function conditionsFor(
  { when }: Pick<CallPlan, 'when'>,
  { name, when: own }: ScopePlan,
): readonly ConditionPlan[] {
  const ofCall = when.length === 0 ? [] : when.filter(({ scope }) => scope === name);
  return [...ofCall.map(({ condition }) => condition), ...(own ? [own] : [])];
}
