/**
 * A condition as a tree of plain data: the part of CEL (Common Expression Language) that conditions may use. It can be
 * evaluated, sent to another thread and to the explorer's page, and translated. There are no regular expressions, no clock
 * and no arithmetic in it, so its cost is bounded by its size and that of the lists it reads.
 */

import type { ClaimSetter, ClaimType } from '../declare/declaration.ts';

export type Literal = string | number | boolean;

/** Whose claims facts are. */
export type ClaimFactSource = 'subject' | 'request' | 'client';

/** Something known of a request when its tree begins. */
export type Fact =
  | {
      readonly source: ClaimFactSource;
      /** The claim's name in the graph; of an undeclared claim of the subject, its path. */
      readonly name: string;
      /** Where the subject's token or the client has it; of a request, the name. */
      readonly path: string;
      readonly type: ClaimType;
      /** Of a claim of the request. */
      readonly setBy?: ClaimSetter;
    }
  | { readonly source: 'provider' | 'acr' | 'age'; readonly type: ClaimType };

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in';
export const COMPARISONS = ['==', '!=', '<', '<=', '>', '>=', 'in'] as const satisfies readonly Comparison[];
export type TextTest = 'startsWith' | 'endsWith' | 'contains';
export const TEXT_TESTS = ['startsWith', 'endsWith', 'contains'] as const satisfies readonly TextTest[];

export type Expression =
  | { readonly op: 'literal'; readonly value: Literal }
  | { readonly op: 'list'; readonly items: readonly Literal[] }
  | { readonly op: 'fact'; readonly fact: Fact }
  /** The member of the list that `exists` or `all` looks at. They do not nest, so it needs no name. */
  | { readonly op: 'item' }
  | { readonly op: '&&' | '||'; readonly left: Expression; readonly right: Expression }
  | { readonly op: Comparison; readonly left: Expression; readonly right: Expression }
  | { readonly op: 'not' | 'negate' | 'size'; readonly of: Expression }
  | { readonly op: 'has'; readonly fact: Fact }
  | { readonly op: TextTest; readonly of: Expression; readonly part: Expression }
  | { readonly op: 'exists' | 'all'; readonly list: Expression; readonly each: Expression };

/** Parts that must all hold. */
export function conjunctsOf(expression: Expression): readonly Expression[] {
  if (expression.op !== '&&') return [expression];
  return [...conjunctsOf(expression.left), ...conjunctsOf(expression.right)];
}

/** Expressions directly inside one. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.op) {
    case 'literal':
    case 'list':
    case 'fact':
    case 'item':
    case 'has':
      return [];
    case 'not':
    case 'negate':
    case 'size':
      return [expression.of];
    case 'startsWith':
    case 'endsWith':
    case 'contains':
      return [expression.of, expression.part];
    case 'exists':
    case 'all':
      return [expression.list, expression.each];
    default:
      return [expression.left, expression.right];
  }
}

/** The expression and all inside it, in the order of the text. */
export function* eachPart(expression: Expression): Generator<Expression> {
  yield expression;
  for (const part of partsOf(expression)) yield* eachPart(part);
}

/** Every fact that it reads, each as often as it does. */
export function factsOf(expression: Expression): Fact[] {
  return [...eachPart(expression)].flatMap((part) =>
    part.op === 'fact' || part.op === 'has' ? [part.fact] : [],
  );
}

/** As an author writes it. */
export function factName(fact: Fact): string {
  switch (fact.source) {
    case 'provider':
      return 'provider';
    case 'acr':
    case 'age':
      return `auth.${fact.source}`;
    default:
      return `${fact.source}.${fact.name}`;
  }
}

/** Where these expressions read the subject's token. */
export function subjectPaths(
  expressions: readonly { readonly expression: Expression }[],
): ReadonlySet<string> {
  const facts = expressions.flatMap(({ expression }) => factsOf(expression));
  return new Set(facts.flatMap((fact) => (fact.source === 'subject' ? [fact.path] : [])));
}
