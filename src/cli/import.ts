/** `waybill import FILE… --from FORMAT`: a first graph from traces, a mesh or its policies. */
import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import { draftGraph, type Observation } from '../index.ts';
import { observeFiles, withSourceOptions, type SourceArguments } from './sources.ts';
import { paint, plain, print, printError } from './terminal.ts';

interface ImportOptions extends SourceArguments {
  readonly name?: string;
}

export function addImport(program: Command): void {
  withSourceOptions(
    program
      .command('import')
      .summary('draw a first graph from traces, a mesh or its policies')
      .description(
        'Prints a graph: services, operations as scopes, calls and how often they are made, with comments where the source leaves a doubt.',
      )
      .argument('<file...>', 'exports, all of one format; - reads standard input')
      .option('--name <name>', "the graph's name; default: that of the first file"),
  ).action(async (files: string[], options: ImportOptions) => {
    const observation = await observeFiles(files, options);
    print(
      draftGraph(observation, {
        name: options.name ?? nameOf(files),
        origin: originOf(files, observation),
      }).trimEnd(),
    );
    tellDoubts(observation);
  });
}

function nameOf([file = 'graph']: readonly string[]): string {
  return file === '-' ? 'imported' : basename(file, extname(file));
}

function originOf(files: readonly string[], { read }: Observation): string {
  const [first = '', ...others] = files.map((file) => (file === '-' ? 'standard input' : basename(file)));
  const more = others.length === 0 ? '' : ` and ${others.length.toLocaleString('en')} more`;
  return `${read.count.toLocaleString('en')} ${read.what} of ${first}${more}`;
}

/** Beside the graph, which has them as comments: whoever writes it to a file sees them too. */
export function tellDoubts({ doubts }: Observation): void {
  for (const { message, count } of doubts)
    printError(`${paint.yellow('doubt')}  ${plain(message)}: ${count.toLocaleString('en')}.`);
}
