/**
 * Evaluates a condition. It holds only if it is `true`: a missing fact, a wrong type or any other error makes it not hold,
 * under a negation too. As in CEL, `||` and `&&` do not need the side that fails if the other one decides.
 */
import type { Expression, Fact, TextTest } from './expression.ts';

/** The value of a fact; undefined if it has none. */
export type FactValues = (fact: Fact) => unknown;

/**
 * Steps of one evaluation: its operations, and more for those that read long texts. A user's lists and texts are as long as a
 * provider's token allows; beyond, the condition does not hold.
 */
export const MAX_STEPS = 1_000_000;
/** Characters that are read in a step. */
const STEP_CHARS = 16;

const FAILED = Symbol('failed');

export function holds(expression: Expression, valueOf: FactValues, maxSteps = MAX_STEPS): boolean {
  return truthOf(expression, valueOf, maxSteps) === true;
}

/** @returns undefined where it fails: a fact is missing, or of a type that does not fit. */
export function truthOf(
  expression: Expression,
  valueOf: FactValues,
  maxSteps = MAX_STEPS,
): boolean | undefined {
  const value = new Evaluation(valueOf, maxSteps).run(expression, FAILED);
  return typeof value === 'boolean' ? value : undefined;
}

class Evaluation {
  readonly #valueOf: FactValues;
  #left: number;

  constructor(valueOf: FactValues, maxSteps: number) {
    this.#valueOf = valueOf;
    this.#left = maxSteps;
  }

  /** @param item the member of the list that is looked at. @returns a value, or `FAILED`. */
  run(expression: Expression, item: unknown): unknown {
    if (!this.#step()) return FAILED;
    switch (expression.op) {
      case 'literal':
        return expression.value;
      case 'list':
        return expression.items;
      case 'fact':
        return this.#valueOf(expression.fact) ?? FAILED;
      case 'has':
        return (this.#valueOf(expression.fact) ?? undefined) !== undefined;
      case 'item':
        return item ?? FAILED;
      case '||':
        return this.#either(true, expression, item);
      case '&&':
        return this.#either(false, expression, item);
      case 'exists':
      case 'all':
        return this.#overList(expression, item);
      case 'not': {
        const value = this.run(expression.of, item);
        return typeof value === 'boolean' ? !value : FAILED;
      }
      case 'negate': {
        const value = this.run(expression.of, item);
        return typeof value === 'number' ? -value : FAILED;
      }
      case 'size':
        return this.#sizeOf(this.run(expression.of, item));
      case 'startsWith':
      case 'endsWith':
      case 'contains':
        return this.#testText(expression.op, this.run(expression.of, item), this.run(expression.part, item));
      default:
        return this.#compare(
          expression.op,
          this.run(expression.left, item),
          this.run(expression.right, item),
        );
    }
  }

  #step(steps = 1): boolean {
    this.#left -= steps;
    return this.#left >= 0;
  }

  /** Counts what reading a text costs. @returns false if that is too much. */
  #isCharged(text: unknown): boolean {
    return typeof text !== 'string' || this.#step(Math.floor(text.length / STEP_CHARS));
  }

  /** @param deciding the value of one side that decides, whatever the other is. */
  #either(
    deciding: boolean,
    { left, right }: { readonly left: Expression; readonly right: Expression },
    item: unknown,
  ): unknown {
    const first = this.run(left, item);
    if (first === deciding) return deciding;
    const second = this.run(right, item);
    if (second === deciding) return deciding;
    return first === !deciding && second === !deciding ? !deciding : FAILED;
  }

  #overList({ op, list, each }: Extract<Expression, { op: 'exists' | 'all' }>, outer: unknown): unknown {
    const items = this.run(list, outer);
    if (!Array.isArray(items)) return FAILED;
    const deciding = op === 'exists';
    let result: unknown = !deciding;
    for (const item of items) {
      const value = this.run(each, item);
      if (value === deciding) return deciding;
      if (value !== !deciding) result = FAILED;
      if (this.#left < 0) return FAILED;
    }
    return result;
  }

  #compare(op: string, left: unknown, right: unknown): unknown {
    if (left === FAILED || right === FAILED) return FAILED;
    switch (op) {
      case '==':
        return this.#equal(left, right);
      case '!=': {
        const equal = this.#equal(left, right);
        return typeof equal === 'boolean' ? !equal : FAILED;
      }
      case 'in':
        return this.#isIn(left, right);
      default: {
        const order = this.#isCharged(left) ? orderOf(left, right) : undefined;
        if (order === undefined) return FAILED;
        return op === '<' ? order < 0 : op === '<=' ? order <= 0 : op === '>' ? order > 0 : order >= 0;
      }
    }
  }

  #isIn(value: unknown, list: unknown): unknown {
    if (!Array.isArray(list)) return FAILED;
    let result: unknown = false;
    for (const member of list) {
      if (!this.#step()) return FAILED;
      const equal = this.#equal(value, member);
      if (equal === true) return true;
      if (equal === FAILED) result = FAILED;
    }
    return result;
  }

  /** Values of different types are different. An object is compared with nothing. */
  #equal(left: unknown, right: unknown): unknown {
    if (Array.isArray(left) && Array.isArray(right)) return this.#sameLists(left, right);
    if (isScalar(left) && isScalar(right)) return this.#isCharged(left) ? left === right : FAILED;
    const isListAndScalar =
      (Array.isArray(left) && isScalar(right)) || (isScalar(left) && Array.isArray(right));
    return isListAndScalar ? false : FAILED;
  }

  /** Characters of a text, members of a list. */
  #sizeOf(value: unknown): unknown {
    if (!this.#isCharged(value)) return FAILED;
    if (typeof value === 'string') return Array.from(value).length;
    return Array.isArray(value) ? value.length : FAILED;
  }

  #testText(op: TextTest, text: unknown, part: unknown): unknown {
    if (typeof text !== 'string' || typeof part !== 'string' || !this.#isCharged(text)) return FAILED;
    return op === 'contains' ? text.includes(part) : text[op](part);
  }

  #sameLists(left: readonly unknown[], right: readonly unknown[]): unknown {
    if (left.length !== right.length) return false;
    for (const [index, member] of left.entries()) {
      if (!this.#step()) return FAILED;
      const equal = this.#equal(member, right[index]);
      if (equal !== true) return equal;
    }
    return true;
  }
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** Numbers by size, texts by their characters, `false` before `true`. Other pairs have no order. */
function orderOf(left: unknown, right: unknown): number | undefined {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  return typeof left === 'string' && typeof right === 'string' ? compareTexts(left, right) : undefined;
}

/** By code point: JavaScript compares UTF-16 units, which put some characters in another order. */
function compareTexts(left: string, right: string): number {
  let at = 0;
  while (at < left.length && left[at] === right[at]) at += 1;
  return (left.codePointAt(at) ?? -1) - (right.codePointAt(at) ?? -1);
}
