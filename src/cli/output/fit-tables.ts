/** Draws what a tree passes and what would make it smaller. In: advice. Out: text, three tables. */
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
      'Bytes are the most that any values can take; a packed token is smaller as a rule. Nothing here changes the graph.',
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
    paint.dim(onPath ? hop : 'not on the way; for the first token'),
  ]);
  return renderColumns([[paint.bold('What it passes'), 'room', 'nested', '', 'packed'], ...rows], NUMBERS);
}

function largestTable({ largest, tokens }: RequestFit): string {
  const heading = `${paint.bold('How much of it fits')}, if every caller had \`auth\` to fetch what is left out`;
  return `${heading}\n${renderColumns(
    [
      ['  nested', ...part(largest.nested, tokens)],
      ['  packed', ...part(largest.packed, tokens)],
    ],
    [],
  )}`;
}

function part(largest: LargestPart | null, tokens: number): string[] {
  if (largest === null) return [paint.red('nothing: a token is too large even alone')];
  if (largest.moved === 0) return [paint.green(`all ${plural(tokens, 'token')}`)];
  const { tokens: kept, moved, round_trips: trips } = largest;
  return [
    paint.yellow(`${kept} of ${plural(tokens, 'token')}`),
    `${plural(moved, 'call')} on demand, ${roundTrips(trips)}`,
  ];
}

function changeTable({ tightest, bytes, fits, what_if: changes }: RequestFit): string {
  const at = tightest ? `, at ${tightest.hop}: ${number(tightest.limit)} fit (${tightest.profile})` : '';
  const row = (what: string, standing: Pick<WhatIf, 'bytes' | 'fits'>, note: string): string[] => [
    `  ${what}`,
    '',
    number(standing.bytes.nested),
    verdict(standing.fits.nested, 'fits', 'does not fit'),
    number(standing.bytes.packed),
    verdict(standing.fits.packed, 'fits', 'does not fit'),
    paint.dim(note),
  ];
  const heading = ['', '', 'nested', '', 'packed'];
  const rows = changes.map((change) => row(change.what, change, noteOf(change)));
  return `${paint.bold('What would change it')}${at}\n${renderColumns(
    [heading, row('as it is', { bytes, fits }, ''), ...rows],
    NUMBERS,
  )}`;
}

function noteOf({ round_trips: trips, needs_auth: needsAuth }: WhatIf): string {
  if (trips === undefined) return '';
  return `${roundTrips(trips)}${needsAuth ? '; its caller needs `auth`' : ''}`;
}

function roundTrips(count: number): string {
  const shown = Number(count.toFixed(2));
  return `${shown} round trip${shown === 1 ? '' : 's'} in a request`;
}

function verdict(holds: boolean, yes: string, no: string): string {
  return holds ? paint.green(yes) : paint.red(no);
}

function number(bytes: number): string {
  return bytes.toLocaleString('en');
}
