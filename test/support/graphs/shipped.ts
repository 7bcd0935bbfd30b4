/** The graphs that ship with the project, each a file of `graphs/`. */
import { readdirSync } from 'node:fs';

const FOLDER = new URL('../../../graphs/', import.meta.url);

/** Names of files; those with tests of a graph are none. */
export function shippedGraphs(): string[] {
  return readdirSync(FOLDER).filter((name) => /(?<!\.test)\.yaml$/.test(name));
}
