/** All values that the variables of a graph can have together. */
import { Findings } from '../finding.ts';
import { resolveVariables } from './declared-variables.ts';
import { readSources } from './files.ts';
import { KnownFiles } from './known-files.ts';
import { filesByLayer } from './overlays/layers.ts';
import { restateVariables } from './overlays/variables.ts';
import { parseFiles } from './parse-files.ts';

/**
 * Combines the values of every variable with `one_of` and of every boolean. A variable with a given value keeps it.
 *
 * @param most combinations to list.
 * @returns how many there are, and the first of them, each with the given values. Where a file cannot be read, what the
 *   others declare.
 */
export function valueCombinations(
  paths: readonly string[],
  given: ReadonlyMap<string, string>,
  most: number,
): { readonly count: number; readonly list: readonly ReadonlyMap<string, string>[] } {
  const findings = new Findings(); // whoever compiles the graph gets them
  const parsed = parseFiles(readSources(paths, findings), new KnownFiles(), findings);
  const { ordinary, overlays } = filesByLayer(parsed, paths);
  const { declarations } = restateVariables(ordinary, overlays, given);
  let count = 1;
  let list: readonly ReadonlyMap<string, string>[] = [given];
  for (const [name, { choices }] of resolveVariables(declarations, given, ordinary[0], findings)) {
    if (!choices || choices.length === 0 || given.has(name)) continue;
    count *= choices.length;
    list = choices
      .flatMap(({ text }) => list.map((values) => new Map(values).set(name, text)))
      .slice(0, most);
  }
  return { count, list };
}
