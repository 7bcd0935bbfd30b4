/** What a comparison says of owners, their files and their zones. */
import { expect } from 'chai';
import { diffGraphs } from '../../../src/architect/diff/index.ts';
import { planOf } from '../../support/compile.ts';

const graph = (owners: string, pci = '') => `waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example' }
${owners}
zones: { pci: { ${pci} } }
defaults: { headers: { profile: envoy }, caller: mtls, zone: pci }
clients:
  web:
    owner: team
    zone: pci
    auth: { method: client_secret_basic, secret_env: WEB }
    calls: { front: [browse] }
services: { front: { owner: team, scopes: { browse: } } }
`;
const LISTED = "owners: { team: ['*.yaml'] }";
const WIDER = "owners: { team: ['*.yaml', 'more/**'] }";

describe('the comparison of owners', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    [graph(LISTED), graph(''), 'widens owners: owners no longer have files of their own'],
    [
      graph(LISTED),
      graph(WIDER),
      'widens owners: the parties of team may stand in *.yaml and more/**, not *.yaml',
    ],
    [
      graph('', 'owners: [team]'),
      graph(''),
      'widens owners: the zone pci is now open to parties of any owner',
    ],
    [
      graph('', 'owners: [team]'),
      graph('', 'owners: [team, other]'),
      'widens owners: the zone pci is for parties of team and other, not team',
    ],
  ];
  for (const [older, newer, expected] of cases) {
    const what = expected.slice(expected.indexOf(':') + 2);
    it(`says that ${what}, and that the way back narrows`, () => {
      const told = (before: string, after: string) =>
        diffGraphs(planOf(before), planOf(after)).changes.map(
          (each) => `${each.mark} ${each.kind}: ${each.what}`,
        );
      expect(told(older, newer)).to.deep.equal([expected]);
      expect(told(newer, older)).to.have.lengthOf(1);
      expect(told(newer, older)[0]).to.match(/^narrows owners: /);
      expect(told(older, older)).to.deep.equal([]);
    });
  }
});
