/** `waybill diff OLD NEW`: how a change of a graph affects who may call, receive and read what. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { usageError } from '../../errors.ts';
import { diffGraphs, type Change, type GraphDiff } from '../../architect/diff/index.ts';
import type { Plan } from '../../graph/index.ts';
import { compileDraft } from '../../planning/index.ts';
import { diffMarkdown } from '../output/diff-markdown.ts';
import { diffText } from '../output/diff-text.ts';
import {
  graphOptions,
  errorsOf,
  findingsText,
  leftOutText,
  withGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { GraphRefused } from '../output/report.ts';
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
      .summary('compare two graphs: what gives more, what gives less, what is neutral')
      .description(
        'Compares the permissions that two graphs give. A graph is a file, a folder, or a git revision such as main:graphs/shop. Exit 1: a graph has errors, or --fail-on applies.',
      )
      .argument('<old>', 'a graph file, a folder, or REVISION:PATH of the current git repository')
      .argument('<new>', 'the same')
      .addOption(
        new Option('--format <format>', 'how to print; markdown is for a pull request')
          .choices(FORMATS)
          .default('text'),
      )
      .option('--json', 'the same as --format json')
      .addOption(
        new Option(
          '--fail-on <what>',
          '`widening`: exit 1 if anyone may call, receive or read more',
        ).argParser((value) => {
          if (value !== 'widening') throw new InvalidArgumentError('The only value is widening.');
          return value;
        }),
      ),
  ).action(async (old: string, now: string, options: DiffOptions) => {
    const older = await read(old, options);
    const newer = await read(now, options);
    if (!older || !newer) throw new GraphRefused();
    const diff = named(diffGraphs(older.plan, newer.plan), [older, newer]);
    const format = options.json ? 'json' : options.format;
    if (format === 'json') printJson(diff);
    else print(format === 'markdown' ? diffMarkdown(diff) : diffText(diff));
    if (options.failOn && diff.verdict === 'widens') process.exitCode = 1;
  });
}

interface Side {
  readonly plan: Plan;
  /** Replaces the path of a copy by the path that the user gave. */
  readonly shownAs: (place: string) => string;
}

/** A graph that exceeds a header budget can be compared; one with wrong names or calls cannot. */
function read(argument: string, options: GraphArguments): Promise<Side | undefined> {
  return withRevision(argument, (path, shownAs) => {
    const { findings, leftOut, draft } = compileDraft([path], graphOptions(options));
    if (draft) return { plan: draft, shownAs };
    const errors = errorsOf(findings);
    if (errors.length === 0)
      throw usageError(`${argument} contains no graph. Name a YAML file with \`waybill: 1\`, or its folder.`);
    printError(findingsText(errors.map((finding) => ({ ...finding, file: shownAs(finding.file) }))));
    if (leftOut.length > 0) printError(`\n${leftOutText(leftOut)}`);
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
