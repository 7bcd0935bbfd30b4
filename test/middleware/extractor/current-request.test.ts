import { setTimeout as pause } from 'node:timers/promises';

import { expect } from 'chai';

import { CurrentRequest } from '../../../src/middleware/extractor/current-request.ts';
import type { RequestContext } from '../../../src/middleware/index.ts';
import { failure } from '../../support/failure.ts';
import { usedBytes } from '../../memory/heap.ts';

describe('the current request', () => {
  function contextOf(name: string): RequestContext {
    return { claims: { sub: name } } as RequestContext;
  }

  it('is that of the scope in which code runs, after any number of turns', async () => {
    const current = new CurrentRequest();
    const names = ['a', 'b', 'c'];
    const found = await Promise.all(
      names.map((name) =>
        current.scope(contextOf(name)).run(async () => {
          await pause(1);
          return current.get().claims.sub;
        }),
      ),
    );
    expect(found).to.deep.equal(names);
  });

  it('is none outside of a scope, and in that of another extractor', async () => {
    const [own, other] = [new CurrentRequest(), new CurrentRequest()];
    const outside = await failure('usage', () => own.get());
    expect(outside.message).to.match(/^this code runs for no request/);
    await failure('usage', () => other.scope(contextOf('a')).run(() => own.get()));
  });

  it('is over once its scope has ended, whatever was started in it', async () => {
    const current = new CurrentRequest();
    const scope = current.scope(contextOf('a'));
    const later = scope.run(async () => {
      await pause(1);
      return current.get();
    });
    scope.end();
    const { message } = await failure('usage', () => later);
    expect(message).to.match(/^the request is over/);
    expect(scope.context.claims.sub).to.equal('a');
  });

  it('says so where the platform has no AsyncLocalStorage, and runs the work all the same', async () => {
    const own = Object.getOwnPropertyDescriptor(process, 'getBuiltinModule')!;
    Reflect.set(process, 'getBuiltinModule', undefined);
    try {
      const current = new CurrentRequest();
      expect(current.scope(contextOf('a')).run(() => 'done')).to.equal('done');
      const { message } = await failure('usage', () =>
        current.scope(contextOf('a')).run(() => current.get()),
      );
      expect(message).to.match(/^this platform has no AsyncLocalStorage/);
    } finally {
      Object.defineProperty(process, 'getBuiltinModule', own);
    }
  });

  it('holds no context after its end, although a timer that it started still runs', async () => {
    const current = new CurrentRequest();
    const held: WeakRef<RequestContext>[] = [];
    const timers: NodeJS.Timeout[] = [];
    for (const ends of [true, false]) {
      const scope = current.scope(contextOf('a'));
      held.push(new WeakRef(scope.context));
      scope.run(() => timers.push(setInterval(() => undefined, 60_000)));
      if (ends) scope.end();
    }
    await pause(1); // a WeakRef holds its target until the turn is over
    await usedBytes(); // collects
    for (const timer of timers) clearInterval(timer);
    expect(held.map((reference) => reference.deref() === undefined)).to.deep.equal([true, false]);
  });
});
