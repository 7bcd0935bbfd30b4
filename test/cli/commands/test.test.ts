import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';
import { DOMParser } from 'linkedom';
import type { Log } from 'sarif';

import { removeScratch, scratchFolder } from '../../support/files.ts';
import { run, type Outcome } from '../../support/program.ts';

const GRAPH = `waybill: 1
name: shop
vars: { mode: embed }
issuer: { url: 'https://tokens.shop.example' }
defaults: { headers: { profile: node }, caller: mtls }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { shop: [buy] }
services:
  shop: { scopes: { buy: { calls: { payment: [charge] } } } }
  payment: { scopes: { charge: } }
`;
const HOLDS = "  - test: only the shop charges\n    only: { to: ['payment:charge'], from: [shop] }\n";
const FAILS =
  "  - test: web <never> & \\u0001 charges\n    never: { from: [web], to: ['payment:charge'] }\n".replace(
    /test: (.*)\n/,
    'test: "$1"\n',
  );

describe('waybill test', () => {
  after(removeScratch);

  async function test(tests: string, ...options: string[]): Promise<Outcome> {
    const folder = scratchFolder();
    writeFileSync(path.join(folder, 'shop.yaml'), GRAPH.replace('vars: { mode: embed }\n', ''));
    if (tests !== '') writeFileSync(path.join(folder, 'shop.test.yaml'), `waybill: 1\ntests:\n${tests}`);
    return run(['test', 'shop.yaml', ...options], { cwd: folder });
  }

  it('exits with 0 where all hold, 1 where one does not, 2 where there is no test', async () => {
    const all = await test(HOLDS);
    expect([all.code, all.stdout, all.stderr]).to.deep.equal([
      0,
      '✓ only the shop charges\n\n1 test holds.\n',
      '',
    ]);
    expect(await test(HOLDS + FAILS)).to.deep.include({ code: 1, stderr: '' });
    const none = await test('');
    expect([none.code, none.stdout]).to.deep.equal([2, '']);
    expect(none.stderr).to.match(/^error {2}usage {2}No test found\. Name a file that ends in \.test\.yaml/);
    expect((await test(HOLDS, '--format', 'tap')).code).to.equal(2);
    expect((await test('  []\n')).code).to.equal(2);
  });

  it('shows the place of the test, the chain, and the place of the call', async () => {
    const { stdout } = await test(HOLDS + FAILS);
    expect(stdout).to.equal(`✓ only the shop charges
✗ web <never> & \\u0001 charges

shop.test.yaml:6:32  error  assertion-failed
  web <never> & \\u0001 charges: a chain of calls leads to payment:charge: web → shop → payment:charge.
    6 |     never: { from: [web], to: ['payment:charge'] }
                                       ^
  also at shop.yaml:10:37
  Take out one of its calls, or change the test.

1 test holds, 1 does not.
`);
  });

  it('tests no graph in error, and no file whose shape is wrong', async () => {
    const folder = scratchFolder();
    writeFileSync(path.join(folder, 'shop.yaml'), GRAPH.replace('payment: [charge]', 'payment: [charje]'));
    writeFileSync(path.join(folder, 'shop.test.yaml'), `waybill: 1\ntests:\n${HOLDS}`);
    const broken = await run(['test', folder]);
    expect([broken.code, broken.stdout]).to.deep.equal([1, '']);
    expect(broken.stderr).to.include('payment has no scope charje.');
    const { code, stdout } = await test(`${HOLDS}  - tst: x\n`);
    expect(code).to.equal(1);
    expect(stdout).to.match(/unknown-key[^]*0 tests hold, some files were not run\.\n$/);
  });

  it('--json and --format sarif, github and junit give the same to other programs', async () => {
    const both = HOLDS + FAILS;
    const json = JSON.parse((await test(both, '--json')).stdout) as {
      ok: boolean;
      tests: { test: string; holds: boolean; findings: { message: string }[] }[];
    };
    expect([json.ok, ...json.tests.map(({ test: title, holds }) => [title, holds])]).to.deep.equal([
      false,
      ['only the shop charges', true],
      ['web <never> & \u0001 charges', false],
    ]);
    const [message] = json.tests[1]!.findings.map((finding) => finding.message);
    const { runs } = JSON.parse((await test(both, '--format', 'sarif')).stdout) as Log;
    expect(runs[0]?.results?.map(({ ruleId, message: { text } }) => [ruleId, text])).to.deep.equal([
      ['assertion-failed', `${message} Take out one of its calls, or change the test.`],
    ]);
    const github = (await test(both, '--format', 'github')).stdout;
    expect(github).to.match(
      /^::error file=[^,]*shop\.test\.yaml,line=6,col=32,title=assertion-failed::[^\n]*\n$/,
    );
    const junit = await test(both, '--format', 'junit');
    expect(junit.code).to.equal(1);
    const lines = junit.stdout.split('\n');
    expect(lines[2]).to.match(
      /^ {2}<testsuite name="\S*shop\.test\.yaml" tests="2" failures="1" errors="0">$/,
    );
    expect(lines[3]).to.match(
      /^ {4}<testcase name="only the shop charges" classname="\S+" file="\S+" line="3"\/>$/,
    );
    expect(lines[4]).to.match(/^ {4}<testcase name="web &lt;never&gt; &amp; \ufffd charges" [^<>]+>$/);
    expect(lines[5]).to.match(
      /^ {6}<failure type="assertion-failed" message="web &lt;never&gt; &amp; \ufffd charges: /,
    );
    expect(junit.stdout).to.match(
      /shop\.yaml:10:37<\/failure>\n {4}<\/testcase>\n {2}<\/testsuite>\n<\/testsuites>\n$/,
    );
    expect(
      new DOMParser().parseFromString(junit.stdout, 'text/xml').querySelectorAll('failure'),
    ).to.have.lengthOf(1);
  });

  it('--format github says nothing where all hold', async () => {
    expect(await test(HOLDS, '--format', 'github')).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });

  it('takes variables of the graph', async () => {
    const folder = scratchFolder();
    const graph = GRAPH.replace('vars: { mode: embed }', 'vars: { name: shop }').replace(
      'tokens.shop.example',
      'tokens.${name}.example',
    );
    writeFileSync(path.join(folder, 'shop.yaml'), graph);
    writeFileSync(path.join(folder, 'shop.test.yaml'), `waybill: 1\ntests:\n${HOLDS}`);
    expect((await run(['test', folder, '--var', 'name=other'])).code).to.equal(0);
    expect((await run(['test', folder, '--var', 'nme=other'])).code).to.equal(1);
  });
});
