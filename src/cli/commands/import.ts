/** `waybill import FILE… --from FORMAT`: a first graph from traces, a mesh or its policies, or what one lacks. */
import { existsSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import type { Command } from 'commander';
import { draftGraph, mergeObservation, type Merge, type Observation } from '../../architect/traces/index.ts';
import {
  compileArguments,
  findingsText,
  requirePlan,
  withGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { withRenames, type RenameArguments } from '../arguments/renames.ts';
import { replaceFiles } from '../output/save.ts';
import { observeFiles, withSourceOptions, type SourceArguments } from '../arguments/source-arguments.ts';
import { paint, plain, plural, print, printDocument, printError } from '../output/terminal.ts';

interface ImportOptions extends GraphArguments, SourceArguments, RenameArguments {
  readonly name?: string;
  readonly into?: string;
  readonly write?: boolean;
}

export function addImport(program: Command): void {
  const command = program
    .command('import')
    .summary('draw a first graph from traces, a mesh or its policies')
    .description(
      'Prints a graph: services, operations as scopes, calls and how often they are made, with comments where the source leaves a doubt. With --into, prints as a patch what a graph lacks.',
    )
    .argument('<file...>', 'exports, all of one format; - reads standard input')
    .option('--name <name>', "the graph's name; default: that of the first file")
    .option(
      '--into <path>',
      'a graph that exists, a file or a folder: its names are kept, and only what it lacks is added',
    )
    .option('--write', 'with --into: write the additions instead of printing them');
  withRenames(withGraphOptions(withSourceOptions(command))).action(
    async (files: string[], options: ImportOptions) => {
      if (options.into !== undefined) return addInto(options.into, files, options);
      const observation = await observeFiles(files, options);
      const origin = originOf(files, observation);
      printDocument(draftGraph(observation, { name: options.name ?? nameOf(files), origin }).trimEnd());
      printWarnings(observation);
    },
  );
}

async function addInto(path: string, files: readonly string[], options: ImportOptions): Promise<void> {
  const plan = requirePlan(compileArguments([path], options), 'draft');
  if (!plan) {
    process.exitCode = 1;
    return;
  }
  const observation = await observeFiles(files, options);
  const merge = mergeObservation(plan, observation, {
    renames: options.rename,
    newParties: fileOfNewParties(path),
  });
  if (options.write) {
    replaceFiles(merge.changes.map(({ file, after }) => ({ file, text: after })));
    const { findings } = compileArguments([path], options);
    if (findings.length > 0) print(`${findingsText(findings)}\n`);
    print(
      `${paint.green('✓')} ${merge.changes.map(({ file }) => plain(file)).join(', ') || 'Nothing'} written.`,
    );
  } else if (merge.changes.length > 0)
    printDocument(merge.changes.map(({ patch }) => patch.trimEnd()).join('\n'));
  tellByHand(merge);
  printWarnings(observation);
}

/** Parties that a graph does not have yet go to its one file, or to a new one in its folder. */
function fileOfNewParties(path: string): string {
  if (!statSync(path).isDirectory()) return path;
  for (let number = 1; ; number++) {
    const file = join(path, number === 1 ? 'imported.yaml' : `imported-${number}.yaml`);
    if (!existsSync(file)) return file;
  }
}

function tellByHand({ changes, byHand }: Merge): void {
  if (changes.length === 0 && byHand.length === 0) printError('The graph has all of it.');
  if (byHand.length === 0) return;
  printError(
    `${paint.yellow('by hand')}  ${plural(byHand.length, 'addition')} that cannot be made without touching what you wrote:`,
  );
  for (const { file, line, what } of byHand) printError(`  ${plain(file)}:${line}  ${plain(what)}`);
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
function printWarnings({ warnings }: Observation): void {
  for (const { message, count } of warnings)
    printError(`${paint.yellow('doubt')}  ${plain(message)}: ${count.toLocaleString('en')}.`);
}
