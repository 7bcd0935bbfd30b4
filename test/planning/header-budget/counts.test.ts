import { expect } from 'chai';
import { Walk, type Plan, type TokenShape } from '../../../src/graph/index.ts';
import type { Compiled } from '../../../src/planning/compile.ts';
import { callsTo } from '../../support/counted-work.ts';
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

/** Unfolded, 22 diamonds alone would be looked up 2^24 times. */
const MOST_LOOK_UPS = 200_000;

/** The shape of a service's token, once it is seen to have taken work in proportion to the graph. */
function countedShape(text: string, name: string): TokenShape {
  let shape: TokenShape | undefined;
  const lookUps = callsTo(Map.prototype, 'get', () => (shape = shapeOf(compileText(text).draft, name)));
  expect(lookUps).to.be.within(1, MOST_LOOK_UPS);
  return shape!;
}

describe('counting without unfolding', () => {
  for (const count of [1, 5, 22, 30]) {
    it(`counts the tokens and levels of ${count} diamonds in a row`, () => {
      const shape = countedShape(diamonds(count), 'top0');
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

  it('refuses 40 diamonds in a row for their depth, with as little work', () => {
    let compiled: Compiled | undefined;
    const lookUps = callsTo(Map.prototype, 'get', () => (compiled = compileText(diamonds(40))));
    expect(lookUps).to.be.below(MOST_LOOK_UPS);
    const { plan, findings } = compiled!;
    expect(plan).to.equal(undefined);
    expect(findings.map(({ code }) => code)).to.deep.equal(['too-deep']);
  });

  it('counts 40 diamonds in a row where each is a level and not two', () => {
    // left and right of one level both call left and right of the next
    const levels = Array.from({ length: 40 }, (_, at) => {
      const calls = at === 39 ? '' : `calls: { l${at + 1}: [s], r${at + 1}: [s] }`;
      return `  l${at}: { scopes: { s: { ${calls} } } }\n  r${at}: { scopes: { s: { ${calls} } } }`;
    });
    const shape = countedShape(
      `${HEAD}${client('{ l0: [s], r0: [s] }')}services:\n${levels.join('\n')}\n`,
      'l0',
    );
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
    expect([b?.actor?.sub, c?.actor?.sub]).to.deep.equal(['b', 'c']);
    expect(b?.branches[0]?.shape).to.equal(c?.branches[0]?.shape);
  });
});
