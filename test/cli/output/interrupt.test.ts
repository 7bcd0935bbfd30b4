/** Ctrl-C, typed at a real terminal, and signals in the middle of work. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { observe } from '../../../src/architect/traces/index.ts';
import { otlpText } from '../../support/spans.ts';
import { hasTerminal, needsTerminal, runOnTerminal } from './terminal.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const SIGINT = 2;

const GRAPH = `waybill: 1
name: shop
issuer: { url: 'http://127.0.0.1:8080' }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB_SECRET }, calls: { shop: [order] } }
services:
  shop: { scopes: { order: } }
`;

/** Enough that a bar is shown, and that they do not stay in memory: twenty megabytes. */
function manySpans(): string {
  const service = 's'.repeat(190);
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: service } }] };
  const lines = Array.from({ length: 70 }, (_, line) => {
    const spans = Array.from({ length: 1_000 }, (_, at) => {
      const id = line * 1_000 + at + 1;
      const name = `GET /${'x'.repeat(170)}${id % 100}`;
      return {
        traceId: id.toString(16).padStart(32, '0'),
        spanId: id.toString(16).padStart(16, '0'),
        name,
        kind: 2,
      };
    });
    return JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] });
  });
  return lines.join('\n');
}

/** What the terminal shows in the line of the cursor, and how the cursor and the wrapping are set at the end. */
function stateAfter(output: string): { line: string; cursor: string; wrapping: string } {
  const last = (on: string, off: string): string =>
    output.lastIndexOf(on) > output.lastIndexOf(off) ? 'on' : output.includes(off) ? 'off' : 'untouched';
  return {
    line: output.slice(Math.max(output.lastIndexOf('\u001b[2K') + 4, output.lastIndexOf('\n') + 1)),
    cursor: last('\u001b[?25h', '\u001b[?25l'),
    wrapping: last('\u001b[?7h', '\u001b[?7l'),
  };
}

describe(`Ctrl-C while a bar is shown${needsTerminal}`, function () {
  this.timeout(180_000);
  let spans: string;
  before(function () {
    if (!hasTerminal) this.skip();
    spans = scratchFile('spans.jsonl', manySpans());
  });
  after(removeScratch);

  const graph = (): string => scratchFile('graph.yaml', GRAPH);
  const started = { keys: '\u0003', after: /reading \[=/ };
  const waiting = { keys: '\u0003', after: /reading .* 100 %/ };

  for (const [what, args, typed] of [
    ['import, in the middle of a file', () => ['import', spans], started],
    ['import, while a pipe is silent', () => ['import', spans, '-'], waiting],
    ['import --into', () => ['import', spans, '-', '--into', graph()], waiting],
    ['drift', () => ['drift', graph(), spans, '-'], waiting],
  ] as const) {
    it(`gives the terminal back, and leaves nothing behind: ${what}`, async () => {
      const temporary = scratchFolder();
      const { output, code, signal } = await runOnTerminal([...args(), '--from', 'otlp'], {
        env: { TMPDIR: temporary },
        input: '{"resourceSpans": [',
        isAll: false,
        typed,
      });
      expect(stateAfter(output)).to.deep.equal({ line: '', cursor: 'on', wrapping: 'on' });
      expect([code, signal]).to.deep.equal([undefined, SIGINT]);
      expect(output).to.not.match(/error|warning|waybill: 1/);
      expect(readdirSync(temporary)).to.deep.equal([]);
    });
  }

  it('a bar that ends gives the terminal back too', async () => {
    const { output, code } = await runOnTerminal(['drift', graph(), spans, '--from', 'otlp']);
    expect(code).to.be.oneOf([0, 1]);
    expect(stateAfter(output)).to.include({ cursor: 'on', wrapping: 'on' });
    expect(output).to.match(/Seen but not declared/);
  });
});

describe('signals in the middle of work', function () {
  this.timeout(120_000);
  after(removeScratch);

  const isPosix = process.platform !== 'win32';

  it('leave no folder of a reading that is killed', async function () {
    if (!isPosix) this.skip();
    const temporary = scratchFolder();
    const child = spawn(process.execPath, [MAIN, 'import', '-', '--from', 'otlp'], {
      env: { PATH: process.env['PATH'] ?? '', TMPDIR: temporary },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin.on('error', () => undefined);
    const ended = new Promise((resolve) => child.on('close', resolve));
    // It has the first when it takes the second: then its files are open.
    await new Promise((resolve) => child.stdin.write(`${manySpans()}\n`, resolve));
    await new Promise((resolve) => child.stdin.write(`${manySpans()}\n`, resolve));
    expect(child.exitCode).to.equal(null);
    child.kill('SIGKILL');
    await ended;
    expect(readdirSync(temporary)).to.deep.equal([]);
  });

  it('diff: the copies of a revision are removed, even while git blocks the program', async function () {
    if (!isPosix || spawnSync('git', ['--version']).status !== 0) this.skip();
    const [temporary, bin] = [scratchFolder(), scratchFolder()];
    const begun = `${bin}/begun`;
    const git = scratchFile('git', `#!/bin/sh\ntouch ${begun}\nsleep 2\nexit 1\n`, bin);
    chmodSync(git, 0o755);
    const child = spawn(process.execPath, [MAIN, 'diff', 'HEAD:graph.yaml', scratchFile('g.yaml', GRAPH)], {
      env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, TMPDIR: temporary },
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve([code, signal])));
    while (!existsSync(begun)) await pause(20);
    expect(readdirSync(temporary)).to.have.lengthOf(1);
    child.kill('SIGINT');
    expect(await ended).to.deep.equal([null, 'SIGINT']);
    expect(readdirSync(temporary)).to.deep.equal([]);
  });

  it('observe: ends while it waits for an input, and while it processes what it has read', async () => {
    const reason = new Error('enough');
    const folder = scratchFolder();
    const text = otlpText(
      Array.from({ length: 3_000 }, (_, id) => ({ id: `${id}`, trace: `${id}`, service: 's', name: 'n' })),
    );
    async function* chunks(then: () => Promise<unknown>): AsyncGenerator<Buffer> {
      yield Buffer.from(text);
      await then();
    }
    for (const isWaiting of [true, false]) {
      const controller = new AbortController();
      const then = async (): Promise<unknown> => {
        setImmediate(() => controller.abort(reason));
        return isWaiting ? new Promise(() => undefined) : undefined;
      };
      const observed = observe([{ name: 'a', chunks: chunks(then) }], 'otlp', {
        signal: controller.signal,
        folder,
        kept: 1_000,
      });
      expect(await observed.catch((error: unknown) => error)).to.equal(reason);
      expect(readdirSync(folder)).to.deep.equal([]);
    }
  });
});
