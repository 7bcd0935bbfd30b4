import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { removeScratch, scratchFile } from '../../support/files.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const MOCHA = path.join(ROOT, 'node_modules/mocha/bin/mocha.js');

/** One test that passes, and one that is skipped, in a suite of this title. */
const suite = (title: string): string => `
describe(${JSON.stringify(title)}, () => {
  it('passes', () => {});
  it('is skipped', function () { this.skip(); });
});
`;

describe('the report of a test run', () => {
  after(removeScratch);

  function report(title: string, env: Readonly<Record<string, string>>, ...options: readonly string[]) {
    const { CI, ...rest } = process.env;
    const reporter = ['--no-config', '--reporter', path.join(ROOT, 'scripts/report/plain.mjs'), ...options];
    const { status, stdout } = spawnSync(
      process.execPath,
      [MOCHA, ...reporter, scratchFile('one.test.cjs', suite(title))],
      { env: { ...rest, ...env }, encoding: 'utf8' },
    );
    return { status, lines: stdout.trimEnd().split('\n') };
  }

  it('ends with the counts', () => {
    const { status, lines } = report('a suite', {});
    expect([status, lines.at(-1)]).to.deep.equal([0, '1 passed, 0 failed, 1 skipped']);
  });

  for (const options of [[], ['--parallel']]) {
    const how = options.join('');

    it(`counts a skipped test as failed in CI, and names it ${how}`, () => {
      const { status, lines } = report('a suite (skipped: nginx is missing)', { CI: 'true' }, ...options);
      expect([status, lines.at(-1)]).to.deep.equal([1, '1 passed, 1 failed, 0 skipped']);
      expect(lines).to.include('  a suite (skipped: nginx is missing) is skipped');
    });

    it(`accepts in CI that recorded traces are missing ${how}`, () => {
      const title = 'a suite (skipped: WAYBILL_SAMPLES names no folder)';
      const { status, lines } = report(title, { CI: 'true' }, ...options);
      expect([status, lines.at(-1)]).to.deep.equal([0, '1 passed, 0 failed, 1 skipped']);
    });
  }
});
