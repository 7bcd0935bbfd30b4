/** What commands share that look at a request: its scopes and resources. */
import type { Command } from 'commander';
import type { TreeRequest } from '../../graph/index.ts';

export interface RequestArguments {
  readonly scope?: string;
  readonly resource: readonly string[];
}

export function withRequestOptions(command: Command): Command {
  return command
    .option('--scope <scopes>', "what for, space-separated; default: the client's default scopes")
    .option(
      '--resource <uri>',
      "the entry's audience, where scopes of several entries are asked for",
      (uri: string, earlier: readonly string[]) => [...earlier, uri],
      [],
    );
}

export function requestOf({ scope = '', resource }: RequestArguments): TreeRequest {
  return { scopes: scope.split(/\s+/).filter((name) => name !== ''), resources: resource };
}
