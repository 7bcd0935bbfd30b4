/** Renders the single-scope requests of all clients with their tightest calls, as a table. */
import type { RequestRow } from '../../planning/index.ts';
import { paint, plain, plural } from './terminal.ts';
import { renderColumns } from './tree.ts';

const NUMBERS = [2, 3, 5, 6, 7];

export function renderRequests(rows: readonly RequestRow[]): string {
  const heading = ['client', 'scope', 'tokens', 'levels', 'tightest call', 'bytes', 'budget', 'used'];
  const lines = rows.map((row, at) => {
    const first = rows[at - 1]?.client !== row.client;
    return [first ? paint.bold(row.client) : '', paint.cyan(row.scope), ...cells(row)];
  });
  const over = rows.filter(({ fits, refused }) => fits === false || refused !== undefined).length;
  return [
    renderColumns([heading.map((cell) => paint.dim(cell)), ...lines], NUMBERS),
    '',
    paint.dim('Sizes are worst case, of the token that uses most of its header budget.'),
    over === 0
      ? `${plural(rows.length, 'request')}, all fit.`
      : paint.red(`${plural(over, 'request')} of ${rows.length.toLocaleString('en')} would be refused.`),
  ].join('\n');
}

function cells({ refused, tokens = 0, depth = 0, moved = 0, fits, worst }: RequestRow): string[] {
  if (refused !== undefined) return ['', '', paint.red(plain(refused))];
  const size = [tokens.toLocaleString('en'), String(depth)];
  if (!worst) return [...size, paint.dim('no limit known')];
  const { hop, bytes, limit, profile } = worst;
  const share = bytes / Math.max(1, limit);
  const colour = fits === false ? paint.red : share > 0.8 ? paint.yellow : paint.green;
  return [
    ...size,
    `${hop}${profile === null ? '' : paint.dim(` (${profile})`)}`,
    bytes.toLocaleString('en'),
    limit.toLocaleString('en'),
    colour(`${Math.max(1, Math.round(share * 100))} %`),
    moved > 0 ? paint.dim(`${plural(moved, 'call')} fetched when needed, to fit`) : '',
  ];
}
