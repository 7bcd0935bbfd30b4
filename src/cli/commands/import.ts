/** `waybill import FILE… --from FORMAT`: drafts a graph from traces, a mesh or its policies, or adds to an existing one. */
import { existsSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import type { Command } from 'commander';
import { usageError } from '../../errors.ts';
import {
  draftGraph,
  mergeObservation,
  warningText,
  type Merge,
  type Observation,
} from '../../architect/traces/index.ts';
import type { Compiled } from '../../planning/index.ts';
import {
  compileArguments,
  findingsText,
  leftOutText,
  requirePlan,
  withGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { withGraphPaths, type GraphPathArguments } from '../arguments/graph-paths.ts';
import { withRenames, type RenameArguments } from '../arguments/renames.ts';
import { replaceFiles } from '../output/save.ts';
import {
  observeFiles,
  partsOf,
  withSourceOptions,
  type SourceArguments,
} from '../arguments/source-arguments.ts';
import { paint, plain, plural, print, printDocument, printError } from '../output/terminal.ts';

interface ImportOptions extends GraphArguments, GraphPathArguments, SourceArguments, RenameArguments {
  readonly name?: string;
  readonly into?: string;
  readonly write?: boolean;
}

export function addImport(program: Command): void {
  const command = program
    .command('import')
    .summary('draft a graph from traces, a mesh or its policies')
    .description(
      'Prints a graph: services, operations as scopes, calls and how often they are made, with comments where the source is incomplete. With --into, prints what an existing graph lacks, as a patch.',
    )
    .argument('<file...>', 'exported files; - reads standard input')
    .option('--name <name>', "the graph's name; default: that of the first file")
    .option('--into <path>', 'add to this graph, a file or a folder; its names and its text stay as they are')
    .option('--write', 'with --into or --graph: write the additions instead of printing them');
  withGraphPaths(command, 'like --into, for a graph of several paths');
  withRenames(withGraphOptions(withSourceOptions(command))).action(
    async (files: string[], options: ImportOptions) => {
      const paths = pathsOf(options);
      if (paths) return addTo(paths, files, options);
      const observation = await observeFiles(files, options);
      const origin = originOf(files, observation);
      printDocument(draftGraph(observation, { name: options.name ?? nameOf(files), origin }).trimEnd());
      printWarnings(observation);
    },
  );
}

/** @returns the paths of the graph to add to; undefined if a new one is wanted. @throws WaybillError `usage` */
function pathsOf({ into, graph, write, name }: ImportOptions): readonly string[] | undefined {
  if (into !== undefined && graph)
    throw usageError('--into and --graph both name the graph. Use one of them.');
  const paths = into === undefined ? graph : [into];
  if (!paths && write) throw usageError('--write needs the graph to write: --into or --graph.');
  if (paths && name !== undefined)
    throw usageError('--name is for a new graph. The graph to add to has its name.');
  return paths;
}

async function addTo(
  paths: readonly string[],
  files: readonly string[],
  options: ImportOptions,
): Promise<void> {
  const compiled = compileArguments(paths, options);
  const plan = requirePlan(compiled, 'draft');
  requireNoOverlay(compiled);
  const observation = await observeFiles(files, options);
  const merge = mergeObservation(plan, observation, {
    newParties: fileOfNewParties(paths),
  });
  if (options.write) {
    replaceFiles(merge.changes.map(({ file, after }) => ({ file, text: after })));
    const { findings, leftOut } = compileArguments(paths, options);
    if (findings.length > 0) print(`${findingsText(findings)}\n`);
    if (leftOut.length > 0) print(`${leftOutText(leftOut)}\n`);
    print(
      `${paint.green('✓')} ${merge.changes.map(({ file }) => plain(file)).join(', ') || 'Nothing'} written.`,
    );
  } else if (merge.changes.length > 0)
    printDocument(merge.changes.map(({ patch }) => patch.replace(/\n$/, '')).join('\n'));
  printByHand(merge);
  printWarnings(observation);
}

/** What an overlay removes would be added again, and what it adds would be found in no ordinary file. @throws WaybillError `usage` */
function requireNoOverlay({ overlays: [overlay] }: Compiled): void {
  if (overlay)
    throw usageError(
      `${overlay.file} is an overlay, and an import adds to ordinary files. Leave the overlay out; then add to it what only that environment needs.`,
    );
}

/** New parties go to the graph's first file, or to a new file in its folder. */
function fileOfNewParties([path = '']: readonly string[]): string {
  if (!statSync(path).isDirectory()) return path;
  for (let number = 1; ; number++) {
    const file = join(path, number === 1 ? 'imported.yaml' : `imported-${number}.yaml`);
    if (!existsSync(file)) return file;
  }
}

function printByHand({ changes, byHand }: Merge): void {
  if (changes.length === 0 && byHand.length === 0) printError('The graph lacks nothing.');
  if (byHand.length === 0) return;
  printError(
    `${paint.yellow('by hand')}  ${plural(byHand.length, 'addition')} that you must write yourself, because existing text would change:`,
  );
  for (const { file, line, what } of byHand) printError(`  ${plain(file)}:${line}  ${plain(what)}`);
}

function nameOf([first = 'graph']: readonly string[]): string {
  const { file } = partsOf(first);
  return file === '-' ? 'imported' : basename(file, extname(file));
}

function originOf(files: readonly string[], { read }: Observation): string {
  const [first = '', ...others] = files.map((argument) => {
    const { file } = partsOf(argument);
    return file === '-' ? 'standard input' : basename(file);
  });
  const more = others.length === 0 ? '' : ` and ${others.length.toLocaleString('en')} more`;
  return `${read.count.toLocaleString('en')} ${read.what} of ${first}${more}`;
}

/** On standard error too, though the graph has them as comments: its text may go to a file. */
function printWarnings({ warnings }: Observation): void {
  for (const warning of warnings) printError(`${paint.yellow('warning')}  ${plain(warningText(warning))}`);
}
