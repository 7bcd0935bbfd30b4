/** Shared by commands about a request: its scopes and resources. */
import type { Command } from 'commander';
import type { TreeRequest } from '../../graph/index.ts';

export interface RequestArguments {
  readonly scope?: string;
  readonly resource: readonly string[];
}

export function withRequestOptions(command: Command): Command {
  return command
    .option('--scope <scopes>', "the requested scopes, space-separated; default: the client's default scopes")
    .option(
      '--resource <uri>',
      'the audience of the entry service, if several have such scopes (repeatable)',
      (uri: string, earlier: readonly string[]) => [...earlier, uri],
      [],
    );
}

export function requestOf({ scope = '', resource }: RequestArguments): TreeRequest {
  return { scopes: scope.split(/\s+/).filter((name) => name !== ''), resources: resource };
}
