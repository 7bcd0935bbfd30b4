import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { expect } from 'chai';
import type { Log } from 'sarif';

import { run } from '../../support/program.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

const graph = (more = ''): string => `waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example' }
defaults: { headers: { profile: node }, caller: mtls }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { orders: [place] }
services:
  orders: { scopes: { place: , idle: } }
${more}`;
const ACCEPTED = `accepted: [{ code: unused-scope, at: 'orders:idle', reason: 'Soon, 100%', until: 9999-12-31 }]\n`;

const WRONG_URL = "subjects: { login: { issuer: 'http://login.example', audience: shop } }\n";

describe('waybill check for other programs', () => {
  after(removeScratch);

  it('--format github writes one command a line, and no text of the graph can be one', async () => {
    const folder = scratchFolder();
    const name = 'a,b:c%.yaml';
    writeFileSync(path.join(folder, name), graph('"x\\n::error::forged": 1\n'));
    const { code, stdout } = await run(['check', name, '--format', 'github'], { cwd: folder });
    expect(code).to.equal(1);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).to.have.lengthOf(2);
    expect(lines[0]).to.match(/^::error file=a%2Cb%3Ac%25\.yaml,line=11,col=1,title=unknown-key::[^\n]+$/);
    expect(lines[1]).to.equal('::notice::Left out until the errors above are fixed: unused-scope.');
    writeFileSync(path.join(folder, name), graph());
    expect((await run(['check', name, '--format', 'github'], { cwd: folder })).stdout).to.match(
      /^::warning file=a%2Cb%3Ac%25\.yaml,line=10,col=32,title=unused-scope::No one calls orders:idle\.%0AName it[^\n]+\n$/,
    );
  });

  it('--format github says nothing of a graph that holds, nor of what is accepted', async () => {
    const { code, stdout } = await run([
      'check',
      scratchFile('g.yaml', graph(ACCEPTED)),
      '--format',
      'github',
    ]);
    expect([code, stdout]).to.deep.equal([0, '']);
  });

  it('--format sarif writes a log with what SARIF 2.1.0 requires, accepted findings as suppressed', async () => {
    const folder = scratchFolder();
    writeFileSync(path.join(folder, 'a b.yaml'), graph(`${ACCEPTED}${WRONG_URL}`));
    const { code, stdout } = await run(['check', 'a b.yaml', '--format', 'sarif'], { cwd: folder });
    expect(code).to.equal(1);
    const log = JSON.parse(stdout) as Log;
    expect(log.version).to.equal('2.1.0');
    const [first] = log.runs;
    expect(log.runs).to.have.lengthOf(1);
    expect(first?.tool.driver.name).to.equal('waybill');
    expect(
      first?.results?.map(({ ruleId, level, suppressions }) => [ruleId, level, suppressions]),
    ).to.deep.equal([
      ['subject-url', 'error', undefined],
      ['unused-scope', 'warning', [{ kind: 'inSource', justification: 'Soon, 100% (until 9999-12-31)' }]],
    ]);
    for (const { ruleId, ruleIndex, message, locations } of first?.results ?? []) {
      expect(first?.tool.driver.rules?.[ruleIndex ?? -1]?.id).to.equal(ruleId);
      expect(message.text).to.match(/\S/);
      const place = locations?.[0]?.physicalLocation;
      expect(place?.artifactLocation?.uri).to.equal('a%20b.yaml');
      expect(place?.region?.startLine).to.be.at.least(1);
    }
  });

  describe('in a repository', () => {
    /** What both formats call the file, checked with one path from one folder. */
    async function shownAs(cwd: string, file: string, env: Record<string, string> = {}): Promise<string[]> {
      const github = await run(['check', file, '--format', 'github'], { cwd, env });
      const sarif = await run(['check', file, '--format', 'sarif'], { cwd, env });
      const [result] = (JSON.parse(sarif.stdout) as Log).runs[0]?.results ?? [];
      const uri = result?.locations?.[0]?.physicalLocation?.artifactLocation?.uri;
      return [/file=([^,]+)/.exec(github.stdout)?.[1] ?? '', uri ?? ''];
    }

    let top: string;
    let inner: string;
    before(() => {
      top = realpathSync(scratchFolder());
      inner = path.join(top, 'svc/größe, 1:2');
      mkdirSync(path.join(top, '.git'), { recursive: true });
      mkdirSync(inner, { recursive: true });
      for (const folder of [path.join(top, 'svc'), inner])
        writeFileSync(path.join(folder, 'graph.yaml'), graph());
    });

    it('names files from its top, in whatever folder the check runs', async () => {
      const plain = ['svc/graph.yaml', 'svc/graph.yaml'];
      expect(await shownAs(top, './svc/graph.yaml')).to.deep.equal(plain);
      expect(await shownAs(top, 'svc/../svc//graph.yaml')).to.deep.equal(plain);
      expect(await shownAs(path.join(top, 'svc'), 'graph.yaml')).to.deep.equal(plain);
      expect(await shownAs(inner, '../graph.yaml')).to.deep.equal(plain);
      expect(
        await shownAs(tmpdir(), path.join(top, 'svc/graph.yaml'), { GITHUB_WORKSPACE: top }),
      ).to.deep.equal(plain);
    });

    it('escapes what a path may have', async () => {
      expect(await shownAs(top, 'svc/größe, 1:2')).to.deep.equal([
        'svc/größe%2C 1%3A2/graph.yaml',
        'svc/gr%C3%B6%C3%9Fe%2C%201%3A2/graph.yaml',
      ]);
    });

    it('prefers the workspace of the runner, and names a file outside it in full', async () => {
      const workspace = { GITHUB_WORKSPACE: path.join(top, 'svc') };
      expect(await shownAs(top, 'svc/graph.yaml', workspace)).to.deep.equal(['graph.yaml', 'graph.yaml']);
      const outside = scratchFile('graph.yaml', graph());
      expect(await shownAs(top, outside)).to.deep.equal([outside, pathToFileURL(outside).href]);
    });
  });

  it('names the kinds of findings that an error keeps back, in text, JSON and SARIF', async () => {
    const file = scratchFile('g.yaml', graph('y: 1\n'));
    const said = 'Left out until the errors above are fixed: unused-scope.';
    expect((await run(['check', file])).stdout.split('\n')).to.include(said);
    const report = JSON.parse((await run(['check', '--json', file])).stdout) as { leftOut: string[] };
    expect(report.leftOut).to.deep.equal(['unused-scope']);
    const log = JSON.parse((await run(['check', '--format', 'sarif', file])).stdout) as Log;
    const [invocation] = log.runs[0]?.invocations ?? [];
    expect(invocation?.toolExecutionNotifications?.map(({ message }) => message.text)).to.deep.equal([said]);
  });

  describe('a cause that shows at several places', () => {
    const OTHERS = Array.from({ length: 11 }, (_, n) => `${12 + n}:18`);

    /** Twelve uses of one claim that nothing declares, in two files. */
    function folderOfTwelve(): string {
      const folder = scratchFolder();
      const names = Array.from({ length: 12 }, (_, n) => (n === 10 ? 's-x' : `s${n}`));
      const uses = names.map((name) => `  ${name}: { claims: [gone], scopes: { a: } }\n`);
      const calls = names.map((name) => `${name}: [a]`).join(', ');
      const top = graph(uses.slice(0, 10).join('')).replace(
        '{ place: , idle: }',
        `{ place: { calls: { ${calls} } } }`,
      );
      writeFileSync(path.join(folder, 'a.yaml'), top);
      writeFileSync(path.join(folder, 'b.yaml'), `waybill: 1\nservices:\n${uses.slice(10).join('')}`);
      return folder;
    }
    const others = [
      ...Array.from({ length: 9 }, (_, n) => ['a.yaml', 12 + n, 18]),
      ['b.yaml', 3, 19],
      ['b.yaml', 4, 19],
    ];

    it('is one finding in text, with its first place, and five others named', async () => {
      const cwd = folderOfTwelve();
      const { stdout } = await run(['check', 'a.yaml', 'b.yaml'], { cwd });
      expect(stdout.match(/error {2}unknown-claim\n/g)).to.have.lengthOf(1);
      expect(stdout).to.match(
        /^a\.yaml:11:18 {2}error {2}unknown-claim\n {2}There is no claim gone\.\n +11 \|/,
      );
      expect(stdout).to.contain('\n  also at 12:18, 13:18, 14:18, 15:18, 16:18 and 6 more\n');
      expect(stdout).to.contain('\n1 error, 0 warnings.');
    });

    it('is one finding in JSON, with all places', async () => {
      const { stdout } = await run(['check', '--json', 'a.yaml', 'b.yaml'], { cwd: folderOfTwelve() });
      const { findings } = JSON.parse(stdout) as { findings: { line: number; places: object[] }[] };
      expect(findings).to.have.lengthOf(1);
      expect(findings[0]).to.include({ line: 11 });
      expect(findings[0]?.places).to.deep.equal(
        others.map(([file, line, column]) => ({ file, line, column })),
      );
    });

    it('is one annotation, which lists the others with their files', async () => {
      const { stdout } = await run(['check', 'a.yaml', 'b.yaml', '--format', 'github'], {
        cwd: folderOfTwelve(),
      });
      const [first, ...rest] = stdout.trimEnd().split('\n');
      expect(rest.filter((line) => line.startsWith('::error'))).to.deep.equal([]);
      expect(first).to.match(
        /^::error file=a\.yaml,line=11,col=18,title=unknown-claim::There is no claim gone\.%0A/,
      );
      expect(first).to.contain(`%0Aalso at ${OTHERS.slice(0, 9).join(', ')}, b.yaml:3:19, 4:19`);
    });

    it('is one result in SARIF, with related locations', async () => {
      const { stdout } = await run(['check', 'a.yaml', 'b.yaml', '--format', 'sarif'], {
        cwd: folderOfTwelve(),
      });
      const results = (JSON.parse(stdout) as Log).runs[0]?.results ?? [];
      expect(results).to.have.lengthOf(1);
      expect(results[0]?.locations).to.have.lengthOf(1);
      const related = results[0]?.relatedLocations ?? [];
      expect(
        related.map(({ physicalLocation: at }) => [
          at?.artifactLocation?.uri,
          at?.region?.startLine,
          at?.region?.startColumn,
        ]),
      ).to.deep.equal(others);
      expect(new Set(related.map(({ id }) => id)).size).to.equal(11);
    });
  });

  it('counts accepted warnings, which --strict lets pass', async () => {
    const file = scratchFile('g.yaml', graph(ACCEPTED));
    const { code, stdout } = await run(['check', '--strict', file]);
    expect(code).to.equal(0);
    expect(stdout).to.match(/^✓ shop[^]*\n1 warning accepted, the next until 9999-12-31\.\n$/);
    expect((await run(['check', '--strict', scratchFile('h.yaml', graph())])).code).to.equal(1);
  });

  it('--watch checks again when a file changes', async function () {
    this.timeout(120_000);
    const file = scratchFile('g.yaml', graph());
    const child = spawn(process.execPath, [MAIN, 'check', '--watch', file], {
      env: { PATH: process.env['PATH'] ?? '' },
    });
    try {
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      const until = async (pattern: RegExp): Promise<void> => {
        while (!pattern.test(output)) await once(child.stdout, 'data');
      };
      await until(/✓ shop[^]*Waiting for changes/);
      expect(output).to.not.contain('unknown-key');
      writeFileSync(file, graph('z: 1\n'));
      await until(/unknown-key[^]*Waiting for changes/);
    } finally {
      child.kill();
    }
  });

  it('--watch prints text alone', async () => {
    const file = scratchFile('g.yaml', graph());
    for (const format of [['--json'], ['--format', 'sarif']])
      expect((await run(['check', '--watch', ...format, file])).code, format.join(' ')).to.equal(2);
  });
});
