/** Shared by all commands that read a graph: the values of variables, compiling, and printing findings. */
import { readFileSync } from 'node:fs';
import { getOrAdd } from '../../get-or-add.ts';
import { InvalidArgumentError, type Command } from 'commander';
import { isDay, startOf, type Finding, type FindingCode, type Plan } from '../../graph/index.ts';
import { judgeOverlays } from '../../architect/diff/index.ts';
import { compileGraph, type Compiled } from '../../planning/index.ts';
import { variableValues, withVariableOptions, type VariableArguments } from './variable-arguments.ts';
import { placeList } from '../output/place-list.ts';
import { GraphRefused } from '../output/report.ts';
import { paint, plain, plural, printError } from '../output/terminal.ts';

export interface GraphArguments extends VariableArguments {
  readonly allowHttpIssuer?: boolean;
  /** Seconds since the epoch; absent: now. */
  readonly at?: number;
}

export function withGraphOptions(command: Command): Command {
  return withVariableOptions(command).option(
    '--allow-http-issuer',
    'accept an http URL of the issuer that is not on loopback: inside a mesh whose proxies encrypt',
  );
}

/** For commands that look at a graph, on any day. */
export function withDatedGraphOptions(command: Command): Command {
  return withGraphOptions(command).option(
    '--at <date>',
    'look at the graph as on this day, YYYY-MM-DD in UTC: what has an `until` before it has ended; default: today',
    readDay,
  );
}

function readDay(text: string): number {
  if (!isDay(text)) throw new InvalidArgumentError('Write a day as 2027-03-31.');
  return startOf(text);
}

export function compileArguments(paths: readonly string[], options: GraphArguments): Compiled {
  return compileGraph(paths, graphOptions(options));
}

/** The same for commands that show warnings: what overlays change is judged too. */
export function checkArguments(paths: readonly string[], options: GraphArguments): Compiled {
  return compileGraph(paths, { ...graphOptions(options), judgeOverlays });
}

/** What compiling takes of the command line. @throws WaybillError `usage` if a file of variables cannot be read. */
export function graphOptions({ allowHttpIssuer = false, at, ...given }: GraphArguments) {
  return {
    variables: variableValues(given),
    allowHttpIssuer,
    ...(at === undefined ? {} : { clock: () => at }),
  };
}

export function errorsOf(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((finding) => finding.severity === 'error');
}

/**
 * For commands that need a graph: prints its errors.
 *
 * @throws GraphRefused if there is no plan.
 */
export function requirePlan(compiled: Compiled, kind: 'plan' | 'draft'): Plan {
  const errors = errorsOf(compiled.findings);
  if (errors.length > 0) printError(findingsText(errors));
  if (compiled.leftOut.length > 0) printError(`\n${paint.dim(leftOutText(compiled.leftOut))}`);
  const plan = compiled[kind];
  if (!plan) throw new GraphRefused();
  return plan;
}

/** For commands that need nothing but the plan. @throws GraphRefused if there is none. */
export function planOf(paths: readonly string[], options: GraphArguments, kind: 'plan' | 'draft'): Plan {
  return requirePlan(compileArguments(paths, options), kind);
}

/** Findings for people: place, message, the line with a mark under it, further places, what to do. */
export function findingsText(findings: readonly Finding[]): string {
  const lines = new SourceLines();
  return findings.map((finding) => findingText(finding, lines)).join('\n\n');
}

/** They are about a file as a whole, or one that was not read. */
const OF_FILES: ReadonlySet<FindingCode> = new Set([
  'file-unreadable',
  'no-files',
  'file-too-large',
  'not-utf8',
]);

/** Further places that the text lists; JSON has all. */
const SHOWN_PLACES = 5;

function findingText(finding: Finding, lines: SourceLines): string {
  const { file, line, column, severity, code, message, hint, places } = finding;
  const also = placeList(places, file, SHOWN_PLACES);
  const colour = severity === 'error' ? paint.red : paint.yellow;
  const place =
    file === ''
      ? ''
      : `${paint.bold(OF_FILES.has(code) ? plain(file) : `${plain(file)}:${line}:${column}`)}  `;
  const text = lines.read(file, line);
  const number = String(line).padStart(5);
  const excerpt =
    text === undefined
      ? []
      : [
          paint.dim(`${number} | ${plain(text)}`),
          `${' '.repeat(8)}${' '.repeat(plain(text.slice(0, column - 1)).length)}${colour('^')}`,
        ];
  return [
    `${place}${colour(severity)}  ${paint.dim(code)}`,
    `  ${plain(message)}`,
    ...excerpt,
    ...(also === '' ? [] : [`  ${paint.dim(plain(also))}`]),
    ...(hint === '' ? [] : [`  ${paint.cyan(plain(hint))}`]),
  ].join('\n');
}

const SHOWN_COLUMNS = 200;
const MAX_READ = 16 * 1024 * 1024;

/** Lines of files with findings; each file is read once. */
class SourceLines {
  readonly #files = new Map<string, readonly string[]>();

  read(file: string, line: number): string | undefined {
    if (file === '') return undefined;
    const lines = getOrAdd(this.#files, file, () => readLines(file));
    const text = lines[line - 1];
    return text === undefined || text.length > SHOWN_COLUMNS ? undefined : text;
  }
}

function readLines(file: string): readonly string[] {
  try {
    const text = readFileSync(file, 'utf8');
    return text.length > MAX_READ ? [] : text.split(/\r?\n/);
  } catch {
    return [];
  }
}

/** Kinds of findings that one line names. */
const SHOWN_KINDS = 6;

/** Says in one line which findings an error has kept back. */
export function leftOutText(leftOut: readonly FindingCode[]): string {
  const kinds =
    leftOut.length > SHOWN_KINDS
      ? `${leftOut.slice(0, SHOWN_KINDS).join(', ')} and ${leftOut.length - SHOWN_KINDS} more kinds`
      : leftOut.join(', ');
  return `Left out until the errors above are fixed: ${kinds}.`;
}

export function countFindings(findings: readonly Finding[]): string {
  const errors = errorsOf(findings).length;
  return `${plural(errors, 'error')}, ${plural(findings.length - errors, 'warning')}`;
}
