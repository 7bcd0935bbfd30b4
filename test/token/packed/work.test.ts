import { expect } from 'chai';

import { isWaybillError } from '../../../src/errors.ts';
import { unpack } from '../../../src/token/index.ts';
import { workDone } from '../../../src/token/packed/work.ts';
import { adversarialToken, costlyQuestions } from './adversarial.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const seed = Date.now() % 2 ** 31;
const TOKENS = 10_000;

/** Steps for each byte that goes in or comes out. */
const MOST = 16;

interface Reading {
  readonly outcome: string;
  /** Steps for each byte in and out. */
  readonly ratio: number;
}

function read(token: string): Reading {
  const before = workDone();
  let nested = 0;
  let outcome = 'unpacked';
  try {
    nested = unpack(token).length;
  } catch (error) {
    if (!isWaybillError(error, 'token_packed', 'token_tree_too_large', 'token_too_large')) throw error;
    outcome = error.code;
  }
  const after = workDone();
  const bytes = token.length + after.written - before.written + nested;
  return { outcome, ratio: (after.steps - before.steps) / bytes };
}

describe(`the work of reading a packed token (seed ${seed})`, () => {
  it(`is at most ${MOST} steps for each byte in and out, on ${TOKENS} tokens that are made to cost work`, () => {
    const random = seededRandom(seed);
    const outcomes = new Map<string, number>();
    let worst = { ratio: 0, token: '' };
    for (let i = 0; i < TOKENS; i += 1) {
      const token = adversarialToken(random);
      const { outcome, ratio } = read(token);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (ratio > worst.ratio) worst = { ratio, token };
    }
    expect(worst.ratio, worst.token).to.be.at.most(MOST);
    // Tokens that are refused at their first bytes would prove nothing.
    expect(outcomes.get('unpacked') ?? 0, JSON.stringify([...outcomes])).to.be.above(TOKENS / 10);
    expect(outcomes.get('token_tree_too_large') ?? 0, JSON.stringify([...outcomes])).to.be.above(
      TOKENS / 100,
    );
  });

  for (const [question, token] of costlyQuestions()) {
    it(`is no more if ${question}`, () => {
      const { outcome, ratio } = read(token);
      expect(outcome).to.be.oneOf(['unpacked', 'token_tree_too_large']);
      expect(ratio).to.be.at.most(MOST);
    });
  }
});
