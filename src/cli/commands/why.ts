/** `waybill why PATH... SERVICE:SCOPE`: every client that reaches the scope, and the calls that lead there. */
import { termTexts, type Plan } from '../../graph/index.ts';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { usageError } from '../../errors.ts';
import {
  pathsToClaim,
  pathsToScope,
  type ClientPaths,
  type Reached,
  type PathStep,
} from '../../planning/access/index.ts';
import { planOf, withDatedGraphOptions, type GraphArguments } from '../arguments/graph-arguments.ts';
import { selectorLine } from '../output/selector-text.ts';
import { paint, plain, plural, print, printJson } from '../output/terminal.ts';
import { numberBetween } from '../arguments/number.ts';
import { renderColumns } from '../output/tree.ts';

interface WhyOptions extends GraphArguments {
  readonly claim?: string;
  readonly most: number;
  readonly json?: boolean;
}

/** Clients that are listed; the rest is only counted. */
const SHOWN_CLIENTS = 20;

export function addWhy(program: Command): void {
  withDatedGraphOptions(
    program
      .command('why')
      .summary('show which clients reach a scope or a claim, and through which calls')
      .description(
        'Shows every client that reaches a scope, or a token with a claim, and the paths of calls, the shortest first. Exit 1: no client does.',
      )
      .usage('[options] PATH... SERVICE:SCOPE\n       waybill why [options] PATH... --claim NAME')
      .argument('<path...>', 'graph files, or folders of them; together one graph; then SERVICE:SCOPE')
      .option('--claim <name>', 'show who reaches tokens with this claim, instead of a scope')
      .option('--most <number>', 'paths to show for each client', numberBetween(1, 9999), 5)
      .option('--json', 'print {"targets", "clients": [{"client", "count", "ways"}]}'),
  ).action((args: string[], options: WhyOptions) => {
    const { most, claim } = options;
    const scope = claim === undefined && args.length > 1 ? scopeIn(args) : undefined;
    const paths = scope === undefined ? args : args.slice(0, -1);
    if (
      (scope === undefined) === (claim === undefined) ||
      (claim !== undefined && scopeIn(args)?.includes(':'))
    )
      throw usageError('Give a graph, and either SERVICE:SCOPE or --claim NAME.');
    const plan = planOf(paths, options, 'draft');
    const reached =
      claim === undefined ? pathsToScope(plan, scope ?? '', { most }) : pathsToClaim(plan, claim, { most });
    if (options.json) printJson(reached);
    else
      print(
        [
          report(claim === undefined ? (scope ?? '') : `The claim ${claim}`, reached),
          ...selectorsOn(plan, reached),
        ].join('\n'),
      );
    if (reached.clients.length === 0) process.exitCode = 1;
  });
}

/** What stands last, unless a file is meant that is there: a scope may have slashes and colons in its name, as a path has. */
function scopeIn(args: readonly string[]): string | undefined {
  const last = args.at(-1);
  return last === undefined || existsSync(last) ? undefined : last;
}

/** Whom the selectors on the scopes in question stand for. */
function selectorsOn({ selectors }: Plan, { targets }: Reached): string[] {
  const here = selectors.filter(({ party, scope }) => targets.includes(`${party}:${scope}`));
  return here.length === 0 ? [] : ['', ...here.map(selectorLine)];
}

function report(what: string, { clients }: Reached): string {
  if (clients.length === 0) return `${paint.bold(plain(what))}: no client reaches it.`;
  const shown = clients.slice(0, SHOWN_CLIENTS).map(drawClient);
  const others = clients.slice(SHOWN_CLIENTS);
  return [
    `${paint.bold(plain(what))}: ${plural(clients.length, 'client')} ${clients.length === 1 ? 'reaches' : 'reach'} it.`,
    ...shown,
    ...(others.length > 0 ? [`${plural(others.length, 'client')} more; --json has all of them.`] : []),
  ].join('\n\n');
}

function drawClient({ client, count, ways }: ClientPaths): string {
  const more =
    count === null ? 'There are more.' : count > ways.length ? `${number(count - ways.length)} more.` : '';
  return [
    `${paint.bold(client)}  ${paint.dim(count === null ? 'too many paths to count' : countPaths(count))}`,
    ways.map(drawWay).join('\n\n'),
    ...(more === '' ? [] : [paint.dim(`  ${more}`)]),
  ].join('\n');
}

function countPaths(count: number): string {
  return count === 1 ? '1 path' : `${number(count)} paths`;
}

function number(count: number): string {
  return count > 1e15 ? 'more than 10^15' : count.toLocaleString('en');
}

function drawWay(way: readonly PathStep[]): string {
  return renderColumns(
    way.map(({ callee, mode, until, file, line, ...terms }) => [
      `  → ${paint.cyan(callee)}${[...termTexts(terms, 1), ...(until === undefined ? [] : [`until ${until}`])]
        .map((text) => `  ${paint.dim(plain(`(${text})`))}`)
        .join('')}`,
      mode === 'embed' ? '' : paint.dim(mode),
      paint.dim(`${plain(file)}:${line}`),
    ]),
    [],
  );
}
