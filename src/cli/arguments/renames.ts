/** `--rename seen=name`: maps names in a source to names in the graph. */
import { InvalidArgumentError, Option, type Command } from 'commander';

export interface RenameArguments {
  readonly rename: ReadonlyMap<string, string>;
}

export function withRenames(command: Command): Command {
  return command.addOption(
    new Option('--rename <seen=name>', 'the party `seen` of the source is `name` in the graph (repeatable)')
      .argParser((text: string, earlier: ReadonlyMap<string, string>) => {
        const at = text.lastIndexOf('=');
        if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('Use the form seen=name.');
        return new Map(earlier).set(text.slice(0, at), text.slice(at + 1));
      })
      .default(new Map<string, string>(), 'none'),
  );
}
