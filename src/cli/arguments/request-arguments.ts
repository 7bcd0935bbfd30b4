/** Shared by commands about a request: its scopes and resources. */
import { Option, type Command } from 'commander';
import type { TreeRequest } from '../../graph/index.ts';

export interface RequestArguments {
  readonly scope?: string;
  readonly resource: readonly string[];
}

export function withRequestOptions(command: Command): Command {
  return command
    .option('--scope <scopes>', "the requested scopes, space-separated; default: the client's default scopes")
    .addOption(
      new Option(
        '--resource <uri>',
        'the audience of the entry service, if several have such scopes (repeatable)',
      )
        .argParser((uri: string, earlier: readonly string[]) => [...earlier, uri])
        .default([], 'none'),
    );
}

export function requestOf({ scope = '', resource }: RequestArguments): TreeRequest {
  return { scopes: scope.split(/\s+/).filter((name) => name !== ''), resources: resource };
}
