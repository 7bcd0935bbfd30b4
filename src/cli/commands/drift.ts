/** `waybill drift PATH FILE… --from FORMAT`: compares a graph with what happens, or with what a mesh allows. */
import type { Command } from 'commander';
import {
  findDrift,
  warningText,
  type Coverage,
  type Drift,
  type DriftFinding,
  type DriftSide,
} from '../../architect/traces/index.ts';
import { planOf, withDatedGraphOptions, type GraphArguments } from '../arguments/graph-arguments.ts';
import { graphAndFiles, withGraphPaths, type GraphPathArguments } from '../arguments/graph-paths.ts';
import { withRenames, type RenameArguments } from '../arguments/renames.ts';
import { observeFiles, withSourceOptions, type SourceArguments } from '../arguments/source-arguments.ts';
import { paint, plain, plural, print, printJson } from '../output/terminal.ts';

interface DriftOptions extends GraphArguments, GraphPathArguments, SourceArguments, RenameArguments {
  readonly json?: boolean;
  readonly all?: boolean;
}

export function addDrift(program: Command): void {
  const command = program
    .command('drift')
    .summary('compare a graph with traces: undeclared calls, unused permissions, probabilities')
    .description(
      'Compares a graph with traces, a mesh or its policies, operation by operation. Exit 1: the files contain a call that the graph does not declare.',
    )
    .usage('[options] PATH FILE...\n       waybill drift [options] FILE... --graph PATH...')
    .argument('<path>', 'a graph file, or a folder of them; not with --graph')
    .argument('[file...]', 'exported files; - reads standard input')
    .option('--all', 'list notes too')
    .option('--json', 'print {"ok", "basis", "read", "coverage", "findings": […], "doubts": […]}');
  withGraphPaths(withSourceOptions(command), 'the graph');
  withRenames(withDatedGraphOptions(command)).action(
    async (first: string, others: string[], options: DriftOptions) => {
      const { graph, files } = graphAndFiles([first, ...others], options);
      const plan = planOf(graph, options, 'draft');
      const drift = findDrift(plan, await observeFiles(files, options));
      if (options.json) printJson(drift);
      else print(report(drift, options.all ?? false));
      process.exitCode = drift.ok ? 0 : 1;
    },
  );
}

interface Section {
  readonly codes: readonly DriftFinding['code'][];
  readonly title: string;
  /** Default: the title. */
  readonly ofPolicy?: string;
}

const SECTIONS: readonly Section[] = [
  {
    codes: ['undeclared-call', 'undeclared-request'],
    title: 'Seen but not declared',
    ofPolicy: 'Allowed but not declared',
  },
  { codes: ['unseen-call', 'unseen-request'], title: 'Declared but never seen: permissions you may remove' },
  {
    codes: ['coarse-caller', 'coarse-callee'],
    title: 'Scopes that grant some operations more than they use: split them',
  },
  { codes: ['probability'], title: 'Made more or less often than declared' },
  { codes: ['undeclared-link'], title: 'Calls without a token that the graph does not declare' },
  { codes: ['not-exercised'], title: 'Declared; the caller does not appear in these traces' },
];
const SHOWN_WARNINGS = 20;

function report({ ok, basis, read, coverage, findings, doubts }: Drift, all: boolean): string {
  const parts: string[] = [];
  const counts: string[] = [];
  for (const { codes, title, ofPolicy = title } of SECTIONS) {
    const found = findings.filter(({ code }) => codes.includes(code));
    const [first] = found;
    if (!first) continue;
    const heading = `${basis === 'policy' ? ofPolicy : title} (${found.length.toLocaleString('en')})`;
    if (first.severity === 'note' && !all) {
      counts.push(heading);
      continue;
    }
    const colour =
      first.severity === 'error' ? paint.red : first.severity === 'warning' ? paint.yellow : paint.dim;
    parts.push([paint.bold(colour(heading)), ...found.map(line)].join('\n'));
  }
  if (counts.length > 0) parts.push(paint.dim([...counts, '--all lists these.'].join('\n')));
  const unsaid = doubts.slice(0, SHOWN_WARNINGS).map((warning) => `  ${plain(warningText(warning))}`);
  if (unsaid.length > 0) parts.push(['What the source does not say', ...unsaid].join('\n'));
  const verdict = ok ? `${paint.green('✓')} The graph declares everything that was seen` : 'Drift found';
  parts.push(
    `${verdict} (${read.count.toLocaleString('en')} ${read.what}).\n${coverageText(coverage, basis)}`,
  );
  return parts.join('\n\n');
}

/** How much the verdict is worth. */
function coverageText({ calls, scopes, services }: Coverage, basis: Drift['basis']): string {
  const of = ({ seen, declared }: { seen: number; declared: number }, what: string): string =>
    `${seen.toLocaleString('en')} of ${plural(declared, what)}`;
  const what = `${of(calls, 'declared call')}, ${of(scopes, 'scope')}, ${of(services, 'service')}`;
  const unclear =
    calls.unclear === 0
      ? ''
      : ` ${plural(calls.unclear, 'more call')} perhaps: the operation or the caller is unknown.`;
  return `${basis === 'policy' ? 'The policies cover' : 'The traces cover'} ${what}.${unclear}`;
}

function line({ caller, callee, file, line: number, count, runs, message, code }: DriftFinding): string {
  const place = file === '' ? '' : `  ${paint.dim(`${plain(file)}:${number}`)}`;
  const often = count > 0 && runs > 0 && code !== 'probability' ? `  ${plural(count, 'time')}` : '';
  const arrow = `${caller ? side(caller) : 'from outside'} -> ${side(callee)}`;
  return `  ${arrow}${often}\n    ${plain(message)}${place}`;
}

function side({ name, scope, operations = [] }: DriftSide): string {
  const named = scope === undefined ? '' : ` ${paint.cyan(plain(scope))}`;
  const shown = operations.slice(0, 4).map(plain).join(', ');
  const more = operations.length > 4 ? `, ${operations.length - 4} more` : '';
  return `${paint.bold(plain(name))}${named}${shown === '' ? '' : ` (${shown}${more})`}`;
}
