/** Rows of the access matrices: who can read a claim, who can read a token, who can use it. */
import type { RequestAccess } from '../../../../planning/index.ts';
import type { Cell, Row } from './matrix.tsx';

type Token = RequestAccess['tokens'][number];
type Why = Token['readers'][number]['why'][number];

const MARKS: Readonly<Record<Why, string>> = {
  audience: 'A',
  presenter: 'P',
  above: 'R',
  introspects: 'G',
  client: 'C',
};

const WORDS: Readonly<Record<Why, string>> = {
  audience: 'the token is for it',
  presenter: 'passes it on',
  above: 'reads it inside a token above',
  introspects: 'a gateway that swaps it',
  client: 'the client that asked',
};

export const MARKS_LEGEND: readonly (readonly [string, string])[] = [
  ['A', 'audience'],
  ['P', 'passes it on'],
  ['R', 'reads it inside a token above'],
  ['G', 'gateway'],
  ['C', 'client'],
];

export function claimRows({ claims }: RequestAccess): Row[] {
  return claims.map(({ claim, zones, readers }) => ({
    key: claim,
    title: claim,
    note: zones === null ? '' : `for ${zones.join(', ') || 'no zone'}`,
    cells: new Map(
      readers.map(({ party, in: services, allowed }): [string, Cell] => [
        party,
        {
          mark: allowed ? '●' : '✕',
          state: allowed ? (services.includes(party) ? 'own' : 'other') : 'bad',
          title: `${party} reads ${claim} in the token of ${services.join(', ')}${allowed ? '' : ': outside its zones'}`,
        },
      ]),
    ),
  }));
}

export function readerRows(tokens: readonly Token[]): Row[] {
  return tokens
    .filter(({ mode }) => mode !== 'forward')
    .map((token) => ({
      ...rowOf(token),
      cells: new Map(
        token.readers.map(({ party, why }): [string, Cell] => [
          party,
          {
            mark: why.map((each) => MARKS[each]).join(''),
            state: why.includes('above') || why.includes('client') ? 'other' : 'own',
            title: `${party}: ${why.map((each) => WORDS[each]).join(', ')}`,
          },
        ]),
      ),
    }));
}

export function presenterRows(tokens: readonly Token[]): Row[] {
  return tokens.map((token) => ({
    ...rowOf(token),
    cells: new Map(
      token.spenders.map(({ party, why, own }): [string, Cell] => [
        party,
        {
          mark: why.map((each) => MARKS[each]).join(''),
          state: own ? 'own' : 'bad',
          title: own ? `${party} passes it on, as intended` : `${party} could use it, but should not`,
        },
      ]),
    ),
  }));
}

function rowOf({ service, scope, presenter, mode }: Token): Omit<Row, 'cells'> {
  const from = presenter === null ? 'from the client' : `from ${presenter}`;
  const how =
    mode === 'exchange' ? ', fetched when needed' : mode === 'forward' ? ', same token passed on' : '';
  return {
    key: [presenter, service, mode, ...scope].join(' '),
    title: service,
    note: `${scope.join(' ')} ${from}${how}`,
  };
}
