/** `waybill diff OLD NEW`, `waybill diff OLD... --to NEW...`: how a change of a graph affects who may call, receive and read what. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { usageError } from '../../errors.ts';
import { diffGraphs, type Change, type GraphDiff } from '../../architect/diff/index.ts';
import { KnownFiles, sealedServices, type Plan } from '../../graph/index.ts';
import { attempt } from '../../input/attempt.ts';
import { parseJsonInput } from '../../input/json-input.ts';
import { encryptionKeyThumbprint } from '../../issuer/index.ts';
import { compileDraft } from '../../planning/index.ts';
import { diffMarkdown } from '../output/diff-markdown.ts';
import { diffText } from '../output/diff-text.ts';
import {
  graphOptions,
  errorsOf,
  findingsText,
  leftOutText,
  withDatedGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { GraphRefused } from '../output/report.ts';
import { withRevisions, type ReadNamed } from '../arguments/revision.ts';
import { withStages } from '../output/stages.ts';
import { plain, print, printError, printJson } from '../output/terminal.ts';

const FORMATS = ['text', 'markdown', 'json'] as const;
type Format = (typeof FORMATS)[number];

interface DiffOptions extends GraphArguments {
  readonly format: Format;
  readonly json?: boolean;
  readonly failOn?: 'widening';
  readonly to?: readonly string[];
  readonly graph?: readonly string[];
}

export function addDiff(program: Command): void {
  withDatedGraphOptions(
    program
      .command('diff')
      .summary('compare two graphs: what gives more, what gives less, what is neutral')
      .description(
        'Compares the permissions that two graphs give. A graph is a file, a folder, or a git revision such as main:graphs/shop. Exit 1: a graph has errors, or --fail-on applies.',
      )
      .usage('[options] OLD NEW\n       waybill diff [options] OLD... --to NEW...')
      .argument('<path...>', 'graph files, folders, or REVISION:PATH of the current git repository')
      .option('--to <path...>', 'the newer graph, of any number of files; then all others are the older one')
      .addOption(new Option('--graph <path...>', 'the same as --to').conflicts('to'))
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
  ).action(async (paths: string[], options: DiffOptions) => {
    const [old, now] = sidesOf(paths, options.to ?? options.graph);
    const diff = await withStages(3, async (begin) => {
      // The newer graph first: places in files that both share name its own.
      const known = new KnownFiles();
      begin(`reading ${plain(now.join(' '))}`);
      const newer = await read(now, options, known);
      begin(`reading ${plain(old.join(' '))}`);
      const older = await read(old, options, known);
      if (!older || !newer) throw new GraphRefused();
      begin('comparing');
      return named(diffGraphs(older.plan, newer.plan, { older: older.sealKeys, newer: newer.sealKeys }), [
        older,
        newer,
      ]);
    });
    const format = options.json ? 'json' : options.format;
    if (format === 'json') printJson(diff);
    else print(format === 'markdown' ? diffMarkdown(diff) : diffText(diff));
    if (options.failOn && diff.verdict === 'widens') process.exitCode = 1;
  });
}

function sidesOf(
  paths: readonly string[],
  newer: readonly string[] | undefined,
): readonly [older: readonly string[], newer: readonly string[]] {
  if (newer) return [paths, newer];
  const [old, now, ...others] = paths;
  if (old === undefined || now === undefined || others.length > 0)
    throw usageError(
      'Give two graphs, as in `waybill diff OLD NEW`; one of several files needs `OLD... --to NEW...`.',
    );
  return [[old], [now]];
}

interface Side {
  readonly plan: Plan;
  /** Replaces the path of a copy by the path that the user gave. */
  readonly shownAs: (place: string) => string;
  /** Thumbprints of keys to which tokens are sealed, by service. */
  readonly sealKeys: ReadonlyMap<string, string>;
}

/** A graph that exceeds a header budget can be compared; one with wrong names or calls cannot. */
function read(
  paths: readonly string[],
  options: GraphArguments,
  known: KnownFiles,
): Promise<Side | undefined> {
  return withRevisions(paths, (read, shownAs, readNamed) => {
    const { findings, leftOut, draft } = compileDraft(read, graphOptions(options), known);
    if (draft) return { plan: draft, shownAs, sealKeys: sealKeysOf(draft, readNamed) };
    const errors = errorsOf(findings);
    if (errors.length === 0)
      throw usageError(
        `${paths.join(' ')} contains no graph. Name a YAML file with \`waybill: 1\`, or its folder.`,
      );
    printError(findingsText(errors.map((finding) => ({ ...finding, file: shownAs(finding.file) }))));
    if (leftOut.length > 0) printError(`\n${leftOutText(leftOut)}`);
    return undefined;
  });
}

/** Thumbprints of the keys in the files that the graph names, by service; of those that can be read. */
function sealKeysOf(plan: Plan, readNamed: ReadNamed): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { name, encryption } of sealedServices(plan)) {
    if (!encryption || !('file' in encryption.keys)) continue;
    const bytes = readNamed(encryption.keys.file);
    const document = bytes && attempt(() => parseJsonInput(bytes));
    const thumbprint = encryptionKeyThumbprint(name, encryption, document);
    if (thumbprint !== undefined) found.set(name, thumbprint);
  }
  return found;
}

function named(diff: GraphDiff, sides: readonly Side[]): GraphDiff {
  const shown = (change: Change): Change =>
    change.place === undefined
      ? change
      : { ...change, place: sides.reduce((place, { shownAs }) => shownAs(place), change.place) };
  return { ...diff, changes: diff.changes.map(shown) };
}
