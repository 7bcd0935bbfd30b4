/** Renders which servers accept a tree and what would make it smaller, as three tables. */
import type { LargestPart, ProfileFit, WhatIf } from '../../planning/header-budget/index.ts';
import type { RequestFit } from '../../planning/index.ts';
import { paint, plural } from './terminal.ts';
import { renderColumns } from './tree.ts';

/** Columns of bytes in each table. */
const NUMBERS = [1, 2, 4];

export function renderFit(advice: RequestFit): string {
  const { client, scope, tokens, depth, encoding } = advice;
  const size = `${plural(tokens, 'token')}, ${plural(depth, 'level')}`;
  return [
    `${paint.bold(client)} asks for ${paint.bold(scope)}: ${size}; trees of this graph travel ${encoding}`,
    profileTable(advice.profiles),
    largestTable(advice),
    changeTable(advice),
    paint.dim(
      'Sizes are worst case; packed tokens are usually smaller. This command does not change the graph.',
    ),
  ].join('\n\n');
}

function profileTable(profiles: readonly ProfileFit[]): string {
  const rows = profiles.map(({ profile, hop, on_path: onPath, limit, bytes, passes }) => [
    `  ${profile}`,
    paint.dim(number(limit)),
    number(bytes.nested),
    verdict(passes.nested, 'passes', 'too large'),
    number(bytes.packed),
    verdict(passes.packed, 'passes', 'too large'),
    paint.dim(onPath ? hop : 'not on the path; measured for the first token'),
  ]);
  const heading = [paint.bold('Which servers accept it'), 'budget', 'nested', '', 'packed'];
  return renderColumns([heading, ...rows], NUMBERS);
}

function largestTable({ largest, tokens }: RequestFit): string {
  const heading = `${paint.bold('How much of it fits')}, if every caller had \`auth\` to fetch the rest`;
  const rows = (['nested', 'packed'] as const).map((each) => [`  ${each}`, ...part(largest[each], tokens)]);
  return `${heading}\n${renderColumns(rows, [])}`;
}

function part(largest: LargestPart | null, tokens: number): string[] {
  if (largest === null) return [paint.red('nothing: one token alone is too large')];
  if (largest.moved === 0) return [paint.green(`all ${plural(tokens, 'token')}`)];
  const { tokens: kept, moved, round_trips: trips } = largest;
  return [
    paint.yellow(`${kept} of ${plural(tokens, 'token')}`),
    `${plural(moved, 'call')} fetched when needed, ${roundTrips(trips)}`,
  ];
}

function changeTable({ tightest, bytes, fits, what_if: changes }: RequestFit): string {
  const at = tightest ? ` for ${tightest.hop}, limit ${number(tightest.limit)} (${tightest.profile})` : '';
  const row = (what: string, { bytes: sizes, fits: does }: Pick<WhatIf, 'bytes' | 'fits'>, note: string) => [
    `  ${what}`,
    '',
    number(sizes.nested),
    verdict(does.nested, 'fits', 'does not fit'),
    number(sizes.packed),
    verdict(does.packed, 'fits', 'does not fit'),
    paint.dim(note),
  ];
  const heading = ['', '', 'nested', '', 'packed'];
  const rows = changes.map((change) => row(change.what, change, noteOf(change)));
  const table = renderColumns([heading, row('as declared', { bytes, fits }, ''), ...rows], NUMBERS);
  return `${paint.bold('What would change the size')}${at}\n${table}`;
}

function noteOf({ round_trips: trips, needs_auth: needsAuth }: WhatIf): string {
  if (trips === undefined) return '';
  return `${roundTrips(trips)}${needsAuth ? '; the caller needs `auth`' : ''}`;
}

function roundTrips(count: number): string {
  const shown = Number(count.toFixed(2));
  return `${shown} round trip${shown === 1 ? '' : 's'} per request`;
}

function verdict(holds: boolean, yes: string, no: string): string {
  return holds ? paint.green(yes) : paint.red(no);
}

function number(bytes: number): string {
  return bytes.toLocaleString('en');
}
