import { expect } from 'chai';

import { systemClock } from '../../../src/clock.ts';
import { isWaybillError } from '../../../src/errors.ts';
import {
  PUBLICATION_LEAD,
  RETENTION,
  changesAt,
  generateKey,
  isDue,
  keyChanges,
  keyWith,
  rotate,
  type KeyRecord,
} from '../../../src/issuer/keys/index.ts';
import type { SigningAlgorithm } from '../../../src/token/index.ts';

const NOW = 1_800_000_000;
const HOUR = 60 * 60;
const DAY = 24 * HOUR;
const at = (seconds: number) => () => seconds;
const roles = (records: readonly KeyRecord[]) => records.map(({ alg, status }) => `${status} ${alg}`).sort();
const kid = (records: readonly KeyRecord[], status: 'active' | 'next', alg: SigningAlgorithm = 'ES256') =>
  keyWith(records, alg, status)?.kid;

async function failing(act: Promise<unknown>): Promise<Error> {
  return act.then(
    () => expect.fail('nothing failed'),
    (error: unknown) => error as Error,
  );
}

describe('Rotation of keys', () => {
  it('of no keys makes the first one, which signs at once, and the next one', async () => {
    const records = await rotate([], 'ES256', at(NOW));
    expect(roles(records)).to.deep.equal(['active ES256', 'next ES256']);
    expect(records[0]).to.include({ created: NOW, activated: NOW });
    expect(records[1]).to.include({ created: NOW }).and.to.not.have.property('activated');
  });

  it('lets the next key sign, retires the one before it, and publishes a new next key', async () => {
    const first = await rotate([], 'ES256', at(NOW));
    const time = NOW + PUBLICATION_LEAD;
    const second = await rotate(first, 'ES256', at(time));
    expect(roles(second)).to.deep.equal(['active ES256', 'next ES256', 'retired ES256']);
    expect(kid(second, 'active')).to.equal(kid(first, 'next'));
    expect(keyWith(second, 'ES256', 'active')).to.include({ created: NOW, activated: time });
    expect(keyWith(second, 'ES256', 'next')?.created).to.equal(time);
    expect(second.find(({ status }) => status === 'retired')).to.include({
      kid: kid(first, 'active'),
      retired: time,
    });
  });

  it('is refused while the next key is not published for long enough, and says from when on it is not', async () => {
    const first = await rotate([], 'ES256', at(NOW));
    const early = await failing(rotate(first, 'ES256', at(NOW + PUBLICATION_LEAD - 1)));
    expect(isWaybillError(early, 'keys_unpublished')).to.equal(true);
    expect(early.message)
      .to.contain(kid(first, 'next'))
      .and.to.contain('since 2027-01-15T08:00:00.000Z')
      .and.to.contain('from 2027-01-15T11:00:00.000Z on')
      .and.to.contain('--now');
  });

  it('with `now` takes the next key early, since that is published for some time at least', async () => {
    const first = await rotate([], 'ES256', at(NOW));
    const second = await rotate(first, 'ES256', at(NOW + 1), { now: true });
    expect(kid(second, 'active')).to.equal(kid(first, 'next'));
    expect(roles(second)).to.deep.equal(['active ES256', 'next ES256', 'retired ES256']);
  });

  it('is not needed for a first key, which is created now unless a clock says otherwise', async () => {
    const before = systemClock();
    const { created, activated, status } = await generateKey('ES256');
    expect(created).to.be.within(before, systemClock());
    expect([activated, status]).to.deep.equal([created, 'active']);
  });

  it('of a file without a next key, as older versions wrote it, publishes one and leaves what signs', async () => {
    const old = await generateKey('ES256', at(NOW - DAY));
    const prepared = await rotate([old], 'ES256', at(NOW));
    expect(roles(prepared)).to.deep.equal(['active ES256', 'next ES256']);
    expect(kid(prepared, 'active')).to.equal(old.kid);
    expect(
      isWaybillError(await failing(rotate(prepared, 'ES256', at(NOW + 1))), 'keys_unpublished'),
    ).to.equal(true);
    const rotated = await rotate(prepared, 'ES256', at(NOW + PUBLICATION_LEAD));
    expect(kid(rotated, 'active')).to.equal(kid(prepared, 'next'));
  });

  it('with `now` and no next key makes one that signs at once', async () => {
    const old = await generateKey('ES256', at(NOW - DAY));
    const rotated = await rotate([old], 'ES256', at(NOW), { now: true });
    expect(roles(rotated)).to.deep.equal(['active ES256', 'next ES256', 'retired ES256']);
    expect(kid(rotated, 'active')).to.not.equal(old.kid);
  });

  it('keeps a retired key until the longest token of the language is gone, and then drops it', async () => {
    expect(RETENTION).to.be.at.least(DAY);
    const first = await rotate([], 'ES256', at(NOW));
    const retiredAt = NOW + PUBLICATION_LEAD;
    const second = await rotate(first, 'ES256', at(retiredAt));
    const last = kid(first, 'active');
    const justBefore = await rotate(second, 'ES256', at(retiredAt + RETENTION - 1));
    expect(justBefore.map((record) => record.kid)).to.include(last);
    const then = await rotate(second, 'ES256', at(retiredAt + RETENTION));
    expect(then.map((record) => record.kid)).to.not.include(last);
    expect(keyChanges(second, then).dropped.map((record) => record.kid)).to.deep.equal([last]);
  });

  it('counts the time of a retired key that does not say when from now on', async () => {
    const handMade: KeyRecord = { ...(await generateKey('ES256', at(0))), status: 'retired' };
    const rotated = await rotate([handMade], 'ES256', at(NOW));
    expect(rotated.find(({ status }) => status === 'retired')?.retired).to.equal(NOW);
  });

  it('never makes more keys than a key file may hold', async () => {
    let records: readonly KeyRecord[] = [];
    let refused: unknown;
    for (let round = 0; round < 65 && refused === undefined; round++) {
      try {
        records = await rotate(records, 'ES256', at(NOW + round), { now: true });
      } catch (error) {
        refused = error;
      }
    }
    expect(records).to.have.lengthOf(64);
    expect(isWaybillError(refused, 'usage')).to.equal(true);
    expect((refused as Error).message).to.contain('the limit is 64');
  });

  describe('where the algorithm changes', () => {
    it('publishes the keys of a new algorithm and leaves what signs', async () => {
      const first = await rotate([], 'ES256', at(NOW));
      const both = await rotate(first, 'Ed25519', at(NOW + HOUR));
      expect(roles(both)).to.deep.equal(['active ES256', 'active Ed25519', 'next ES256', 'next Ed25519']);
      expect(kid(both, 'active')).to.equal(kid(first, 'active'));
    });

    it('retires the keys of the old algorithm with the first rotation of the new one', async () => {
      const first = await rotate([], 'ES256', at(NOW));
      const both = await rotate(first, 'Ed25519', at(NOW + HOUR));
      const after = await rotate(both, 'Ed25519', at(NOW + 30 * DAY));
      expect(roles(after)).to.deep.equal([
        'active Ed25519',
        'next Ed25519',
        'retired ES256',
        'retired Ed25519',
      ]);
      expect(after.find(({ alg }) => alg === 'ES256')).to.include({
        kid: kid(first, 'active'),
        retired: NOW + 30 * DAY,
      });
      expect(keyChanges(both, after).dropped.map((record) => record.kid)).to.deep.equal([kid(first, 'next')]);
    });

    it('leaves the keys of an algorithm that has been rotated since, for some graph uses it', async () => {
      const first = await rotate(await rotate([], 'ES256', at(NOW)), 'Ed25519', at(NOW + HOUR));
      const later = await rotate(first, 'ES256', at(NOW + 10 * DAY));
      expect(roles(later)).to.include('active Ed25519'); // younger than the ES256 key that went
      const after = await rotate(later, 'Ed25519', at(NOW + 20 * DAY));
      expect(roles(after)).to.include.members(['active ES256', 'next ES256', 'active Ed25519']);
    });
  });
});

describe('The schedule of rotation', () => {
  const EVERY = 30 * DAY;

  it('counts from when a key began to sign, and asks for nothing before', async () => {
    const first = await rotate([], 'ES256', at(NOW));
    expect(changesAt(first, 'ES256', EVERY)).to.equal(NOW + EVERY);
    expect(isDue(first, 'ES256', EVERY, NOW + EVERY - 1)).to.equal(false);
    expect(isDue(first, 'ES256', EVERY, NOW + EVERY)).to.equal(true);
    const late = NOW + EVERY + 5 * DAY;
    const second = await rotate(first, 'ES256', at(late));
    expect(changesAt(second, 'ES256', EVERY)).to.equal(late + EVERY);
    expect(isDue(second, 'ES256', EVERY, late)).to.equal(false);
  });

  it('waits until the next key is published for long enough', async () => {
    const [active] = await rotate([], 'ES256', at(NOW));
    const next = await generateKey('ES256', at(NOW + EVERY), 'next');
    const records = [active as KeyRecord, next];
    expect(changesAt(records, 'ES256', EVERY)).to.equal(NOW + EVERY + PUBLICATION_LEAD);
    expect(isDue(records, 'ES256', EVERY, NOW + EVERY + PUBLICATION_LEAD - 1)).to.equal(false);
  });

  it('asks at once for a next key where none waits', async () => {
    const active = await generateKey('ES256', at(NOW));
    expect(changesAt([active], 'ES256', EVERY)).to.equal(undefined);
    expect(isDue([active], 'ES256', EVERY, NOW)).to.equal(true);
    expect(roles(await rotate([active], 'ES256', at(NOW)))).to.deep.equal(['active ES256', 'next ES256']);
  });

  it('asks for nothing where no key of the algorithm signs', async () => {
    const other = await rotate([], 'Ed25519', at(NOW));
    expect(isDue(other, 'ES256', EVERY, NOW + EVERY)).to.equal(false);
    expect(isDue([], 'ES256', EVERY, NOW)).to.equal(false);
  });
});
