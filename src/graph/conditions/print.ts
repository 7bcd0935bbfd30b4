/** A condition as CEL, in one spelling whatever the author's was. */
import { conjunctsOf, factName, type Expression, type Literal } from './expression.ts';

/** A name for the member of a list: the author's is not kept. */
const MEMBER = 'x';

export function celOf(expression: Expression): string {
  switch (expression.op) {
    case 'literal':
      return literalText(expression.value);
    case 'list':
      return `[${expression.items.map(literalText).join(', ')}]`;
    case 'fact':
      return factName(expression.fact);
    case 'item':
      return MEMBER;
    case '&&':
      return conjunctsOf(expression).map(operand).join(' && ');
    case '||':
      return [expression.left, expression.right]
        .map((side) => (side.op === '||' ? celOf(side) : operand(side)))
        .join(' || ');
    case 'not':
      return `!${inner(expression.of)}`;
    case 'negate':
      return `-${inner(expression.of)}`;
    case 'size':
      return `size(${celOf(expression.of)})`;
    case 'has':
      return `has(${factName(expression.fact)})`;
    case 'startsWith':
    case 'endsWith':
    case 'contains':
      return `${inner(expression.of)}.${expression.op}(${celOf(expression.part)})`;
    case 'exists':
    case 'all':
      return `${inner(expression.list)}.${expression.op}(${MEMBER}, ${celOf(expression.each)})`;
    default:
      return `${inner(expression.left)} ${expression.op} ${inner(expression.right)}`;
  }
}

/** In parentheses where operators would bind otherwise. */
function inner(expression: Expression): string {
  return 'left' in expression ? `(${celOf(expression)})` : celOf(expression);
}

/** Comparisons bind closer than `&&` and `||`. */
function operand(expression: Expression): string {
  return expression.op === '&&' || expression.op === '||' ? `(${celOf(expression)})` : celOf(expression);
}

function literalText(value: Literal): string {
  return JSON.stringify(value);
}
