/** `--rename seen=name`: what a source calls a party, and what the graph calls it. */
import { InvalidArgumentError, Option, type Command } from 'commander';

export interface RenameArguments {
  readonly rename: ReadonlyMap<string, string>;
}

export function withRenames(command: Command): Command {
  return command.addOption(
    new Option(
      '--rename <seen=name>',
      "the graph's name for a party that the source names otherwise (repeatable)",
    )
      .argParser((text: string, earlier: ReadonlyMap<string, string>) => {
        const at = text.lastIndexOf('=');
        if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('Write seen=name.');
        return new Map(earlier).set(text.slice(0, at), text.slice(at + 1));
      })
      .default(new Map<string, string>(), 'none'),
  );
}
