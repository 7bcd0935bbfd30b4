/** Control characters in text from outside never reach a terminal and never make a line. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';
import type { Log } from 'sarif';
import { parse } from 'yaml';

import { paint, rendered } from '../../../src/cli/output/paint.ts';
import { plain } from '../../../src/cli/output/escape.ts';
import { otlpText } from '../../support/spans.ts';
import { hasTerminal, runOnTerminal } from './terminal.ts';
import { run, serve, stopServing } from '../../support/program.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { forge } from '../../support/keys/signer.ts';

/** Red and hidden, a title for the window, C1's CSI, turned around, without width, and a line of its own. */
const HOSTILE =
  'a\u001b[31;8mb\u001b]0;title\u0007\u009b1mc\u202ed\u2066e\u200bf\ufeffg\u007f\nerror  forged\r\tz';
const ESCAPED =
  'a\\u001b[31;8mb\\u001b]0;title\\u0007\\u009b1mc\\u202ed\\u2066e\\u200bf\\ufeffg\\u007f\\u000aerror  forged\\u000d\\u0009z';

/** Allowed in output that is not a terminal: visible characters and line breaks. */
const UNSAFE = /[^\P{C}\n]|[\u2028\u2029]/u;

const graph = (more = ''): string => `waybill: 1
name: ${JSON.stringify(HOSTILE)}
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: node } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB_SECRET }, default_scopes: [order], calls: { shop: [order] } }
services:
  shop: { scopes: { order: } }
${more}`;

function expectSafe(text: string, what?: string): void {
  expect(UNSAFE.exec(text)?.[0], what).to.equal(undefined);
  expect(text, what).to.not.match(/^error {2}forged/m);
}

describe('control characters from outside', function () {
  this.timeout(180_000);
  afterEach(stopServing);
  after(removeScratch);

  it('are escaped in the name of a graph, in every command that shows it', async () => {
    const file = scratchFile('graph.yaml', graph());
    const other = scratchFile(
      'graph.yaml',
      graph().replace('shop: [order]', 'shop: [order, more]').replace('order: }', 'order: , more: }'),
    );
    for (const args of [
      ['check', file],
      ['plan', file, '--client', 'web'],
      ['diff', other, file],
      ['diff', other, file, '--format', 'markdown'],
    ]) {
      const { code, stdout, stderr } = await run(args);
      expect([code, stderr], args.join(' ')).to.deep.equal([0, '']);
      expectSafe(stdout, args.join(' '));
    }
    const { stdout } = await run(['check', file]);
    expect(stdout).to.contain(`✓ ${ESCAPED}: 1 client`);
  });

  it('are escaped in names of files, in findings and the lines that they point into', async () => {
    const folder = scratchFolder();
    mkdirSync(path.join(folder, 'graph\u001b[2J\n\u202e'));
    const name = 'graph\u001b[2J\n\u202e/x.yaml';
    scratchFile(name, graph(`${JSON.stringify(HOSTILE)}: 1 # \u009b31m\u202e\n`), folder);
    const { code, stdout } = await run(['check', name], { cwd: folder });
    expect(code).to.equal(1);
    expectSafe(stdout);
    expect(stdout).to.contain('graph\\u001b[2J\\u000a\\u202e/x.yaml:9:1  error  unknown-key');
    expect(stdout).to.contain(ESCAPED);
    expect(stdout).to.contain('# \\u009b31m\\u202e\n');
    const missing = await run(['import', 'no\u001b[31m\nsuch', '--from', 'otlp']);
    expect(missing.stderr).to.equal(
      'error  source_unreadable  no\\u001b[31m\\u000asuch cannot be read (ENOENT).\n',
    );
  });

  it('do not move the mark under a line', async () => {
    const text = graph().replace('order: }', '"\u202eo": 1, order: }');
    const { stdout } = await run(['check', scratchFile('graph.yaml', text)]);
    const lines = stdout.split('\n');
    const at = lines.findIndex((line) => line.includes('must be a mapping'));
    expect(lines[at + 1]).to.contain('"\\u202eo": 1');
    expect(lines[at + 2]!.indexOf('^')).to.equal(lines[at + 1]!.indexOf(': 1') + 2);
  });

  it('are escaped in errors about the command line itself', async () => {
    const wrong: readonly (readonly string[])[] = [
      [HOSTILE],
      ['check', `--${HOSTILE}`, 'x'],
      ['check', '--format', HOSTILE, 'x'],
      ['check', '--var', HOSTILE, 'x'],
      ['keys', 'rotate', '--alg', HOSTILE],
      ['serve', '--port', HOSTILE, 'x'],
      ['explain', HOSTILE],
      ['plan', scratchFile('graph.yaml', graph()), '--client', HOSTILE],
      ['why', scratchFile('graph.yaml', graph()), HOSTILE],
      ['diff', `main:${HOSTILE}`, 'x'],
      ['keys', 'list', '--keys', HOSTILE],
      ['token', 'inspect', HOSTILE],
      ['draw', scratchFile('graph.yaml', graph()), '--out', `/nowhere/${HOSTILE}`],
    ];
    for (const args of wrong) {
      const { code, stdout, stderr } = await run(args);
      expect(code, args.join(' ')).to.be.oneOf([1, 2]);
      expectSafe(stdout + stderr, args.join(' '));
      expect(stderr, args.join(' ')).to.contain(ESCAPED);
    }
  });

  it('are escaped in claims of a token', async () => {
    const time = { iat: 1_800_000_000, exp: 1_900_000_000 };
    const token = forge(
      { alg: 'ES256', typ: 'at+jwt', kid: HOSTILE },
      {
        iss: HOSTILE,
        sub: HOSTILE,
        aud: HOSTILE,
        client_id: HOSTILE,
        scope: 'read',
        jti: 'a',
        txn: 'a',
        ...time,
        [HOSTILE]: HOSTILE,
      },
    );
    for (const flags of [[], ['--json']]) {
      const { stdout, stderr } = await run(['token', 'inspect', ...flags], { input: token });
      expectSafe(stdout + stderr);
      expect(stdout + stderr).to.contain('\\u009b');
    }
    const { stdout } = await run(['token', 'inspect', '--json'], { input: token });
    expect((JSON.parse(stdout) as { payload: { sub: string } }).payload.sub).to.equal(HOSTILE);
  });

  it('in a trace leave a drafted graph valid YAML, and are escaped by drift', async () => {
    const spans = otlpText([
      { id: '1', service: `shop${HOSTILE}`, name: `GET /${HOSTILE}`, kind: 'server' },
      { id: '2', parent: '1', service: `shop${HOSTILE}`, name: HOSTILE, kind: 'client' },
      { id: '3', parent: '2', service: HOSTILE, name: HOSTILE, kind: 'server' },
    ]);
    const traces = scratchFile(`traces\u001b[31m\u202e.json`, spans);
    const draft = await run(['import', traces, '--from', 'otlp']);
    expect(draft.code).to.equal(0);
    expectSafe(draft.stdout + draft.stderr);
    expect((parse(draft.stdout) as { waybill: number }).waybill).to.equal(1);
    expect((await run(['check', scratchFile('draft.yaml', draft.stdout)])).code).to.equal(0);
    for (const flags of [[], ['--all'], ['--json']]) {
      const { code, stdout } = await run([
        'drift',
        scratchFile('g.yaml', graph()),
        traces,
        '--from',
        'otlp',
        ...flags,
      ]);
      expect(code).to.equal(1);
      expectSafe(stdout);
    }
  });

  it('are the same characters in JSON, SARIF and annotations, and never a command of a CI job', async () => {
    const folder = scratchFolder();
    const file = 'a\n::error::forged\u001b,b:c%0A.yaml';
    scratchFile(file, graph(`${JSON.stringify(`k\r\n::warning::forged %0A, a:b ${HOSTILE}`)}: 1\n`), folder);
    const github = await run(['check', file, '--format', 'github'], { cwd: folder });
    expectSafe(github.stdout);
    expect(github.stdout).to.match(
      /^::error file=a%0A%3A%3Aerror%3A%3Aforged\\u001b%2Cb%3Ac%250A\.yaml,line=9,col=1,title=unknown-key::[^\n]+\n$/,
    );
    expect(github.stdout).to.contain('k\\u000d\\u000a::warning::forged %250A, a:b a\\u001b');
    const sarif = await run(['check', file, '--format', 'sarif'], { cwd: folder });
    expectSafe(sarif.stdout);
    const [result] = (JSON.parse(sarif.stdout) as Log).runs[0]?.results ?? [];
    expect(result?.message.text).to.contain('forged %0A, a:b a\\u001b[31;8mb');
    expect(
      decodeURIComponent(result?.locations?.[0]?.physicalLocation?.artifactLocation?.uri ?? ''),
    ).to.equal(file);
    const json = await run(['check', file, '--json'], { cwd: folder });
    expectSafe(json.stdout);
    expect((JSON.parse(json.stdout) as { findings: { file: string }[] }).findings[0]?.file).to.equal(file);
  });

  it('are escaped in the log of an issuer, which stays JSON', async () => {
    const file = scratchFile('graph.yaml', graph());
    const served = await serve([file, '--port', '0', '--keys', path.join(scratchFolder(), 'keys.json')], {
      env: { WEB_SECRET: 'x' },
    });
    const started = await served.logged('started');
    expect(started['graph']).to.equal(HOSTILE);
    expectSafe(served.output());
  });

  it('are escaped on a terminal too, while our own colours stay', async function () {
    if (!hasTerminal) this.skip();
    const file = scratchFile('graph.yaml', graph());
    const { output } = await runOnTerminal(['check', file]);
    const [green, bold] = ['\u001b[32m✓\u001b[39m', `\u001b[1m${ESCAPED}\u001b[22m`];
    expect(output).to.contain(`${green} ${bold}: 1 client`);
    expectSafe(output.replaceAll(/\u001b\[\d+m/g, '').replaceAll('\r\n', '\n'));
    const traces = scratchFile(
      't.json',
      otlpText([{ id: '1', service: 'shop', name: 'GET /', kind: 'server' }]),
    );
    const patch = await runOnTerminal(['import', traces, '--from', 'otlp', '--into', file]);
    expectSafe(patch.output.replaceAll(/\u001b\[\d+m/g, '').replaceAll('\r\n', '\n'));
  });

  it('never count as one of our colours', () => {
    const forged = '\u001b[31mred\u001b[1234;1234;1234;1234;31mred';
    expect(rendered(paint.bold(forged), true)).to.equal(`\u001b[1m${plain(forged)}\u001b[22m`);
    expect(rendered(paint.bold(forged), false)).to.equal(plain(forged));
    const nested = paint.dim(`a ${paint.bold('b')} c`);
    expect(rendered(nested, true)).to.equal('\u001b[2ma \u001b[1mb\u001b[22m\u001b[2m c\u001b[22m');
  });
});
