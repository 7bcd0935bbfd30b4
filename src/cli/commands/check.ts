/** `waybill check PATH…` */
import { Option, type Command } from 'commander';
import { isWaybillError, usageError } from '../../errors.ts';
import type { Plan } from '../../graph/index.ts';
import type { Compiled } from '../../planning/index.ts';
import { githubAnnotations } from '../output/annotations.ts';
import { followGraph } from '../serving/follow-files.ts';
import {
  checkArguments,
  countFindings,
  errorsOf,
  findingsText,
  leftOutText,
  withDatedGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { compileEveryValue } from '../arguments/every-value.ts';
import { overlayText } from '../output/overlay-text.ts';
import { report as reportError } from '../output/report.ts';
import { selectorLine } from '../output/selector-text.ts';
import { shortDigest } from '../output/digest.ts';
import { repositoryPaths } from '../output/repository-path.ts';
import { sarif } from '../output/sarif.ts';
import { clearScreen, paint, plain, plural, print, printJson } from '../output/terminal.ts';
import { version } from '../arguments/version.ts';

/** Clients in the summary: a large graph has hundreds. */
const SHOWN_CLIENTS = 10;

const FORMATS = ['text', 'json', 'github', 'sarif'] as const;

interface CheckOptions extends GraphArguments {
  readonly format: (typeof FORMATS)[number];
  readonly json?: boolean;
  readonly strict?: boolean;
  readonly everyValue?: boolean;
  readonly watch?: boolean;
  readonly verbose?: boolean;
}

export function addCheck(program: Command): void {
  withDatedGraphOptions(
    program
      .command('check')
      .summary('check a graph: lists every finding, where it is and what to do')
      .description(
        'Checks a graph and lists every finding. Exit 0: no errors (there may be warnings); 1: an error; 2: wrong use.',
      )
      .argument('<path...>', 'graph files, or folders of them, and overlays; together one graph')
      .addOption(
        new Option(
          '--format <format>',
          'how to print; github is annotations for a pull request, sarif is SARIF 2.1.0',
        )
          .choices(FORMATS)
          .default('text'),
      )
      .addOption(
        new Option(
          '--json',
          'print {"ok", "digest", "findings": […], "leftOut": […], "accepted": […]}, with overlays "overlays": […] too',
        ).implies({
          format: 'json',
        }),
      )
      .option('-v, --verbose', 'list whom each selector of the graph stands for')
      .option('--strict', 'exit 1 for warnings too, except those that the graph accepts')
      .option(
        '--every-value',
        'check the graph with each combination of values that `one_of` and booleans among its variables allow, at most 64',
      )
      .addOption(
        new Option('--watch', 'check again whenever a file of the graph changes, until stopped').conflicts([
          'json',
        ]),
      ),
  ).action(async (paths: string[], options: CheckOptions) => {
    if (!options.watch) check(paths, options);
    else if (options.format === 'text') await watch(paths, options);
    else throw usageError('--watch prints only text. Remove --format.');
  });
}

function check(paths: readonly string[], options: CheckOptions): void {
  const compile = options.everyValue ? compileEveryValue : checkArguments;
  const compiled = compile(paths, options);
  const { findings, leftOut, accepted, overlays } = compiled;
  const failing = options.strict ? findings : errorsOf(findings);
  const ok = failing.length === 0;
  const kept = leftOut.length > 0 ? leftOutText(leftOut) : undefined;
  switch (options.format) {
    case 'json':
      printJson({
        ok,
        digest: compiled.draft?.digest ?? null,
        findings,
        leftOut,
        accepted,
        ...(overlays.length > 0 && { overlays }),
      });
      break;
    case 'github':
      if (findings.length > 0) print(githubAnnotations(findings, repositoryPaths()));
      if (kept !== undefined) print(`::notice::${kept}`);
      break;
    case 'sarif':
      printJson(sarif({ findings, leftOut: kept, accepted, pathOf: repositoryPaths() }, version()));
      break;
    case 'text':
      print(report(compiled, ok, options));
  }
  process.exitCode = ok ? 0 : 1;
}

async function watch(paths: readonly string[], options: CheckOptions): Promise<void> {
  const follower = await followGraph([...paths, ...options.vars]);
  const again = (): void => {
    clearScreen();
    try {
      check(paths, options);
    } catch (error) {
      if (isWaybillError(error, 'output_failed')) throw error;
      reportError(error); // a file of variables may be half written
    }
    print(paint.dim(`\nWaiting for changes of ${plain(paths.join(', '))}.`));
  };
  again();
  follower.start(again, { keepsAlive: true });
}

function report(compiled: Compiled, ok: boolean, { verbose }: Pick<CheckOptions, 'verbose'>): string {
  const { findings, leftOut, accepted, draft, overlays } = compiled;
  const parts: string[] = [];
  for (const overlay of overlays) parts.push(overlayText(overlay), '');
  if (findings.length > 0) parts.push(findingsText(findings), '');
  if (verbose && draft) parts.push(selectorsText(draft), '');
  if (ok && draft) parts.push(`${paint.green('✓')} ${paint.bold(plain(draft.name))}: ${summary(compiled)}`);
  if (findings.length > 0) {
    const [gravest] = [...errorsOf(findings), ...findings];
    parts.push(`${countFindings(findings)}. ${paint.dim(`More about it: waybill explain ${gravest?.code}`)}`);
  }
  if (leftOut.length > 0) parts.push(paint.dim(leftOutText(leftOut)));
  if (accepted.length > 0) {
    const [next] = accepted.map(({ until }) => until).sort();
    parts.push(paint.dim(`${plural(accepted.length, 'warning')} accepted, the next until ${next}.`));
  }
  return parts.join('\n');
}

function selectorsText({ selectors }: Plan): string {
  const lines = selectors.map((selector) => `  ${selectorLine(selector)}`);
  return [paint.bold('Selectors'), ...(lines.length > 0 ? lines : ['  none'])].join('\n');
}

function summary({ draft, trees }: Compiled): string {
  if (!draft) return '';
  let scopes = 0;
  for (const service of draft.services.values()) scopes += service.scopes.size;
  const counts = `${plural(draft.clients.size, 'client')}, ${plural(draft.services.size, 'service')}, ${plural(scopes, 'scope')}.`;
  const largest = largestTrees(trees);
  const names = Math.max(...largest.map(({ client }) => client.name.length));
  const lines = largest.slice(0, SHOWN_CLIENTS).map(({ client, shape }) => {
    const what =
      shape.scopes.length > 3
        ? plural(shape.scopes.length, 'scope')
        : shape.scopes.map((scope) => scope.name).join(' ');
    return `  ${client.name.padEnd(names)}  largest tree ${plural(shape.tokens, 'token')}, ${plural(shape.depth, 'level')}: ${what} of ${shape.service.name}`;
  });
  const more = largest.length - SHOWN_CLIENTS;
  const digest = paint.dim(
    `Digest ${shortDigest(draft)}: graphs with the same digest issue the same tokens.`,
  );
  return [counts, ...lines, ...(more > 0 ? [`  and ${plural(more, 'client')} more`] : []), digest].join('\n');
}

/** The largest tree of each client, largest first. */
function largestTrees(trees: Compiled['trees']): readonly Compiled['trees'][number][] {
  const byClient = new Map<string, Compiled['trees'][number]>();
  for (const tree of trees) {
    const best = byClient.get(tree.client.name);
    if (tree.caller === undefined && (!best || best.shape.tokens < tree.shape.tokens))
      byClient.set(tree.client.name, tree);
  }
  return [...byClient.values()].sort((a, b) => b.shape.tokens - a.shape.tokens);
}
