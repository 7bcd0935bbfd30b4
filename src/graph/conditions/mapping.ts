/** The other spelling of a condition: facts, each with the values of which it has one, or holds one in a list. */
import type { GraphDeclaration } from '../declare/declaration.ts';
import type { Expression, Fact, Literal } from './expression.ts';
import { CLAIM_SOURCES, OTHER_FACTS, claimFact } from './vocabulary.ts';

/**
 * @param name as it is written: `role` and `subject.role`, `request.amount`, `client.tier`, `provider`, `acr`. A name that no
 *   claim has is a path in the subject's token.
 * @returns undefined where the claim is declared, and is not the subject's.
 */
export function factNamed(name: string, graph: Pick<GraphDeclaration, 'claims'>): Fact | undefined {
  const other = OTHER_FACTS.get(name === 'acr' ? 'auth.acr' : name);
  if (other) return other;
  if (graph.claims.has(name)) return claimFact(graph, 'subject', name);
  for (const source of CLAIM_SOURCES) {
    const fact = name.startsWith(`${source}.`) && claimFact(graph, source, name.slice(source.length + 1));
    if (fact) return fact;
  }
  return { source: 'subject', name, path: name, type: 'any' };
}

/** As CEL says the same: `f in [a, b]` for a single value, `f.exists(x, x in [a, b])` for a list, either for `any`. */
export function oneOfValues(fact: Fact, items: readonly Literal[]): Expression {
  const read = { op: 'fact', fact } as const;
  const list = { op: 'list', items } as const;
  const isOne: Expression = { op: 'in', left: read, right: list };
  if (fact.type !== 'any' && fact.type !== 'strings') return isOne;
  const hasOne: Expression = {
    op: 'exists',
    list: read,
    each: { op: 'in', left: { op: 'item' }, right: list },
  };
  return fact.type === 'strings' ? hasOne : { op: '||', left: isOne, right: hasOne };
}
