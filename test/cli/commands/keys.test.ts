import { chmodSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';

import { PUBLICATION_LEAD, RETENTION } from '../../../src/issuer/keys/index.ts';
import { moveClock, type MovedClock } from '../../support/clock/moved-clock.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { run } from '../../support/program.ts';

interface Listed {
  readonly file: string;
  readonly keys: readonly {
    kid: string;
    alg: string;
    status: string;
    published: boolean;
    age?: number;
    created?: string;
    activated?: string;
    retired?: string;
    readyAt?: string;
    changesAt?: string;
    dropsAt?: string;
  }[];
}

const HOUR = 60 * 60;
const DAY = 24 * HOUR;

describe('waybill keys', () => {
  let clock: MovedClock;
  before(() => {
    clock = moveClock();
  });
  after(() => {
    clock.restore();
    removeScratch();
  });

  const newFile = () => path.join(scratchFolder(), 'keys.json');
  const keys = async (command: string, file: string, ...more: string[]) =>
    run(['keys', command, '--keys', file, ...more], { env: clock.env });
  const list = async (file: string, ...more: string[]) =>
    JSON.parse((await keys('list', file, '--json', ...more)).stdout) as Listed;
  const roles = ({ keys: listed }: Listed) => listed.map(({ alg, status }) => `${status} ${alg}`).sort();
  const seconds = (time = '') => Date.parse(time) / 1000;

  describe('rotate', () => {
    it('makes the file where it is missing, for its owner alone, with a key that signs and the next one', async () => {
      const file = newFile();
      const { code, stdout } = await keys('rotate', file);
      expect(code).to.equal(0);
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      const listed = await list(file);
      expect(roles(listed)).to.deep.equal(['active ES256', 'next ES256']);
      for (const { kid } of listed.keys) expect(stdout).to.contain(kid);
      expect(stdout).to.contain('signs with ES256 from now on').and.to.contain('within seconds');
      expect(readdirSync(path.dirname(file))).to.deep.equal(['keys.json']);
    });

    it('is refused with exit 2 while the next key is not published for long enough, and changes nothing', async () => {
      const file = newFile();
      await keys('rotate', file);
      clock.move(PUBLICATION_LEAD - 60);
      const text = readFileSync(file, 'utf8');
      const { code, stdout, stderr } = await keys('rotate', file);
      expect([code, stdout]).to.deep.equal([2, '']);
      const next = (await list(file)).keys.find(({ status }) => status === 'next');
      expect(stderr).to.contain('keys_unpublished').and.to.contain(next?.kid).and.to.contain(next?.readyAt);
      expect(stderr).to.contain('--now');
      expect(readFileSync(file, 'utf8')).to.equal(text);
    });

    it('lets the next key sign once it is known, and says what became of each', async () => {
      const file = newFile();
      await keys('rotate', file, '--alg', 'Ed25519');
      clock.move(PUBLICATION_LEAD);
      const before = await list(file);
      const { code, stdout } = await keys('rotate', file);
      expect(code).to.equal(0);
      const after = await list(file);
      expect(roles(after)).to.deep.equal(['active Ed25519', 'next Ed25519', 'retired Ed25519']);
      const kid = (listed: Listed, status: string) => listed.keys.find((key) => key.status === status)?.kid;
      expect(kid(after, 'active')).to.equal(kid(before, 'next'));
      expect(kid(after, 'retired')).to.equal(kid(before, 'active'));
      expect(stdout)
        .to.contain(`${kid(after, 'active')} signs with Ed25519 from now on`)
        .and.to.contain(`${kid(after, 'retired')} (Ed25519) is retired, and published until`)
        .and.to.contain(`${kid(after, 'next')} is published as the next`);
    });

    it('--now does it at once', async () => {
      const file = newFile();
      await keys('rotate', file);
      const { code } = await keys('rotate', file, '--now');
      expect(code).to.equal(0);
      expect(roles(await list(file))).to.deep.equal(['active ES256', 'next ES256', 'retired ES256']);
    });

    it('in several processes at once: each does its step, and none undoes another', async () => {
      const file = newFile();
      const all = await Promise.all(Array.from({ length: 4 }, () => keys('rotate', file, '--now')));
      expect(all.map(({ code }) => code)).to.deep.equal([0, 0, 0, 0]);
      expect(roles(await list(file))).to.deep.equal([
        ...['active ES256', 'next ES256', 'retired ES256', 'retired ES256', 'retired ES256'],
      ]);
      expect(readdirSync(path.dirname(file))).to.deep.equal(['keys.json']);
    });

    it('with a file of an older version publishes a next key first, and says when to rotate again', async () => {
      const file = newFile();
      await keys('rotate', file);
      const stored = JSON.parse(readFileSync(file, 'utf8')) as { keys: { status: string }[] };
      const only = stored.keys.filter(({ status }) => status === 'active');
      writeFileSync(file, JSON.stringify({ keys: only }));
      const { code, stdout } = await keys('rotate', file);
      expect(code).to.equal(0);
      expect(stdout).to.contain('the active key still signs').and.to.contain('Rotate again from');
      expect(roles(await list(file))).to.deep.equal(['active ES256', 'next ES256']);
    });

    it('for another algorithm publishes its keys, and says from when on the graph may name it', async () => {
      const file = newFile();
      await keys('rotate', file);
      const { stdout } = await keys('rotate', file, '--alg', 'PS256');
      const listed = await list(file);
      expect(roles(listed)).to.deep.equal(['active ES256', 'active PS256', 'next ES256', 'next PS256']);
      expect(stdout).to.contain('a graph may say `signing: PS256` from');
      const { code, stderr } = await keys('rotate', file);
      expect(code).to.equal(2);
      expect(stderr).to.contain('active keys for').and.to.contain('--alg');
    });

    it('--json says what became of each key', async () => {
      const file = newFile();
      const made = JSON.parse((await keys('rotate', file, '--json')).stdout) as Record<string, unknown>;
      expect(made).to.include({ file });
      expect(made['made']).to.have.lengthOf(2);
      clock.move(PUBLICATION_LEAD);
      const rotated = JSON.parse((await keys('rotate', file, '--json')).stdout) as Record<string, string[]>;
      expect(Object.keys(rotated)).to.deep.equal([
        ...['file', 'keys', 'made', 'activated', 'retired', 'dropped'],
      ]);
      expect(
        [rotated['made'], rotated['activated'], rotated['retired']].map((kids) => kids?.length),
      ).to.deep.equal([1, 1, 1]);
      clock.move(RETENTION);
      const later = JSON.parse((await keys('rotate', file, '--json')).stdout) as Record<string, string[]>;
      expect(later['dropped']).to.deep.equal(rotated['retired']);
    });

    it('gives a file that others could read back to its owner', async () => {
      const file = newFile();
      await keys('rotate', file);
      chmodSync(file, 0o644);
      await keys('rotate', file, '--now');
      expect(statSync(file).mode & 0o777).to.equal(0o600);
    });
  });

  describe('list', () => {
    it('shows algorithm, status, age and next change', async () => {
      const file = newFile();
      await keys('rotate', file);
      clock.move(5 * DAY);
      await keys('rotate', file);
      clock.move(2 * HOUR);
      const [active, next, retired] = (await list(file)).keys;
      expect(active).to.include({ status: 'active', published: true });
      expect(seconds(active?.activated)).to.be.closeTo(clock.now() - 2 * HOUR, 600);
      expect(active).to.not.have.property('changesAt');
      expect(active?.age).to.be.closeTo(5 * DAY + 2 * HOUR, 600);
      expect(next).to.include({ status: 'next', published: true });
      expect(seconds(next?.readyAt)).to.equal(seconds(next?.created) + PUBLICATION_LEAD);
      expect(retired).to.include({ status: 'retired', published: true });
      expect(seconds(retired?.dropsAt)).to.equal(seconds(retired?.retired) + RETENTION);
      const { stdout } = await keys('list', file);
      const lines = stdout.trimEnd().split('\n');
      expect(lines).to.have.lengthOf(3);
      expect(lines[0]).to.match(
        new RegExp(`^${active?.kid} +ES256 +active +5 d old +signs until the keys are`),
      );
      expect(lines[1]).to.match(/next +2 h old +published; may sign from 20\S+Z on$/);
      expect(lines[2]).to.match(/retired +5 d old +published until 20\S+Z$/);
      clock.move(RETENTION);
      expect((await list(file)).keys[2]).to.include({ status: 'retired', published: false });
      expect((await keys('list', file)).stdout).to.contain(
        'no longer published; removed at the next rotation',
      );
    });

    it('--rotate-keys says when the schedule changes them', async () => {
      const file = newFile();
      await keys('rotate', file);
      const [active, next] = (await list(file, '--rotate-keys', '30d')).keys;
      expect(seconds(active?.changesAt)).to.equal(seconds(active?.activated) + 30 * DAY);
      expect(next?.changesAt).to.equal(active?.changesAt);
      const { stdout } = await keys('list', file, '--rotate-keys', '30d');
      expect(stdout)
        .to.match(/active .* signs until 20\S+Z/)
        .and.to.match(/next .* signs from 20\S+Z on/);
      const short = (await list(file, '--rotate-keys', '3h')).keys;
      expect(seconds(short[0]?.changesAt)).to.equal(seconds(short[1]?.readyAt));
    });

    it('of a key that does not say when it was made says that its age is unknown', async () => {
      const file = newFile();
      await keys('rotate', file);
      const text = readFileSync(file, 'utf8').replace(/"(created|activated)": "[^"]+",?\n/g, '');
      writeFileSync(file, text.replace(/,(\s*})/g, '$1'));
      const [active] = (await list(file)).keys;
      expect(active).to.not.have.any.keys('age', 'created', 'activated');
      expect((await keys('list', file)).stdout).to.contain('age unknown');
    });

    it('of a file that is missing is exit 2 and says how to make one', async () => {
      const file = newFile();
      const { code, stdout, stderr } = await keys('list', file);
      expect([code, stdout]).to.deep.equal([2, '']);
      expect(stderr).to.contain(file).and.to.contain('waybill keys rotate');
    });
  });

  it('list and rotate print no private member, as text or as JSON', async () => {
    const file = newFile();
    const outputs = [
      await keys('rotate', file, '--json'),
      await keys('rotate', file, '--now'),
      await keys('list', file),
      await keys('list', file, '--json'),
    ];
    const stored = JSON.parse(readFileSync(file, 'utf8')) as { keys: Record<string, string>[] };
    expect(stored.keys).to.have.lengthOf(3);
    for (const { code, stdout, stderr } of outputs) {
      expect(code).to.equal(0);
      for (const key of stored.keys)
        for (const member of ['d', 'x', 'y']) expect(stdout + stderr).to.not.contain(key[member]);
    }
  });

  it('a file that cannot be used is exit 2, is named, and stays as it is', async () => {
    const file = scratchFile('keys.json', '{"keys":[{"kid":"a"}]}');
    for (const command of ['list', 'rotate']) {
      const { code, stderr } = await keys(command, file);
      expect(code).to.equal(2);
      expect(stderr).to.contain(file).and.to.contain('key 1 (a) has no supported `alg`');
    }
    expect(readFileSync(file, 'utf8')).to.equal('{"keys":[{"kid":"a"}]}');
    expect(readdirSync(path.dirname(file))).to.deep.equal(['keys.json']);
  });

  it('a folder that cannot be written to is exit 2, without a stack trace', async () => {
    const file = path.join(scratchFolder(), 'missing', 'keys.json');
    const { code, stderr } = await keys('rotate', file);
    expect(code).to.equal(2);
    expect(stderr).to.contain(`The key file ${file} cannot be written (ENOENT)`);
    expect(stderr).to.not.contain('    at ');
  });
});
