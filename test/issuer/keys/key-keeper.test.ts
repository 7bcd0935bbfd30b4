import {
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';

import {
  KeyKeeper,
  RETENTION,
  generateKey,
  keyWith,
  readKeyFile,
  rotate,
  changeKeyFile,
  type KeyRecord,
} from '../../../src/issuer/keys/index.ts';
import { isWaybillError } from '../../../src/errors.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const START = 1_800_000_000;
const DAY = 24 * 60 * 60;
const EVERY = 30 * DAY;

describe('The keeper of a key file', () => {
  after(removeScratch);

  let now: number;
  const clock = () => now;
  let file: string;

  beforeEach(async () => {
    now = START;
    file = path.join(scratchFolder(), 'keys.json');
    await changeKeyFile(file, async () => rotate([], 'ES256', clock));
  });

  const keep = (every?: number) => new KeyKeeper({ path: file, every, clock });
  const kids = (records: readonly KeyRecord[]) => records.map(({ kid }) => kid);
  const active = ({ records }: KeyKeeper) => keyWith(records, 'ES256', 'active')?.kid;
  const next = ({ records }: KeyKeeper) => keyWith(records, 'ES256', 'next')?.kid;

  it('says at once where the file is missing or cannot be used', () => {
    writeFileSync(file, 'not json');
    expect(() => keep())
      .to.throw('it is not JSON')
      .with.property('code', 'keys_invalid');
    rmSync(file);
    expect(() => keep())
      .to.throw('is gone')
      .with.property('code', 'keys_missing');
  });

  it('takes up a file that was replaced, and reads one that was not only when it must', async () => {
    const keeper = keep();
    const before = keeper.records;
    keeper.refresh();
    expect(keeper.records).to.equal(before);
    keeper.refresh(true);
    expect(keeper.records).to.deep.equal(before);
    expect(keeper.records).to.not.equal(before);
    const rotated = await rotate(before, 'ES256', clock, { now: true });
    await changeKeyFile(file, async () => rotated);
    keeper.refresh();
    expect(kids(keeper.records)).to.deep.equal(kids(rotated));
    expect(keeper.ring('ES256').signer.kid).to.equal(rotated[0]?.kid);
  });

  it('takes up a file behind a link that was turned to another folder, as a mounted secret is', async () => {
    const volume = scratchFolder();
    const versions = [path.join(volume, 'v1'), path.join(volume, 'v2')] as const;
    const [first, second] = [await rotate([], 'ES256', clock), await rotate([], 'ES256', clock)];
    for (const [index, records] of [first, second].entries()) {
      mkdirSync(versions[index] ?? '');
      await changeKeyFile(path.join(versions[index] ?? '', 'keys.json'), async () => records);
    }
    symlinkSync('v1', path.join(volume, 'current'));
    file = path.join(volume, 'current', 'keys.json');
    const keeper = keep();
    expect(active(keeper)).to.equal(first[0]?.kid);
    symlinkSync('v2', path.join(volume, 'turned'));
    renameSync(path.join(volume, 'turned'), path.join(volume, 'current'));
    keeper.refresh();
    expect(active(keeper)).to.equal(second[0]?.kid);
  });

  it('keeps its keys where the file is broken or gone, says so once for each state, and sees it mended', () => {
    const keeper = keep();
    const text = readFileSync(file, 'utf8');
    const { signer } = keeper.ring('ES256');
    writeFileSync(file, '{');
    expect(() => keeper.refresh()).to.throw('it is not JSON');
    keeper.refresh();
    expect(() => keeper.refresh(true)).to.throw('it is not JSON');
    rmSync(file);
    expect(() => keeper.refresh()).to.throw('is gone');
    keeper.refresh();
    expect(keeper.ring('ES256').signer.kid).to.equal(signer.kid);
    writeFileSync(file, text);
    keeper.refresh();
    expect(keeper.ring('ES256').signer.kid).to.equal(signer.kid);
  });

  it('without a schedule never writes', async () => {
    const keeper = keep();
    const { ino, mtimeMs } = statSync(file);
    now += 10 * EVERY;
    expect(await keeper.rotateIfDue('ES256')).to.equal(false);
    expect(statSync(file)).to.include({ ino, mtimeMs });
  });

  it('rotates when the schedule says so, and not before', async () => {
    const keeper = keep(EVERY);
    const [first, second] = [active(keeper), next(keeper)];
    now = START + EVERY - 1;
    expect(await keeper.rotateIfDue('ES256')).to.equal(false);
    now = START + EVERY;
    expect(await keeper.rotateIfDue('ES256')).to.equal(true);
    expect(active(keeper)).to.equal(second);
    expect(keeper.records.find(({ kid }) => kid === first)).to.include({ status: 'retired', retired: now });
    expect(kids(readKeyFile(file) ?? [])).to.deep.equal(kids(keeper.records));
    expect(await keeper.rotateIfDue('ES256')).to.equal(false);
  });

  it('gives a file without a next key one, and rotates only when that is known', async () => {
    await changeKeyFile(file, async () => [await generateKey('ES256', () => START - 2 * EVERY)]);
    const keeper = keep(EVERY);
    const first = active(keeper);
    expect(await keeper.rotateIfDue('ES256')).to.equal(true);
    expect(active(keeper)).to.equal(first);
    expect(next(keeper)).to.be.a('string');
    expect(await keeper.rotateIfDue('ES256')).to.equal(false);
    now += DAY;
    expect(await keeper.rotateIfDue('ES256')).to.equal(true);
    expect(active(keeper)).to.not.equal(first);
  });

  it('of several that share a file one rotates, and the others read what it did', async () => {
    const keepers = Array.from({ length: 5 }, () => keep(EVERY));
    now += EVERY;
    const took = await Promise.all(keepers.map((keeper) => keeper.rotateIfDue('ES256')));
    expect(took.filter(Boolean)).to.have.lengthOf(1);
    for (const keeper of keepers) expect(kids(keeper.records)).to.deep.equal(kids(readKeyFile(file) ?? []));
    expect(readKeyFile(file)).to.have.lengthOf(3);
    expect(readdirSync(path.dirname(file))).to.deep.equal(['keys.json']);
  });

  it('finds a rotation that was done by hand, and counts from then on', async () => {
    const keeper = keep(EVERY);
    now += EVERY;
    const byHand = await rotate(keeper.records, 'ES256', clock);
    await changeKeyFile(file, async () => byHand);
    expect(await keeper.rotateIfDue('ES256')).to.equal(false); // its own keys are older than the file
    expect(kids(keeper.records)).to.deep.equal(kids(byHand));
  });

  it('never makes a file, and stays with its keys where rotation fails', async () => {
    const keeper = keep(EVERY);
    const before = kids(keeper.records);
    now += EVERY;
    rmSync(file);
    const error = await keeper.rotateIfDue('ES256').then(
      () => expect.fail('it rotated'),
      (reason: unknown) => reason,
    );
    expect(isWaybillError(error, 'keys_missing')).to.equal(true);
    expect(readdirSync(path.dirname(file))).to.deep.equal([]);
    expect(kids(keeper.records)).to.deep.equal(before);
    scratchFile('keys.json', 'not json', path.dirname(file));
    const broken = await keeper.rotateIfDue('ES256').then(
      () => expect.fail('it rotated'),
      (reason: unknown) => reason,
    );
    expect(isWaybillError(broken, 'keys_invalid')).to.equal(true);
    expect(keeper.ring('ES256').signer.kid).to.equal(before[0]);
  });

  it('publishes a retired key until its time is over, without a change of the file', async () => {
    const keeper = keep(EVERY);
    now += EVERY;
    await keeper.rotateIfDue('ES256');
    now += RETENTION - 1;
    expect(keeper.published()).to.have.lengthOf(3);
    now += 1;
    expect(keeper.published()).to.have.lengthOf(2);
    expect(keeper.ring('ES256').jwks.keys).to.have.lengthOf(2);
    expect(readKeyFile(file)).to.have.lengthOf(3);
  });
});
