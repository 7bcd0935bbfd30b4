/** Output that cannot be written, in real processes: nothing fits on `/dev/full`, a part under a limit on file sizes. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { SpanStore } from '../../../src/architect/traces/spans/span-store.ts';
import { otlpText } from '../../support/spans.ts';
import { run } from '../../support/program.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const boutique = fileURLToPath(new URL('../../../graphs/online-boutique.yaml', import.meta.url));
const FULL = '/dev/full';
const hasFull = existsSync(FULL);
const needsFull = hasFull ? '' : ' (skipped: /dev/full is missing)';
const hasBash = spawnSync('bash', ['-c', 'ulimit -f 1']).status === 0;

const ENOSPC = 'error  output_failed  Standard output cannot be written (ENOSPC).\n';

interface Written {
  readonly code: number | null;
  readonly other: string;
}

/** Runs a command with one stream on a full disk. @returns what it wrote to the other. */
async function onFullDisk(
  stream: 'stdout' | 'stderr',
  args: readonly string[],
  cwd?: string,
): Promise<Written> {
  const full = openSync(FULL, 'w');
  const output = stream === 'stdout' ? ([full, 'pipe'] as const) : (['pipe', full] as const);
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', ...output],
    env: { PATH: process.env['PATH'] ?? '', WEB_SECRET: 'x' },
    ...(cwd === undefined ? {} : { cwd }),
  });
  closeSync(full);
  let other = '';
  (child.stdout ?? child.stderr)?.setEncoding('utf8').on('data', (text: string) => (other += text));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, other };
}

const GRAPH = `waybill: 1
name: shop
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: express } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB_SECRET }, default_scopes: [order], calls: { shop: [order] } }
services:
  shop: { scopes: { order: , idle: } }
`;

describe(`output to a full disk${needsFull}`, function () {
  this.timeout(180_000); // each test runs the program several times
  before(function () {
    if (!hasFull) this.skip();
  });
  after(removeScratch);

  const graph = (): string => scratchFile('graph.yaml', GRAPH);
  const traces = (): string =>
    scratchFile('traces.json', otlpText([{ id: '1', service: 'shop', name: 'GET /cart', kind: 'server' }]));

  const commands: readonly (readonly [command: string, args: () => readonly string[]])[] = [
    ['check', () => ['check', graph()]],
    ['check --json', () => ['check', '--json', graph()]],
    ['check --format github', () => ['check', '--format', 'github', graph()]],
    ['check --format sarif', () => ['check', '--format', 'sarif', graph()]],
    ['check --watch', () => ['check', '--watch', graph()]],
    ['plan', () => ['plan', graph(), '--client', 'web']],
    ['plan --all', () => ['plan', graph(), '--all']],
    ['plan --fit', () => ['plan', graph(), '--client', 'web', '--fit']],
    ['plan --holders', () => ['plan', graph(), '--client', 'web', '--holders', '--json']],
    ['why', () => ['why', graph(), 'shop:order']],
    ['diff', () => ['diff', graph(), graph()]],
    ['diff --format markdown', () => ['diff', graph(), graph(), '--format', 'markdown']],
    ['draw', () => ['draw', graph()]],
    ['export --to istio', () => ['export', graph(), '--to', 'istio']],
    ['import', () => ['import', traces(), '--from', 'otlp']],
    ['import --into', () => ['import', traces(), '--from', 'otlp', '--into', graph()]],
    ['drift', () => ['drift', graph(), traces(), '--from', 'otlp']],
    ['explore', () => ['explore', graph()]],
    ['explore --out', () => ['explore', graph(), '--out', scratchFolder()]],
    ['serve', () => ['serve', graph(), '--port', '0', '--log-level', 'silent', '--keys', newKeyFile()]],
    ['keys rotate', () => ['keys', 'rotate', '--keys', newKeyFile()]],
    ['explain', () => ['explain']],
    ['explain profiles', () => ['explain', 'profiles']],
    ['--help', () => ['--help']],
    ['--version', () => ['--version']],
  ];
  const newKeyFile = (): string => path.join(scratchFolder(), 'keys.json');

  for (const [command, args] of commands) {
    it(`is one line and exit 2: ${command}`, async () => {
      const { code, other } = await onFullDisk('stdout', args());
      const lines = other
        .split('\n')
        .filter((line) => !/^(new key file|by hand|warning|note| {2})/.test(line));
      expect([code, lines.join('\n')]).to.deep.equal([2, ENOSPC]);
    });
  }

  it('is exit 2 if standard error cannot be written', async () => {
    const nowhere = ['import', '/nowhere/traces', '--from', 'otlp'];
    for (const args of [nowhere, ['chekc'], ['explain', 'nothing'], ['export', graph(), '--to', 'istio']])
      expect((await onFullDisk('stderr', args)).code, args.join(' ')).to.equal(2);
  });

  it('is one line and exit 2 for files that a command writes', async () => {
    for (const args of [
      ['draw', graph(), '--out', FULL],
      ['export', graph(), '--to', 'opa', '--out', FULL],
      ['explore', graph(), '--out', FULL],
      ['keys', 'rotate', '--keys', '/dev/nowhere/keys.json'],
    ]) {
      const { code, stdout, stderr } = await run(args);
      expect([code, stdout], args.join(' ')).to.deep.equal([2, '']);
      expect(stderr, args.join(' ')).to.match(/^error {2}\w+ {2}[^\n]*cannot be written \([A-Z]+\)[^\n]*\n$/);
    }
  });

  it('names the temporary folder if that is full', async () => {
    const store = new SpanStore({ folder: '/dev/nowhere', kept: 10 });
    const span = { trace: 't', id: '1', parent: '', service: 's', operation: 'o', kind: 'server' } as const;
    expect(() => store.add({ ...span, shared: false, follows: false, folded: false, peer: undefined }))
      .to.throw('The temporary folder /dev/nowhere cannot be written (ENOENT). Set TMPDIR to another folder.')
      .with.property('code', 'output_failed');
    const { code, stderr } = await run(['diff', `HEAD:graphs/hello.yaml`, graph()], {
      env: { TMPDIR: '/dev/nowhere' },
    });
    expect([code, stderr]).to.deep.equal([
      2,
      'error  output_failed  /dev/nowhere cannot be written (ENOENT).\n',
    ]);
  });
});

describe(`output that fits in part${hasBash ? '' : ' (skipped: bash is missing)'}`, function () {
  this.timeout(60_000);
  before(function () {
    if (!hasBash) this.skip();
  });
  after(removeScratch);

  /** Runs a command that may write files of one kibibyte. */
  function limited(args: readonly string[], output = '/dev/null') {
    const line = 'ulimit -f 1; output=$1; shift; exec "$@" > "$output"';
    return spawnSync('bash', ['-c', line, 'bash', output, process.execPath, MAIN, ...args], {
      encoding: 'utf8',
    });
  }

  it('is an error: a truncated file never counts as complete', () => {
    const file = path.join(scratchFolder(), 'plan.json');
    const { status, stderr } = limited(['plan', boutique, '--all', '--json'], file);
    expect(statSync(file).size).to.equal(1024);
    expect([status, stderr]).to.deep.equal([
      2,
      'error  output_failed  Standard output cannot be written (EFBIG).\n',
    ]);
  });

  it('leaves a graph as it was if its additions do not fit', () => {
    const folder = scratchFolder();
    mkdirSync(path.join(folder, 'graph'));
    const comment = `# ${'x'.repeat(900)}\n`;
    const file = scratchFile('graph/graph.yaml', GRAPH + comment, folder);
    const traces = scratchFile(
      'traces.json',
      otlpText([{ id: '1', service: 'stock', name: 'GET /a/long/path/to/items/in/stock', kind: 'server' }]),
    );
    const { status, stderr } = limited(['import', traces, '--from', 'otlp', '--into', file, '--write']);
    expect([status, stderr]).to.deep.equal([2, `error  output_failed  ${file} cannot be written (EFBIG).\n`]);
    expect(readFileSync(file, 'utf8')).to.equal(GRAPH + comment);
    expect(readdirSync(path.dirname(file))).to.deep.equal(['graph.yaml']);
  });
});
