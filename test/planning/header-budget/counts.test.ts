import { expect } from 'chai';
import { Walk, type Plan, type TokenShape } from '../../../src/graph/index.ts';
import { HEAD, client, compileText, planOf } from '../../support/compile.ts';

/** Diamonds in a row: each top calls left and right, which both call the next top. */
function diamonds(count: number): string {
  const services: string[] = [];
  for (let at = 0; at < count; at++) {
    services.push(
      `  top${at}: { scopes: { s: { calls: { left${at}: [s], right${at}: [s] } } } }`,
      `  left${at}: { scopes: { s: { calls: { top${at + 1}: [s] } } } }`,
      `  right${at}: { scopes: { s: { calls: { top${at + 1}: [s] } } } }`,
    );
  }
  return `${HEAD}${client('{ top0: [s] }')}services:\n${services.join('\n')}\n  top${count}: { scopes: { s: } }\n`;
}

function shapeOf(plan: Plan | undefined, name: string): TokenShape {
  const service = plan!.services.get(name)!;
  return new Walk().shape(service, [...service.scopes.values()]);
}

describe('counting without unfolding', () => {
  for (const count of [1, 5, 22, 30]) {
    it(`counts the tokens and levels of ${count} diamonds in a row`, () => {
      const started = performance.now();
      const { draft } = compileText(diamonds(count));
      const shape = shapeOf(draft, 'top0');
      expect(performance.now() - started).to.be.below(500);
      // tokens(0) = 1, tokens(k) = 1 + 2 (1 + tokens(k − 1)) = 2^(k + 2) − 3
      expect(shape.tokens).to.equal(2 ** (count + 2) - 3);
      expect(shape.depth).to.equal(2 * count + 1);
    });
  }

  it('reports the number of tokens of 22 diamonds', () => {
    const { findings } = compileText(diamonds(22));
    const told = findings.find(({ code }) => code === 'too-many-tokens');
    expect(told?.message).to.contain((2 ** 24 - 3).toLocaleString('en'));
  });

  it('refuses 40 diamonds in a row for their depth, as fast', () => {
    const started = performance.now();
    const { plan, findings } = compileText(diamonds(40));
    expect(performance.now() - started).to.be.below(500);
    expect(plan).to.equal(undefined);
    expect(findings.map(({ code }) => code)).to.deep.equal(['too-deep']);
  });

  it('counts 40 diamonds in a row where each is a level and not two', () => {
    // left and right of one level both call left and right of the next
    const levels = Array.from({ length: 40 }, (_, at) => {
      const calls = at === 39 ? '' : `calls: { l${at + 1}: [s], r${at + 1}: [s] }`;
      return `  l${at}: { scopes: { s: { ${calls} } } }\n  r${at}: { scopes: { s: { ${calls} } } }`;
    });
    const started = performance.now();
    const { draft } = compileText(
      `${HEAD}${client('{ l0: [s], r0: [s] }')}services:\n${levels.join('\n')}\n`,
    );
    const shape = shapeOf(draft, 'l0');
    expect(performance.now() - started).to.be.below(500);
    expect(shape.tokens).to.equal(2 ** 40 - 1);
    expect(shape.depth).to.equal(40);
  });

  it('shares one object between equal trees and none between different ones', () => {
    const plan = planOf(`${HEAD}${client('{ a: [s] }')}services:
  a: { scopes: { s: { calls: { b: [r], c: [r] } } } }
  b: { scopes: { r: { calls: { d: [q] } } } }
  c: { scopes: { r: { calls: { d: [q] } } } }
  d: { scopes: { q: { calls: { e: [p] } } } }
  e: { scopes: { p: } }
`);
    const [b, c] = shapeOf(plan, 'a').branches.map((branch) => branch.shape?.branches[0]?.shape);
    expect(b).to.not.equal(c); // presented by b, presented by c
    expect([b?.actor, c?.actor]).to.deep.equal(['b', 'c']);
    expect(b?.branches[0]?.shape).to.equal(c?.branches[0]?.shape);
  });
});
