/** What every store does, as one suite that each implementation passes. */
import { expect } from 'chai';
import { isWaybillError } from '../../../src/errors.ts';
import { storeKinds, type Store } from '../../../src/issuer/stores/index.ts';
import { eventually } from '../../support/clock/eventually.ts';

export interface StoreUnderTest {
  readonly store: Store;
  /** Another view of the same data: a second process, or the store itself where there can be none. */
  readonly other: Store;
  /** Lets time pass until `condition` holds, which it does after about `seconds`; else throws. */
  elapse(seconds: number, condition: () => Promise<boolean>): Promise<void>;
}

/** Resolves where `work` fails with `store_unavailable`, to its detail. */
export async function unavailable(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isWaybillError(error, 'store_unavailable')) return error.detail ?? '';
    throw error;
  }
  throw new Error('expected store_unavailable');
}

async function typeError(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  throw new Error('expected a TypeError');
}

/** @param open called before each test, for a store that is empty and ready; the suite closes it. */
export function storeContract(open: () => Promise<StoreUnderTest>): void {
  let opened: StoreUnderTest;
  let store: Store;

  beforeEach(async () => {
    opened = await open();
    ({ store } = opened);
  });

  afterEach(() => Promise.all([store.close(), opened.other.close()]));

  it('returns the value that was put', async () => {
    await store.put('token', 'key', '{"sub":"login:ünïcode 🚚"}', 60);
    expect(await store.get('token', 'key')).to.equal('{"sub":"login:ünïcode 🚚"}');
    expect(await opened.other.get('token', 'key')).to.equal('{"sub":"login:ünïcode 🚚"}');
  });

  it('returns nothing for a key that was never used', async () => {
    expect(await store.get('revocation', 'key')).to.equal(undefined);
    await store.delete('revocation', 'key');
  });

  it('replaces a value', async () => {
    await store.put('token', 'key', 'old', 60);
    await store.put('token', 'key', 'new', 60);
    expect(await store.get('token', 'key')).to.equal('new');
  });

  it('distinguishes an empty value from no value', async () => {
    await store.put('token', 'key', '', 60);
    expect(await store.get('token', 'key')).to.equal('');
    expect(await store.markOnce('token', 'key', 60)).to.equal(false);
  });

  it('returns nothing for a deleted key', async () => {
    await store.put('token', 'key', 'value', 60);
    await store.delete('token', 'key');
    expect(await store.get('token', 'key')).to.equal(undefined);
  });

  it('keeps the kinds apart', async () => {
    for (const kind of storeKinds) expect(await store.markOnce(kind, 'key', 60), kind).to.equal(true);
    await store.put('token', 'a:b', 'token', 60);
    await store.put('revocation', 'a:b', 'revocation', 60);
    await store.delete('token', 'a:b');
    expect(await store.get('revocation', 'a:b')).to.equal('revocation');
  });

  it('marks a key once', async () => {
    expect(await store.markOnce('proof', 'key', 60)).to.equal(true);
    expect(await store.markOnce('proof', 'key', 60)).to.equal(false);
    expect(await opened.other.markOnce('proof', 'key', 60)).to.equal(false);
    expect(await store.get('proof', 'key')).to.equal('1');
    await store.delete('proof', 'key');
    expect(await store.markOnce('proof', 'key', 60)).to.equal(true);
  });

  it('lets one of many racing callers mark a key, a hundred times over', async () => {
    const stores = [store, opened.other, store, opened.other];
    for (let round = 0; round < 100; round += 1) {
      const won = await Promise.all(stores.map((each) => each.markOnce('assertion', `round ${round}`, 60)));
      expect(won.filter(Boolean)).to.have.length(1);
    }
  });

  it('removes values and marks when they expire, and nothing else', async () => {
    await store.put('token', 'short', 'value', 1);
    await store.markOnce('proof', 'short', 1);
    await store.put('token', 'long', 'value', 60);
    await store.markOnce('proof', 'long', 60);
    await opened.elapse(1, async () => {
      const [value, mark] = [await store.get('token', 'short'), await store.get('proof', 'short')];
      return value === undefined && mark === undefined;
    });
    expect(await store.get('token', 'long')).to.equal('value');
    expect(await store.markOnce('proof', 'long', 60)).to.equal(false);
    expect(await store.markOnce('proof', 'short', 60)).to.equal(true);
  });

  it('does not extend a mark that is set again', async () => {
    await store.markOnce('proof', 'key', 1);
    await store.markOnce('proof', 'key', 60);
    await opened.elapse(1, async () => (await store.get('proof', 'key')) === undefined);
  });

  it('gives a value that is put again its new time', async () => {
    await store.put('revocation', 'longer', 'value', 1);
    await store.put('revocation', 'longer', 'value', 60);
    await store.put('revocation', 'shorter', 'value', 60);
    await store.put('revocation', 'shorter', 'value', 1);
    await opened.elapse(1, async () => (await store.get('revocation', 'shorter')) === undefined);
    expect(await store.get('revocation', 'longer')).to.equal('value');
  });

  it('takes keys of 512 bytes and values of 16 KiB, and no longer ones', async () => {
    await store.put('token', 'k'.repeat(512), 'v'.repeat(16_384), 60);
    expect(await store.get('token', 'k'.repeat(512))).to.have.length(16_384);
    const long = 'ü'.repeat(257);
    expect(await typeError(store.get('token', long)))
      .to.match(/key .* 514 bytes/)
      .and.not.include(long);
    await typeError(store.put('token', long, 'value', 60));
    await typeError(store.delete('token', long));
    await typeError(store.markOnce('token', long, 60));
    const value = 'v'.repeat(16_385);
    expect(await typeError(store.put('token', 'key', value, 60))).to.not.include('vvv');
  });

  it('takes no empty key and no half characters, which would make two keys one', async () => {
    await typeError(store.markOnce('proof', '', 60));
    await typeError(store.markOnce('proof', '\ud83d', 60));
    await typeError(store.put('token', 'key', '\ude9a', 60));
  });

  it('takes whole seconds from 1 to 366 days', async () => {
    await store.put('token', 'key', 'value', 366 * 86_400);
    for (const seconds of [0, -1, 0.5, NaN, Infinity, 366 * 86_400 + 1]) {
      await typeError(store.put('token', 'key', 'value', seconds));
      await typeError(store.markOnce('proof', 'key', seconds));
    }
    expect(await store.markOnce('proof', 'key', 1)).to.equal(true);
  });

  it('counts failures of a key, by kind, for all who share it', async () => {
    expect(await store.failures('client', 'key')).to.deep.equal({ count: 0, seconds: 0 });
    expect(await store.addFailure('client', 'key', 60)).to.deep.equal({ count: 1, seconds: 60 });
    expect((await opened.other.addFailure('client', 'key', 60)).count).to.equal(2);
    expect((await store.addFailure('address', 'key', 60)).count).to.equal(1);
    for (const each of [store, opened.other]) {
      const { count, seconds } = await each.failures('client', 'key');
      expect([count, seconds]).to.deep.equal([2, 60]);
      expect((await each.failures('client', 'another')).count).to.equal(0);
    }
    await typeError(store.addFailure('client', '', 60));
    await typeError(store.addFailure('client', 'key', 0.5));
    await typeError(store.failures('client', 'k'.repeat(513)));
  });

  it('forgets failures a fixed time after the first of them, by the wall clock', async () => {
    await store.addFailure('client', 'key', 1);
    await store.addFailure('client', 'key', 60);
    await store.addFailure('client', 'other', 60);
    await eventually(5, async () => (await store.failures('client', 'key')).count === 0);
    expect((await store.addFailure('client', 'key', 60)).count).to.equal(1);
    expect((await store.failures('client', 'other')).count).to.equal(1);
  });

  it('knows since when it has lost no mark, which does not change while nothing is lost', async () => {
    await store.markOnce('assertion', 'first', 60);
    const since = store.marksSince();
    expect(since).to.be.a('number').and.to.be.below(Number.POSITIVE_INFINITY);
    await opened.other.markOnce('assertion', 'second', 60);
    await store.markOnce('assertion', 'first', 60);
    expect([store.marksSince(), opened.other.marksSince()]).to.deep.equal([since, since]);
  });

  it('delivers to a process what the others announced, and not its own announcements', async () => {
    const { other } = opened;
    expect(await store.announce('one', 'text of one', 60)).to.deep.equal([]);
    // A store of one process has no others.
    const hasOthers = other !== store;
    const expected = (...texts: string[]): string[] => (hasOthers ? texts : []);
    expect(await other.announce('two', 'text of two', 60)).to.deep.equal(expected('text of one'));
    expect(await store.announce('one', 'changed', 60)).to.deep.equal(expected('text of two'));
    expect(await other.announce('two', 'text of two', 60)).to.deep.equal(expected('changed'));
    await store.withdraw('one');
    expect(await other.announce('two', 'text of two', 1)).to.deep.equal([]);
    await typeError(store.announce('', 'text', 60));
    await typeError(store.announce('one', 'v'.repeat(16_385), 60));
    if (hasOthers) await opened.elapse(1, async () => (await store.announce('one', 'text', 60)).length === 0);
  });

  it('is ready until it is closed, and then answers nothing', async () => {
    await store.markOnce('proof', 'key', 60);
    expect(await store.ready()).to.equal(true);
    await store.close();
    await store.close();
    expect(await store.ready()).to.equal(false);
    expect(await unavailable(store.get('proof', 'key'))).to.include('closed');
    await unavailable(store.put('token', 'key', 'value', 60));
    await unavailable(store.delete('proof', 'key'));
    await unavailable(store.markOnce('proof', 'other', 60));
    await unavailable(store.announce('name', 'text', 60));
    expect(store.state().lost).to.include('closed');
    await store.addFailure('client', 'key', 60); // does no harm
  });
}
