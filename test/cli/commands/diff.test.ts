import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { run } from '../../support/program.ts';
import { removeScratch, scratchFolder } from '../../support/files.ts';

const hello = readFileSync(fileURLToPath(new URL('../../../graphs/hello.yaml', import.meta.url)), 'utf8');
const unchecked = hello.replace('stock: {', 'stock: { caller: none,');
const narrower = hello.replace(', payment: [charge]', '');
const withoutPayment = narrower.replace(/ {2}payment: .*\n/, '');

describe('waybill diff', () => {
  let folder: string;

  /** A repository whose first commit holds `shop/graph.yaml`, with other text in the work tree. */
  before(() => {
    folder = scratchFolder();
    const git = (...args: string[]): void => {
      const identity = ['-c', 'user.name=test', '-c', 'user.email=test@shop.example'];
      const { status, stderr } = spawnSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8' });
      expect(status, stderr).to.equal(0);
    };
    git('init', '--quiet', '--initial-branch=main');
    mkdirSync(path.join(folder, 'shop/.hidden'), { recursive: true });
    writeFileSync(path.join(folder, 'shop/graph.yaml'), withoutPayment);
    writeFileSync(path.join(folder, 'shop/.hidden/other.yaml'), 'no graph');
    writeFileSync(path.join(folder, 'shop/notes.txt'), 'no graph');
    symlinkSync('/etc/passwd', path.join(folder, 'shop/link.yaml'));
    git('add', '--all');
    git('commit', '--quiet', '--message', 'first');
    writeFileSync(path.join(folder, 'shop/graph.yaml'), hello);
    writeFileSync(path.join(folder, 'broken.yaml'), hello.replace('[order]', '[oder]'));
    writeFileSync(path.join(folder, 'small.yaml'), withoutPayment);
    writeFileSync(path.join(folder, 'unchecked.yaml'), unchecked);
  });
  after(removeScratch);

  const diff = async (...args: string[]): ReturnType<typeof run> => run(['diff', ...args], { cwd: folder });

  it('compares a folder with the same folder in a git revision', async () => {
    const { code, stdout, stderr } = await diff('main:shop', 'shop/graph.yaml');
    expect([code, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.match(/^graph|^shop|^hello/);
    expect(stdout).to.include('gives more than before. 1 change widens.');
    expect(stdout).to.match(
      /widens\n {2}shop:order now calls payment:charge \(embed\) +shop\/graph\.yaml:\d+:\d+/,
    );
    expect(stdout).to.include('web now reaches payment:charge');
  });

  it('takes graphs of several files, each from the work tree or from a revision', async () => {
    writeFileSync(path.join(folder, 'base.yaml'), narrower.slice(0, narrower.indexOf('services:')));
    const services = (text: string): string => `waybill: 1\n${text.slice(text.indexOf('services:'))}`;
    writeFileSync(path.join(folder, 'services.yaml'), services(hello));
    const same = await diff('base.yaml', 'services.yaml', '--to', 'base.yaml', 'services.yaml');
    expect([same.code, same.stderr]).to.deep.equal([0, '']);
    expect(same.stdout).to.include('the graphs issue the same tokens to the same parties');
    for (const option of ['--to', '--graph']) {
      const { code, stdout } = await diff('main:shop/graph.yaml', option, 'base.yaml', 'services.yaml');
      expect(code).to.equal(0);
      expect(stdout).to.match(/shop:order now calls payment:charge \(embed\) +services\.yaml:\d+:\d+/);
    }
  });

  it('wants two graphs', async () => {
    for (const paths of [['small.yaml'], ['small.yaml', 'shop', 'broken.yaml']]) {
      const { code, stderr } = await diff(...paths);
      expect([code, stderr]).to.deep.equal([
        2,
        'error  usage  Give two graphs, as in `waybill diff OLD NEW`; one of several files needs `OLD... --to NEW...`.\n',
      ]);
    }
  });

  it('names places in a revision as git does', async () => {
    const { stdout } = await diff('shop/graph.yaml', 'main:shop/graph.yaml', '--json');
    const { verdict, changes } = JSON.parse(stdout) as { verdict: string; changes: { place: string }[] };
    expect(verdict).to.equal('narrows');
    expect(changes.map(({ place }) => place)).to.deep.equal(['shop/graph.yaml:8:57']);
    const back = await diff('HEAD:shop', 'shop/graph.yaml', '--json');
    expect(back.stdout).to.not.include('waybill-diff-');
    const gone = await diff('main:shop/graph.yaml', 'small.yaml');
    expect(gone.stdout).to.include('the graphs issue the same tokens to the same parties.');
  });

  for (const [title, older, newer, what, expected] of [
    ['a widening where it is asked to', 'small.yaml', 'shop/graph.yaml', 'widening', 1],
    ['nothing that narrows', 'shop/graph.yaml', 'small.yaml', 'widening', 0],
    ['a check that is gone', 'shop/graph.yaml', 'unchecked.yaml', 'widening', 1],
    ['what it does not know', 'shop/graph.yaml', 'small.yaml', 'anything', 2],
  ] as const) {
    it(`fails on ${title}: exit ${expected}`, async () => {
      expect((await diff(older, newer, '--fail-on', what)).code).to.equal(expected);
    });
  }

  it('writes markdown in which no name is markup', async () => {
    const { code, stdout } = await diff('small.yaml', 'shop/graph.yaml', '--format', 'markdown');
    expect(code).to.equal(0);
    const [title = '', , verdict = ''] = stdout.split('\n');
    expect(title).to.match(/^### .+: what this change does$/);
    expect(verdict).to.equal('**Gives more than before.** 1 change widens.');
    expect(stdout).to.include(
      '| shop:order now calls payment:charge &#40;embed&#41; | <code>shop/graph.yaml:',
    );
    expect(stdout).to.match(/<details><summary>Tokens and bytes per call<\/summary>\n\n\| request/);
    writeFileSync(
      path.join(folder, 'named.yaml'),
      hello.replace('waybill: 1', "waybill: 1\nname: 'a|b @x <i>'"),
    );
    const named = await diff('small.yaml', 'named.yaml', '--format', 'markdown');
    expect(named.stdout).to.include('### a&#124;b &#64;x &#60;i&#62;: what');
  });

  it('reports the errors of a graph that cannot be compared', async () => {
    const { code, stdout, stderr } = await diff('shop/graph.yaml', 'broken.yaml');
    expect([code, stdout]).to.deep.equal([1, '']);
    expect(stderr).to.match(/^broken\.yaml:6:\d+ {2}error {2}unknown-scope/);
  });

  for (const [title, argument, reason] of [
    [
      'a missing path',
      'main:nothing',
      'main is a revision, and has no nothing. Paths in a revision start at',
    ],
    ['an unknown revision', 'nobody:shop', 'git knows no revision nobody here.'],
    [
      'an option in place of a revision',
      '--upload-pack=x:shop',
      'git knows no revision --upload-pack=x here.',
    ],
  ] as const) {
    it(`refuses ${title}, and says which half is wrong`, async () => {
      const { code, stderr } = await diff('--', argument, 'shop/graph.yaml');
      expect(code).to.equal(2);
      expect(stderr).to.include(
        `${argument} is neither a file or folder nor a path in a git revision: ${reason}`,
      );
    });
  }
});
