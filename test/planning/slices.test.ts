import { expect } from 'chai';

import { atOnce, inSlices, type Steps } from '../../src/planning/slices.ts';

/** Steps that take 2 ms each. */
function* work(count: number, done: number[]): Steps<string> {
  for (let n = 0; n < count; n += 1) {
    const end = performance.now() + 2;
    while (performance.now() < end);
    done.push(n);
    yield;
  }
  return 'all';
}

describe('Steps', () => {
  it('run in one go', () => {
    const done: number[] = [];
    expect(atOnce(work(20, done))).to.equal('all');
    expect(done).to.have.length(20);
  });

  it('in slices let the event loop run in between', async () => {
    const done: number[] = [];
    const seen: number[] = [];
    let isDone = false;
    const look = (): void => {
      seen.push(done.length);
      if (!isDone) setImmediate(look);
    };
    setImmediate(look);
    expect(await inSlices(work(50, done))).to.equal('all');
    isDone = true;
    // 100 ms of work in slices of 10: a slice has five steps, and one more that it began.
    const longest = Math.max(...seen.map((count, at) => count - (seen[at - 1] ?? 0)));
    expect(longest).to.be.at.most(6);
    expect(done).to.have.length(50);
  });

  it('end between two slices once they are no longer wanted, and throw what a step throws', async () => {
    const done: number[] = [];
    const wanted = new AbortController();
    const reason = new Error('not any more');
    setImmediate(() => wanted.abort(reason));
    const ended = await inSlices(work(1_000, done), wanted.signal).catch((error: unknown) => error);
    expect(ended).to.equal(reason);
    expect(done.length).to.be.below(1_000);
    const broken = (function* (): Steps<never> {
      yield;
      throw reason;
    })();
    expect(await inSlices(broken).catch((error: unknown) => error)).to.equal(reason);
  });
});
