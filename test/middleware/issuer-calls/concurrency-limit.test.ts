import { expect } from 'chai';

import { ConcurrencyLimit } from '../../../src/middleware/issuer-calls/concurrency-limit.ts';
import { failure } from '../../support/failure.ts';

describe('connections', () => {
  /** A request that ends on demand. */
  function request(): { run: () => Promise<number>; end: () => void; began: () => boolean } {
    let end = (): void => undefined;
    let hasBegun = false;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const run = async (): Promise<number> => {
      hasBegun = true;
      await ended;
      return 1;
    };
    return { run, end, began: () => hasBegun };
  }
  const never = new AbortController().signal;
  /** A connection is passed on one turn after its request has ended. */
  const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('run a limited number of requests at once, and the others in order of arrival', async () => {
    const connections = new ConcurrencyLimit(2);
    const requests = Array.from({ length: 6 }, request);
    const outcomes = requests.map(({ run }) => connections.run(never, run));
    for (let ended = 0; ended < 6; ended += 1) {
      await turn();
      await turn();
      const begun = requests.map(({ began }) => began());
      expect(begun).to.deep.equal(requests.map((_, index) => index < ended + 2));
      requests[ended]?.end();
    }
    expect(await Promise.all(outcomes)).to.have.lengthOf(6);
  });

  it('are free again after a request that failed, or threw', async () => {
    const connections = new ConcurrencyLimit(1);
    for (let times = 0; times < 10; times += 1) {
      await connections
        .run(never, () => {
          throw new Error('at once');
        })
        .catch(() => undefined);
      await connections.run(never, async () => Promise.reject(new Error('later'))).catch(() => undefined);
    }
    expect(await connections.run(never, async () => 7)).to.equal(7);
  });

  it('fail those whose deadline passes while they wait, and never begin them', async () => {
    const connections = new ConcurrencyLimit(1);
    const [first, second, third] = [request(), request(), request()];
    const deadline = new AbortController();
    const one = connections.run(never, first.run);
    const two = failure('issuer_unavailable', () => connections.run(deadline.signal, second.run));
    const three = connections.run(never, third.run);
    deadline.abort();
    expect((await two).detail).to.equal('the deadline passed while 1 other requests to it ran');
    first.end();
    await one;
    await turn();
    await turn();
    expect([second.began(), third.began()]).to.deep.equal([false, true]);
    third.end();
    await three;
  });

  it('refuse requests beyond the waiting limit at once', async () => {
    const connections = new ConcurrencyLimit(1, 2);
    const requests = Array.from({ length: 3 }, request);
    const outcomes = requests.map(({ run }) => connections.run(never, run));
    const { detail } = await failure('issuer_unavailable', () => connections.run(never, async () => 1));
    expect(detail).to.equal('1 requests to it run and 2 wait, which is the limit');
    for (const { end } of requests) end();
    await Promise.all(outcomes);
    expect(await connections.run(never, async () => 1)).to.equal(1);
  });
});
