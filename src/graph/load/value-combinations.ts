/** All values that the variables of a graph can have together. */
import { Findings } from '../finding.ts';
import { declareVariables } from './declared-variables.ts';
import { readSources } from './files.ts';
import { parseYaml } from './yaml.ts';

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
  const roots = readSources(paths, findings).flatMap((source) => {
    const root = parseYaml(source, findings);
    return root?.kind === 'map' ? [root] : [];
  });
  let count = 1;
  let list: readonly ReadonlyMap<string, string>[] = [given];
  for (const [name, { choices }] of declareVariables(roots, given, findings)) {
    if (!choices || choices.length === 0 || given.has(name)) continue;
    count *= choices.length;
    list = choices
      .flatMap(({ text }) => list.map((values) => new Map(values).set(name, text)))
      .slice(0, most);
  }
  return { count, list };
}
