/** `--graph PATH…`: a graph of several files or folders, for commands whose arguments name something else too. */
import type { Command } from 'commander';
import { usageError } from '../../errors.ts';

export interface GraphPathArguments {
  readonly graph?: readonly string[];
}

const SEVERAL = 'Separate several paths by spaces, and put other files before this option';

/** @param what the graph is for the command. */
export function withGraphPaths(command: Command, what: string): Command {
  return command.option(
    '--graph <path...>',
    `${what}: files, or folders of them; together one graph. ${SEVERAL}`,
  );
}

/**
 * Tells the graph from the files of a command that takes both. Without `--graph` the first argument is the graph.
 *
 * @throws WaybillError `usage` if there is no file.
 */
export function graphAndFiles(
  [first = '', ...others]: readonly string[],
  { graph }: GraphPathArguments,
): { readonly graph: readonly string[]; readonly files: readonly string[] } {
  const found = graph ? { graph, files: [first, ...others] } : { graph: [first], files: others };
  if (found.files.length > 0) return found;
  throw usageError(`There is no file to compare with ${first}. Name it after the graph, or before --graph.`);
}
