/** Whether a condition can hold where only some facts are known. It may say yes of one that cannot, never no of one that can. */
import { truthOf } from './evaluate.ts';
import { factsOf, type Expression, type Fact } from './expression.ts';

/** The value of a fact that may have any, or none. */
export const UNKNOWN = Symbol('unknown');

/** `UNKNOWN`; or its value, undefined if it has none. */
export type KnownFacts = (fact: Fact) => unknown;

export function mayHold(expression: Expression, known: KnownFacts): boolean {
  return outcomesOf(expression, known).has(true);
}

/** True, false, or undefined: it fails. */
type Outcome = boolean | undefined;
const ANY: ReadonlySet<Outcome> = new Set([true, false, undefined]);

export function outcomesOf(expression: Expression, known: KnownFacts): ReadonlySet<Outcome> {
  switch (expression.op) {
    case '&&':
    case '||': {
      const deciding = expression.op === '||';
      const left = [...outcomesOf(expression.left, known)];
      const right = [...outcomesOf(expression.right, known)];
      return new Set(left.flatMap((one) => right.map((other) => combined(deciding, one, other))));
    }
    case 'not': {
      const inner = outcomesOf(expression.of, known);
      return new Set([...inner].map((outcome) => (outcome === undefined ? undefined : !outcome)));
    }
    default: {
      const values = new Map<Fact, unknown>(factsOf(expression).map((fact) => [fact, known(fact)]));
      if ([...values.values()].includes(UNKNOWN)) return ANY;
      return new Set([truthOf(expression, (fact) => values.get(fact))]);
    }
  }
}

function combined(deciding: boolean, one: Outcome, other: Outcome): Outcome {
  if (one === deciding || other === deciding) return deciding;
  return one === undefined || other === undefined ? undefined : !deciding;
}
