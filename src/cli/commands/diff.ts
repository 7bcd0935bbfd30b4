/** `waybill diff OLD NEW`: what a change of a graph does to who may do, receive and read what. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { WaybillError } from '../../errors.ts';
import { diffGraphs, type Change, type GraphDiff } from '../../architect/diff/index.ts';
import type { Plan } from '../../graph/index.ts';
import { diffMarkdown } from '../output/diff-markdown.ts';
import { diffText } from '../output/diff-text.ts';
import {
  compileArguments,
  errorsOf,
  findingsText,
  withGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { withRevision } from '../arguments/revision.ts';
import { print, printError, printJson } from '../output/terminal.ts';

const FORMATS = ['text', 'markdown', 'json'] as const;
type Format = (typeof FORMATS)[number];

interface DiffOptions extends GraphArguments {
  readonly format: Format;
  readonly json?: boolean;
  readonly failOn?: 'widening';
}

export function addDiff(program: Command): void {
  withGraphOptions(
    program
      .command('diff')
      .summary('compare two graphs: what widens, what narrows, what is neutral')
      .description(
        'Compares two graphs by the authority that they give: files, folders, or git revisions such as main:graphs/shop. Exit 1: a graph has errors, or --fail-on applies.',
      )
      .argument('<old>', 'a graph file, a folder, or REVISION:PATH of the git repository here')
      .argument('<new>', 'the same')
      .addOption(
        new Option('--format <format>', 'text, markdown (for a pull request) or json')
          .choices(FORMATS)
          .default('text'),
      )
      .option('--json', 'the same as --format json')
      .addOption(
        new Option(
          '--fail-on <what>',
          '`widening`: exit 1 where someone may do, receive or read more',
        ).argParser((value) => {
          if (value !== 'widening') throw new InvalidArgumentError('It can be widening.');
          return value;
        }),
      ),
  ).action(async (old: string, now: string, options: DiffOptions) => {
    const older = await read(old, options);
    const newer = await read(now, options);
    if (!older || !newer) {
      process.exitCode = 1;
      return;
    }
    const diff = named(diffGraphs(older.plan, newer.plan), [older, newer]);
    const format = options.json ? 'json' : options.format;
    if (format === 'json') printJson(diff);
    else print(format === 'markdown' ? diffMarkdown(diff) : diffText(diff));
    if (options.failOn && diff.verdict === 'widens') process.exitCode = 1;
  });
}

interface Side {
  readonly plan: Plan;
  /** What the files were called, whose copies were read. */
  readonly shownAs: (place: string) => string;
}

/** A graph that does not fit a hop can be compared; one whose names or calls are wrong cannot. */
function read(argument: string, options: GraphArguments): Promise<Side | undefined> {
  return withRevision(argument, (path, shownAs) => {
    const { findings, draft } = compileArguments([path], options);
    if (draft) return { plan: draft, shownAs };
    const errors = errorsOf(findings);
    if (errors.length === 0) throw new WaybillError('usage', `${argument} holds no graph.`);
    printError(findingsText(errors.map((finding) => ({ ...finding, file: shownAs(finding.file) }))));
    return undefined;
  });
}

function named(diff: GraphDiff, sides: readonly Side[]): GraphDiff {
  const shown = (change: Change): Change =>
    change.place === undefined
      ? change
      : { ...change, place: sides.reduce((place, { shownAs }) => shownAs(place), change.place) };
  return { ...diff, changes: diff.changes.map(shown) };
}
