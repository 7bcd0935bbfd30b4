/** What conditions ask of a login: levels (`auth.acr`) and its age (`auth.age`). */
import { eachPart, type Expression, type Literal } from './expression.ts';

/** The levels that it names, in the order of the text. */
export function levelsIn(expression: Expression): readonly string[] {
  const levels = [...eachPart(expression)].flatMap((part) => {
    if (part.op !== '==' && part.op !== '!=' && part.op !== 'in') return [];
    const [left, right] = [part.left, part.right];
    if (reads(left, 'acr')) return literalsIn(right);
    return reads(right, 'acr') ? literalsIn(left) : [];
  });
  return [...new Set(levels.filter((level) => typeof level === 'string'))];
}

export function readsAge(expression: Expression): boolean {
  return [...eachPart(expression)].some((part) => reads(part, 'age'));
}

/** Seconds: the smallest age that it compares the login's with, as the oldest that is accepted. */
export function smallestAge(expression: Expression): number | undefined {
  const bounds = [...eachPart(expression)].flatMap((part): number[] => {
    switch (part.op) {
      case '<':
      case '<=':
        return boundOf(part.left, part.right, part.op === '<');
      case '>':
      case '>=':
        return boundOf(part.right, part.left, part.op === '>');
      default:
        return [];
    }
  });
  return bounds.length === 0 ? undefined : Math.max(0, Math.min(...bounds));
}

function boundOf(smaller: Expression, larger: Expression, isStrict: boolean): number[] {
  if (!reads(smaller, 'age') || larger.op !== 'literal' || typeof larger.value !== 'number') return [];
  return [isStrict ? larger.value - 1 : larger.value];
}

function reads(part: Expression, source: 'acr' | 'age'): boolean {
  return part.op === 'fact' && part.fact.source === source;
}

function literalsIn(part: Expression): readonly Literal[] {
  if (part.op === 'list') return part.items;
  return part.op === 'literal' ? [part.value] : [];
}
