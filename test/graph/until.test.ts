/** `until` of a call: when a check says so. */
import { expect } from 'chai';
import { compileGraph } from '../../src/planning/index.ts';
import { HEAD, allPlaced, client, within } from '../support/compile.ts';
import { withFolder } from '../support/files.ts';

const graph = (until: string) =>
  `${HEAD}${client('{ shop: [browse] }')}services:
  shop: { scopes: { browse: { calls: { stock: { scopes: [read], until: ${until} } } } } }
  stock: { scopes: { read: } }
`;

function check(until: string, today: string) {
  return withFolder({ 'graph.yaml': graph(until) }, (folder) => {
    const clock = () => Date.parse(`${today}T12:00:00Z`) / 1000;
    const { findings, plan } = compileGraph([folder], { clock });
    return { findings: within(folder, findings), plan };
  });
}

const found = (until: string, today: string) => allPlaced(check(until, today).findings);

describe('the last day of a call', () => {
  it('has a warning in its last thirty days', () => {
    expect(found('2027-01-31', '2027-01-01')).to.deep.equal([]);
    for (const today of ['2027-01-02', '2027-01-31'])
      expect(found('2027-01-31', today)).to.deep.equal(['graph.yaml:11:72 call-ends']);
  });

  it('has another one when it has passed, and what only the call leads to is unused', () => {
    const { findings, plan } = check('2027-01-31', '2027-02-01');
    expect(allPlaced(findings)).to.deep.equal([
      'graph.yaml:11:72 call-ended',
      'graph.yaml:12:3 unreachable-service',
    ]);
    expect(findings[0]?.message).to.match(/its last day was 2027-01-31/);
    expect(plan?.services.get('shop')?.scopes.get('browse')?.calls).to.deep.equal([]);
  });

  it('may be quoted', () => {
    expect(found("'2027-01-31'", '2027-01-31')).to.deep.equal(['graph.yaml:11:72 call-ends']);
  });

  for (const wrong of ['2027-02-30', '2027-1-31', '2027-01-31T00:00:00Z', '20270131', 'soon', '[2027-01-31]'])
    it(`is no ${wrong}`, () => {
      const { findings, plan } = check(wrong, '2027-01-01');
      expect(plan).to.equal(undefined);
      expect(findings[0]?.code).to.match(/^(invalid-value|wrong-type)$/);
      expect(`${findings[0]?.message} ${findings[0]?.hint}`).to.match(/2027-\d\d-31/);
    });
});
