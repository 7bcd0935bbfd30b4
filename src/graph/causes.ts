/**
 * One cause is one finding with its places. In: what rules found, place by place and in file order. Out: findings. What
 * is found in the same words at several places has one cause; where the words name a party, the rule says what the
 * cause is, and how it is worded for several parties.
 */
import type { Cause, Finding, FindingPlace, Found } from './finding.ts';
import { printable } from './printable.ts';

/** A cause that several parties have: what differs is their names. */
export function causeOfParties(
  key: string,
  name: string,
  message: (names: string) => string,
  hint?: string,
): Cause<string> {
  const words = (names: readonly string[]) => {
    const text = message(partyNames(names));
    return hint === undefined ? { message: text } : { message: text, hint };
  };
  return { key, part: name, words };
}

const MOST_NAMES = 4;

/** `a and b`, `a, b, c and 9 more`. */
export function partyNames(names: readonly string[]): string {
  const shown = names.length > MOST_NAMES ? names.slice(0, MOST_NAMES - 1) : names.slice(0, -1);
  const last = names.length > MOST_NAMES ? `${names.length - shown.length} more` : names.at(-1);
  return shown.length === 0 ? `${last}` : `${shown.join(', ')} and ${last}`;
}

/** @param found in file order. @returns in the order of the first found of each. */
export function mergeCauses(found: readonly Found[]): Finding[] {
  const groups = new Map<string, Found[]>();
  for (const each of found) {
    const key = `${each.group}\n${each.note}`;
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  return [...groups.values()].map(toFinding);
}

function toFinding(found: readonly Found[]): Finding {
  const group = [...found].sort(
    (a, b) => Number(a.cause?.follows ?? false) - Number(b.cause?.follows ?? false),
  );
  const [first] = group as [Found];
  const { code, severity, file, line, column, note } = first;
  const { message, hint } = wordsOf(group);
  const places = placesOf(group).slice(1);
  return { code, severity, file, line, column, message, hint: `${hint} ${note}`.trim(), places };
}

/** The same cause may be found at one place for several parties. */
function wordsOf(group: readonly Found[]): { message: string; hint: string } {
  const [first] = group as [Found];
  const different = new Map(group.map((each) => [each.message, each.cause]));
  if (!first.cause || different.size === 1) return first;
  const parts = [...different.values()].map((cause) => cause?.part);
  const { message, hint = first.hint } = first.cause.words(parts);
  return { message: printable(message), hint: printable(hint) };
}

function placesOf(group: readonly Found[]): FindingPlace[] {
  const places = group.map(({ file, line, column }) => ({ file, line, column }));
  return [...new Map(places.map((place) => [`${place.line}:${place.column}:${place.file}`, place])).values()];
}
