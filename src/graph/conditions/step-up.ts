/** Step-up (RFC 9470): which login a user needs so that conditions hold. */
import type { RequiredLogin } from '../../errors.ts';
import type { ConditionPlan, Conjunct, SubjectPlan } from '../compile/plan.ts';
import type { Decision } from './decision.ts';
import { holds, type FactValues } from './evaluate.ts';
import type { Expression, Fact } from './expression.ts';
import { valuesOfLevel } from './facts.ts';
import { levelsIn, readsAge, smallestAge } from './levels.ts';
import { UNKNOWN, mayHold } from './possibility.ts';

/** How a part of a condition would be after another login. */
export interface Logins {
  /** @param level undefined: the one that the user has. */
  readonly servedBy: (conjunct: Conjunct, level: string | undefined) => boolean;
  /** Whether the age of the login is (or may be) what fails. */
  readonly isTooOld: (conjunct: Conjunct, level: string | undefined) => boolean;
}

/** Whether a part that does not hold would hold just after a login that the provider can give. */
export function isServedByLogin(
  expression: Expression,
  facts: FactValues,
  provider: SubjectPlan | undefined,
): boolean {
  if (!provider) return false;
  return levelsToTry(expression, provider).some((level) => holds(expression, afterLogin(facts, level)));
}

/** When a tree begins, all facts are known. */
export function knownLogins(facts: FactValues): Logins {
  return {
    servedBy: ({ expression }, level) => holds(expression, afterLogin(facts, level)),
    isTooOld: ({ expression }, level) =>
      !holds(expression, (fact) => (fact.source === 'acr' && level !== undefined ? level : facts(fact))),
  };
}

/** Later, only the decision is. */
export function decidedLogins({ met, stepUp }: Decision): Logins {
  return {
    servedBy: ({ id, expression }, level) => {
      if (!met.has(id) && !stepUp.has(id)) return false;
      return mayHold(
        expression,
        afterLogin(() => UNKNOWN, level),
      );
    },
    isTooOld: ({ id, expression }) => !met.has(id) && readsAge(expression),
  };
}

/**
 * One login for several conditions, which are added one after the other. Each part is looked at once, however many conditions
 * have it: the user of every request with a weak login waits for this.
 */
export class CommonLogin {
  readonly #provider: SubjectPlan;
  readonly #logins: Logins;
  readonly #conjuncts = new Set<Conjunct>();
  /** Whether a level serves all parts so far. In the order of the texts; undefined: the level that the user has. */
  #levels: ReadonlyMap<string | undefined, boolean> = new Map();

  constructor(provider: SubjectPlan, logins: Logins) {
    this.#provider = provider;
    this.#logins = logins;
  }

  /** @returns false, and adds nothing, where no single level serves these conditions and all before. */
  add(conditions: readonly ConditionPlan[]): boolean {
    const more = [...new Set(conditions.flatMap(({ conjuncts }) => conjuncts))].filter(
      (conjunct) => !this.#conjuncts.has(conjunct),
    );
    if (more.length === 0) return this.#conjuncts.size > 0;
    const { servedBy } = this.#logins;
    const levels = new Map(this.#levels);
    for (const level of more.flatMap(({ expression }) => levelsToTry(expression, this.#provider)))
      if (!levels.has(level))
        levels.set(
          level,
          [...this.#conjuncts].every((conjunct) => servedBy(conjunct, level)),
        );
    for (const [level, isServing] of levels)
      levels.set(level, isServing && more.every((conjunct) => servedBy(conjunct, level)));
    if (![...levels.values()].includes(true)) return false;
    this.#levels = levels;
    for (const conjunct of more) this.#conjuncts.add(conjunct);
    return true;
  }

  /** @returns undefined where nothing was added. */
  get login(): RequiredLogin | undefined {
    if (this.#conjuncts.size === 0) return undefined;
    const serving = [...this.#levels].flatMap(([level, isServing]) => (isServing ? [level] : []));
    const named = serving.filter((level) => level !== undefined);
    const [level] = named;
    const ages = [...this.#conjuncts]
      .filter((conjunct) => readsAge(conjunct.expression) && this.#logins.isTooOld(conjunct, level))
      .flatMap(({ expression }) => smallestAge(expression) ?? []);
    return {
      acrValues: named.length > 0 ? named.flatMap((each) => valuesOfLevel(this.#provider, each)) : undefined,
      maxAge: ages.length > 0 ? Math.min(...ages) : undefined,
    };
  }
}

/** Those that a text names and the provider has, then the one that the user has. */
function levelsToTry(expression: Expression, provider: SubjectPlan): readonly (string | undefined)[] {
  return [...levelsIn(expression).filter((level) => valuesOfLevel(provider, level).length > 0), undefined];
}

function afterLogin(facts: (fact: Fact) => unknown, level: string | undefined): (fact: Fact) => unknown {
  return (fact) => {
    if (fact.source === 'age') return 0;
    return fact.source === 'acr' && level !== undefined ? level : facts(fact);
  };
}
