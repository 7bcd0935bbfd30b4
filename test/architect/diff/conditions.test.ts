/** Conditions in `waybill diff`: part by part, whatever their spelling. */
import { expect } from 'chai';
import { diffGraphs } from '../../../src/architect/diff/index.ts';
import { planOf } from '../../support/compile.ts';
import { conditional, type ConditionalParts } from '../../support/graphs/conditional.ts';

function changes(
  after: ConditionalParts | ((graph: string) => string),
  before: ConditionalParts = {},
): string[] {
  const graph = typeof after === 'function' ? after(conditional(before)) : conditional(after);
  return diffGraphs(planOf(conditional(before)), planOf(graph)).changes.map(
    ({ mark, what }) => `${mark}: ${what}`,
  );
}

const REFUND = 'staff && strong && request.amount <= 500';

describe('the comparison of conditions', () => {
  it('another part narrows, a part less widens', () => {
    const more = `${REFUND} && has(subject.role)`;
    expect(changes({ refund: more })).to.deep.equal(['narrows: payment:refund now needs has(subject.role)']);
    expect(changes({}, { refund: more })).to.deep.equal([
      'widens: payment:refund no longer needs has(subject.role)',
    ]);
  });

  it('a part that changes widens, and narrows', () => {
    expect(changes({ refund: REFUND.replace('500', '501') })).to.have.members([
      'widens: payment:refund no longer needs request.amount <= 500',
      'narrows: payment:refund now needs request.amount <= 501',
    ]);
  });

  it('another spelling of the same parts is no change', () => {
    expect(changes({ refund: '(request.amount <= 500) && (strong && staff)' })).to.deep.equal([]);
    const inlined = REFUND.replace('strong', 'auth.acr in ["mfa"] && auth.age <= 300');
    expect(changes({ refund: inlined })).to.deep.equal([]);
  });

  it('shows at each use of a name, of clients and of services', () => {
    const staff = 'provider == "workforce"';
    const role = '"support" in subject.role';
    expect(changes({ staff })).to.have.members([
      `widens: desk no longer needs ${role} for front:refund`,
      `widens: payment:refund no longer needs ${role}`,
    ]);
    const changed = changes((graph) => graph.replace('client.tier == "gold"', 'client.tier == "iron"'));
    expect(changed.filter((each) => each.includes('for mail:send'))).to.have.members([
      'widens: front:view no longer needs client.tier == "gold" for mail:send',
      'narrows: front:view now needs client.tier == "iron" for mail:send',
    ]);
  });

  it('other levels of a provider widen', () => {
    expect(changes((graph) => graph.replace('urn:w:hw]', 'urn:w:hw, urn:w:sms]'))).to.deep.equal([
      'widens: other logins of workforce have the levels of the graph (`acr`)',
    ]);
  });
});
