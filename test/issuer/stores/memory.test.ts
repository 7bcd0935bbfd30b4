import { expect } from 'chai';
import fc from 'fast-check';
import { memoryStore, storeKinds, type Store, type StoreKind } from '../../../src/issuer/stores/index.ts';
import { storeContract, unavailable } from './contract.ts';

/** A clock that a test moves. */
function movable(): { clock: () => number; pass: (seconds: number) => void } {
  let now = 1_700_000_000;
  return { clock: () => now, pass: (seconds) => void (now += seconds) };
}

describe('memoryStore', () => {
  it('forgets nothing when the time of day jumps ahead and back', async () => {
    const store = memoryStore();
    await store.markOnce('assertion', 'used', 60);
    await store.put('revocation', 'revoked', 'by web', 60);
    const dateNow = Date.now;
    Date.now = () => dateNow() + 3_600_000;
    try {
      await store.markOnce('assertion', 'another', 60);
      expect(await store.get('revocation', 'revoked')).to.equal('by web');
    } finally {
      Date.now = dateNow;
    }
    expect(await store.markOnce('assertion', 'used', 60)).to.equal(false);
    expect(await store.get('revocation', 'revoked')).to.equal('by web');
  });

  it('knows no marks from before it was created, nor from the rest of that second', () => {
    expect(memoryStore({ clock: () => 1_700_000_000 }).marksSince()).to.equal(1_700_000_001);
    expect(memoryStore({ since: 0 }).marksSince()).to.equal(0);
  });

  storeContract(async () => {
    const { clock, pass } = movable();
    const store = memoryStore({ clock });
    return {
      store,
      other: store,
      async elapse(seconds, condition) {
        expect(await condition()).to.equal(false);
        pass(seconds);
        expect(await condition()).to.equal(true);
      },
    };
  });

  describe('when it is full', () => {
    it('drops the token that was written first', async () => {
      const store = memoryStore({ maxEntries: { token: 2 } });
      await store.put('token', 'a', 'first', 60);
      await store.put('token', 'b', 'second', 60);
      await store.put('token', 'a', 'third', 60);
      await store.put('token', 'c', 'fourth', 60);
      expect(await store.get('token', 'b')).to.equal(undefined);
      expect(await store.get('token', 'a')).to.equal('third');
      expect(await store.get('token', 'c')).to.equal('fourth');
    });

    for (const kind of ['revocation', 'assertion', 'proof'] as const) {
      it(`refuses another ${kind} and forgets none`, async () => {
        const store = memoryStore({ maxEntries: 2 });
        expect(await store.markOnce(kind, 'a', 60)).to.equal(true);
        await store.put(kind, 'b', 'value', 60);
        expect(await unavailable(store.markOnce(kind, 'c', 60))).to.equal(
          `memory store: no room for another ${kind}`,
        );
        await unavailable(store.put(kind, 'c', 'value', 60));
        expect(await store.markOnce(kind, 'a', 60)).to.equal(false);
        expect(await store.get(kind, 'b')).to.equal('value');
        expect(await store.get(kind, 'c')).to.equal(undefined);
        await store.put(kind, 'b', 'other', 60);
        expect(await store.get(kind, 'b')).to.equal('other');
      });
    }

    it('fills one kind without touching another', async () => {
      const store = memoryStore({ maxEntries: 1 });
      const marks = await Promise.all(storeKinds.map(async (kind) => store.markOnce(kind, 'key', 60)));
      expect(marks).to.have.lengthOf.above(1).and.not.include(false);
    });

    it('removes expired entries before any other', async () => {
      const { clock, pass } = movable();
      const store = memoryStore({ clock, maxEntries: 2 });
      await store.put('token', 'lasting', 'value', 60);
      await store.put('token', 'brief', 'value', 1);
      await store.markOnce('proof', 'lasting', 60);
      await store.markOnce('proof', 'brief', 1);
      await unavailable(store.markOnce('proof', 'new', 60));
      pass(1);
      await store.put('token', 'new', 'value', 60);
      expect(await store.get('token', 'lasting')).to.equal('value');
      expect(await store.markOnce('proof', 'new', 60)).to.equal(true);
      expect(await store.markOnce('proof', 'lasting', 60)).to.equal(false);
    });
  });

  describe('when it is full of bytes', () => {
    const large = 'x'.repeat(1_000);

    it('drops the tokens that were written first, as many as make room', async () => {
      const store = memoryStore({ maxBytes: 2_500 });
      for (const key of ['a', 'b']) await store.put('token', key, large, 60);
      await store.put('token', 'a', 'small', 60);
      await store.put('token', 'c', large, 60);
      expect(await store.get('token', 'b')).to.equal(large);
      await store.put('token', 'd', large, 60);
      expect(await store.get('token', 'b')).to.equal(undefined);
      expect(await store.get('token', 'a')).to.equal('small');
      await store.put('token', 'e', `${large}${large}`, 60);
      for (const key of ['a', 'c', 'd']) expect(await store.get('token', key)).to.equal(undefined);
      expect(await store.get('token', 'e')).to.have.length(2_000);
    });

    it('refuses a value that is larger than the limit, and drops none', async () => {
      const store = memoryStore({ maxBytes: 2_500 });
      await store.put('token', 'a', large, 60);
      await unavailable(store.put('token', 'b', large.repeat(3), 60));
      expect(await store.get('token', 'a')).to.equal(large);
    });

    it('reuses the space of deleted, expired and replaced entries', async () => {
      const { clock, pass } = movable();
      const store = memoryStore({ clock, maxBytes: 2_500 });
      await store.put('revocation', 'a', large, 60);
      await store.put('revocation', 'b', large, 5);
      await unavailable(store.put('revocation', 'c', large, 60));
      await store.put('revocation', 'a', large, 60);
      await store.delete('revocation', 'a');
      await store.put('revocation', 'c', large, 60);
      await unavailable(store.put('revocation', 'd', large, 60));
      pass(5);
      await store.put('revocation', 'd', large, 60);
      await unavailable(store.put('revocation', 'e', large, 60));
    });
  });

  describe('with parties', () => {
    it('keeps space for the others when one party writes without end', async () => {
      for (const kind of ['assertion', 'proof', 'revocation'] as const) {
        const store = memoryStore({ maxEntries: 1_000 });
        let written = 0;
        while (await isTaken(store.markOnce(kind, `loud ${written}`, 60, 'loud'))) written += 1;
        expect(written).to.equal(800);
        for (let key = 0; key < 100; key += 1)
          expect(await store.markOnce(kind, `quiet ${key}`, 60, `quiet ${key % 10}`)).to.equal(true);
        expect(await unavailable(store.markOnce(kind, 'one more', 60, 'loud'))).to.include('of loud');
      }
    });

    it('gives parties that all write without end shares of nearly one size', async () => {
      const store = memoryStore({ maxEntries: 1_000 });
      const written = new Map<string, number>();
      for (let key = 0; key < 10_000; key += 1) {
        const party = `party ${key % 10}`;
        if (await isTaken(store.markOnce('assertion', `${key}`, 60, party)))
          written.set(party, (written.get(party) ?? 0) + 1);
      }
      for (const count of written.values()) expect(count).to.be.within(95, 100);
      expect(await store.markOnce('assertion', 'late', 60, 'late')).to.equal(true);
    });

    it('drops opaque tokens of the party that writes, and of no other', async () => {
      const store = memoryStore({ maxEntries: 100 });
      for (let key = 0; key < 10; key += 1) await store.put('token', `quiet ${key}`, 'value', 60, 'quiet');
      for (let key = 0; key < 10_000; key += 1) await store.put('token', `loud ${key}`, 'value', 60, 'loud');
      for (let key = 0; key < 10; key += 1)
        expect(await store.get('token', `quiet ${key}`)).to.equal('value');
      expect(await store.get('token', 'loud 0')).to.equal(undefined);
      expect(await store.get('token', 'loud 9999')).to.equal('value');
    });

    it('shares bytes as it shares entries', async () => {
      const store = memoryStore({ maxBytes: 100_000 });
      const large = 'x'.repeat(9_990);
      await store.put('token', 'quiet', large, 60, 'quiet');
      for (let key = 0; key < 20; key += 1) await store.put('token', `loud ${key}`, large, 60, 'loud');
      expect(await store.get('token', 'quiet')).to.equal(large);
      await store.put('token', 'newcomer', large, 60, 'newcomer');
      expect(await store.get('token', 'quiet')).to.equal(large);
      expect(await store.get('token', 'loud 19')).to.equal(large);
    });

    it('gives a share back with what expires or is deleted', async () => {
      const { clock, pass } = movable();
      const store = memoryStore({ clock, maxEntries: 100 });
      const fill = async (prefix: string): Promise<number> => {
        let written = 0;
        while (await isTaken(store.markOnce('proof', `${prefix} ${written}`, 60, 'loud'))) written += 1;
        return written;
      };
      expect(await fill('first')).to.equal(80);
      await store.delete('proof', 'first 7');
      expect(await fill('second')).to.equal(1);
      pass(60);
      expect(await fill('third')).to.equal(80);
    });
  });

  it('a refused write to a full store stays cheap', async () => {
    const store = memoryStore({ maxEntries: 50_000 });
    for (let key = 0; key < 50_000; key += 1) await store.markOnce('proof', `${key}`, 600);
    const before = performance.now();
    for (let key = 0; key < 5_000; key += 1) await unavailable(store.markOnce('proof', `new ${key}`, 600));
    // Walking all marks for each of these would take a hundred times as long.
    expect(performance.now() - before).to.be.below(2_000);
  });

  it('refuses invalid bounds', () => {
    for (const maxEntries of [0, -1, 1.5, NaN, Infinity]) {
      expect(() => memoryStore({ maxEntries })).to.throw(TypeError, /maxEntries of token/);
      expect(() => memoryStore({ maxEntries: { proof: maxEntries } })).to.throw(
        TypeError,
        /maxEntries of proof/,
      );
      expect(() => memoryStore({ maxBytes: maxEntries })).to.throw(TypeError, /maxBytes/);
    }
  });

  it('behaves as a plain list does, for any operations in any order', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60, size: 'max' }), async (steps) => {
        const { clock, pass } = movable();
        const store = memoryStore({ clock, maxEntries: BOUND });
        const list = new PlainList(clock);
        for (const each of steps) {
          if (each.act === 'pass') {
            pass(each.seconds);
            continue;
          }
          expect(await outcome(store, each)).to.deep.equal(list.outcome(each));
          compared += 1;
        }
      }),
      { numRuns: 500 },
    );
    expect(compared).to.be.above(1_000);
  });
});

async function isTaken(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    (error: { code?: string }) => {
      if (error.code !== 'store_unavailable') throw error;
      return false;
    },
  );
}

const BOUND = 7;

type Call =
  | { act: 'put'; kind: StoreKind; key: string; value: string; seconds: number; party: string | undefined }
  | { act: 'markOnce'; kind: StoreKind; key: string; seconds: number; party: string | undefined }
  | { act: 'get'; kind: StoreKind; key: string }
  | { act: 'delete'; kind: StoreKind; key: string };

const kind = fc.constantFrom<StoreKind>('token', 'proof');
const key = fc.constantFrom(...'abcdefghijkl');
const party = fc.constantFrom('loud', 'quiet', undefined);
const seconds = fc.constantFrom(1, 3, 100);
const step = fc.oneof(
  fc.record({
    act: fc.constant('put' as const),
    kind,
    key,
    value: fc.constantFrom('x', 'y', ''),
    seconds,
    party,
  }),
  fc.record({ act: fc.constant('markOnce' as const), kind, key, seconds, party }),
  fc.record({ act: fc.constant('get' as const), kind, key }),
  fc.record({ act: fc.constant('delete' as const), kind, key }),
  fc.record({ act: fc.constant('pass' as const), seconds: fc.constantFrom(1, 2, 90) }),
);

async function outcome(store: Store, call: Call): Promise<unknown> {
  try {
    if (call.act === 'put') return await store.put(call.kind, call.key, call.value, call.seconds, call.party);
    if (call.act === 'markOnce') return await store.markOnce(call.kind, call.key, call.seconds, call.party);
    return await store[call.act](call.kind, call.key);
  } catch (error) {
    return (error as { code: string }).code;
  }
}

interface Item {
  readonly kind: StoreKind;
  readonly key: string;
  readonly value: string;
  readonly until: number;
  readonly party: string | undefined;
}

/** The same promises, kept in the plainest way: one list, searched from the front. */
class PlainList {
  readonly #clock: () => number;
  #items: Item[] = [];

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  outcome(call: Call): unknown {
    const now = this.#clock();
    this.#items = this.#items.filter(({ until }) => now < until);
    const found = this.#items.find((item) => item.kind === call.kind && item.key === call.key);
    const others = this.#items.filter((item) => item !== found);
    if (call.act === 'get') return found?.value;
    if (call.act === 'delete') {
      this.#items = others;
      return undefined;
    }
    if (call.act === 'markOnce' && found !== undefined) return false;
    const { kind, key, party } = call;
    const ofParty = (items: Item[]): Item[] =>
      items.filter((item) => party !== undefined && item.kind === kind && item.party === party);
    /** Whether one more goes beside these, where `found` makes room for it. */
    const fits = (items: Item[]): boolean => {
      const left = BOUND - 1 - items.filter((item) => item.kind === kind).length;
      const own = ofParty(items).length;
      const isReplaced = found !== undefined && found.party === party && this.#items.includes(found);
      return left >= 0 && (own === 0 || isReplaced || own + 1 <= 4 * left);
    };
    let kept = others;
    while (!fits(kept)) {
      if (kind !== 'token') return 'store_unavailable';
      const oldest = ofParty(kept)[0] ?? kept.find((item) => item.kind === kind);
      kept = kept.filter((item) => item !== oldest);
    }
    const value = call.act === 'put' ? call.value : '1';
    this.#items = [...kept, { kind, key, value, until: now + call.seconds, party }];
    return call.act === 'put' ? undefined : true;
  }
}
