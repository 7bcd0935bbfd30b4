/** Renders who can read and who can use the tokens of a request, as three tables. */
import { conditionTexts } from '../../graph/index.ts';
import type { TokenAccess, AccessReason } from '../../planning/access/index.ts';
import type { RequestAccess } from '../../planning/index.ts';
import { paint, plural } from './terminal.ts';
import { renderColumns } from './tree.ts';

const MARKS: Readonly<Record<AccessReason, string>> = {
  audience: 'A',
  presenter: 'P',
  above: '^',
  introspects: 'G',
  client: 'C',
};
const LEGEND =
  'A: audience; P: passes it on; ^: reads it inside a token above; G: gateway that swaps the root; C: the client.';
/** More columns do not fit a terminal; the JSON has all of them. */
const MAX_COLUMNS = 40;
const MAX_ROWS = 200;

export function renderAccess(holders: RequestAccess): string {
  const { client, scope, tokens, claims } = holders;
  const names = holders.parties.slice(0, MAX_COLUMNS).map(({ name }) => name);
  const heading = ['', '', ...names.map((_, at) => paint.bold(String(at + 1)))];
  const numbers = names.map((_, at) => at + 2);
  const table = (rows: readonly (readonly string[])[]): string =>
    renderColumns([heading, ...rows.slice(0, MAX_ROWS)], numbers);
  const claimRows = claims.map(({ claim, zones, readers }) => [
    paint.magenta(claim),
    paint.dim(zones ? `for ${zones.join(', ')}` : ''),
    ...names.map((name) => judged(readers.find(({ party }) => party === name)?.allowed)),
  ]);
  const readRows = tokens.map((token) => [
    ...labelOf(token),
    ...names.map((name) => marks(token.readers.find(({ party }) => party === name)?.why)),
  ]);
  const spendRows = tokens.map((token) => [
    ...labelOf(token),
    ...names.map((name) => judged(token.spenders.find(({ party }) => party === name)?.own)),
  ]);
  return [
    `${paint.bold(client)} asks for ${paint.bold(scope)}: who has access to its tokens, including those fetched when needed`,
    ...(holders.when ? [paint.dim(`Granted: ${conditionTexts(holders.when).join('; ')}.`)] : []),
    partyTable(holders),
    ...(claims.length > 0 ? [`${paint.bold('Who can read which claim')}\n${table(claimRows)}`] : []),
    `${paint.bold('Who can read which token')}\n${table(readRows)}\n${paint.dim(LEGEND)}`,
    `${paint.bold('Who can use which token')}\n${table(spendRows)}`,
    paint.dim(notes(holders).join('\n')),
  ].join('\n\n');
}

function partyTable({ parties }: RequestAccess): string {
  return renderColumns(
    parties
      .slice(0, MAX_COLUMNS)
      .map(({ name, kind, zone, outside }, at) => [
        paint.bold(`  ${at + 1}`),
        name,
        paint.dim(kind === 'client' ? 'client' : ''),
        outside ? paint.yellow(zone ?? 'in no zone') : paint.dim(zone ?? ''),
      ]),
    [0],
  );
}

function labelOf({ service, scope, presenter, mode, sealed }: TokenAccess): string[] {
  const how =
    mode === 'embed' ? '' : mode === 'exchange' ? ', fetched when needed' : ', same token passed on';
  return [
    `${paint.bold(service)}  ${paint.cyan(scope.join(' '))}`,
    paint.dim(`${presenter === null ? 'the root' : `from ${presenter}${how}`}${sealed ? ', sealed' : ''}`),
  ];
}

function judged(isMeant: boolean | undefined): string {
  return isMeant === undefined ? paint.dim('·') : isMeant ? paint.green('x') : paint.red('!');
}

function marks(why: readonly AccessReason[] | undefined): string {
  return why ? why.map((each) => MARKS[each]).join('') : paint.dim('·');
}

function notes({ parties, tokens, claims }: RequestAccess): string[] {
  const foreign = tokens.filter(({ spenders }) => spenders.some(({ own }) => !own)).length;
  const outside = claims.filter(({ readers }) => readers.some(({ allowed }) => !allowed)).length;
  const hidden = [
    parties.length > MAX_COLUMNS ? plural(parties.length - MAX_COLUMNS, 'party', 'parties') : '',
    tokens.length > MAX_ROWS ? plural(tokens.length - MAX_ROWS, 'token') : '',
  ].filter((text) => text !== '');
  return [
    foreign === 0
      ? 'No party can use a token that another one passes on.'
      : `!: ${plural(foreign, 'token')} can be used by others, because the service does not check its callers.`,
    ...(outside > 0 ? [`!: ${plural(outside, 'claim')} can be read outside the claim's zones.`] : []),
    ...(hidden.length > 0 ? [`${hidden.join(' and ')} more; --json has all of them.`] : []),
  ];
}
