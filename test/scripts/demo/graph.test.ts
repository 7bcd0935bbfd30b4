import path from 'node:path';

import { expect } from 'chai';

import { compileGraph } from '../../../src/planning/compile.ts';
import type { Plan, ServicePlan } from '../../../src/graph/index.ts';

const graphs = path.resolve(import.meta.dirname, '../../../graphs');

function compiled(name: string) {
  const { plan, findings } = compileGraph([path.join(graphs, name)]);
  if (!plan) throw new Error(findings.map(({ message }) => message).join('\n'));
  return { plan, findings };
}

/** Operations and calls of each scope, without the way in which a token gets there. */
function scopesOf({ services }: Plan): Map<string, { operations: readonly string[]; calls: string[] }> {
  const named = ({ name, scopes, calls: always }: ServicePlan) =>
    [...scopes.values()].map(({ name: scope, operations, calls }) => {
      const made = [...always, ...calls].map(
        (call) => `${call.callee}: ${call.scopes.map((one) => one.name).join(' ')}`,
      );
      return [`${name} ${scope}`, { operations, calls: made }] as const;
    });
  return new Map([...services.values()].flatMap(named));
}

describe('the graph of the demo', () => {
  const { plan, findings } = compiled('demo');

  it('has no finding at all', () => {
    expect(findings).to.deep.equal([]);
  });

  it('is a part of online-boutique: operations and calls of its scopes are the same there', () => {
    const whole = scopesOf(compiled('online-boutique.yaml').plan);
    const part = scopesOf(plan);
    expect(part.size).to.be.greaterThan(10);
    for (const [scope, { operations, calls }] of part) {
      expect(whole.get(scope)?.operations, scope).to.deep.equal(operations);
      expect(whole.get(scope)?.calls, scope).to.have.members(calls);
    }
  });

  it('has a check of callers at every service, as the demo carries it out', () => {
    const unchecked = [...plan.services.values()].filter(({ caller }) => caller !== 'mtls');
    expect(unchecked.map(({ name }) => name)).to.deep.equal([]);
  });
});
