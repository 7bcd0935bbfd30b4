/** Values for the variables of a graph: `--var name=value` and `--vars FILE`. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { readVariableFile } from '../../graph/index.ts';

export interface VariableArguments {
  readonly var: ReadonlyMap<string, string>;
  /** Paths of files. */
  readonly vars: readonly string[];
}

export function withVariableOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--var <name=value>', 'the value of ${name}, instead of the one in `vars` (repeatable)')
        .argParser(collect)
        .default(new Map<string, string>(), 'none'),
    )
    .addOption(
      new Option('--vars <file>', 'a YAML file of such values; --var counts before it (repeatable)')
        .argParser((path: string, earlier: readonly string[]) => [...earlier, path])
        .default([], 'none'),
    );
}

function collect(text: string, earlier: Map<string, string>): Map<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Use the form name=value.');
  return new Map(earlier).set(text.slice(0, at), text.slice(at + 1));
}

/**
 * Reads the files anew each time, because they may have changed. A later file counts before an earlier one.
 *
 * @throws WaybillError `usage` if a file cannot be read.
 */
export function variableValues({ var: single, vars }: VariableArguments): ReadonlyMap<string, string> {
  return new Map([...vars.flatMap((path) => [...readVariableFile(path)]), ...single]);
}
