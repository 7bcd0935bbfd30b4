/** An issuer whose log cannot be written, in real processes: a full disk, a pipe that nobody reads, an ended reader. */
import { spawn, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { GRAPH, GRAPH_ENV as env } from '../../support/graphs/one-call.ts';
import { run } from '../../support/program.ts';
import { basic, send } from '../../support/http.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const FULL = '/dev/full';
const hasFull = existsSync(FULL);
const KIB = 1024;

/** The log of `readyz`. */
interface LogState {
  readonly dropped: number;
  readonly reason?: string;
}

interface Issuer {
  readonly url: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
}

const started = new Set<Issuer>();

/** An issuer with the given standard error and an existing key file. */
async function issuerWith(stderr: 'pipe' | number): Promise<Issuer> {
  const keys = path.join(scratchFolder(), 'keys.json');
  expect((await run(['keys', 'rotate', '--keys', keys, '--alg', 'ES256'])).code).to.equal(0);
  const args = ['serve', scratchFile('graph.yaml', GRAPH), '--port', '0', '--keys', keys];
  const stdio: StdioOptions = ['ignore', 'pipe', stderr];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio, env });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let stdout = '';
  const listening = new Promise<string>((resolve) =>
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const url = /^listening on (\S+)\n/m.exec((stdout += text))?.[1];
      if (url !== undefined) resolve(url);
    }),
  );
  const url = await Promise.race([listening, ended]);
  if (typeof url !== 'string') throw new Error(`serve ended with ${url}`);
  const issuer = { url, child, ended };
  started.add(issuer);
  return issuer;
}

const token = (url: string) =>
  send(`${url}/token`, {
    method: 'POST',
    headers: {
      authorization: basic('web', env.WEB_SECRET),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  });

/** A refusal whose line in the log is over a kibibyte. */
const longLine = (url: string) =>
  send(`${url}/token`, {
    method: 'POST',
    headers: {
      authorization: basic('web', env.WEB_SECRET),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: Array.from({ length: 9 }, (_, i) => `${i}`.repeat(120)).join(' '),
    }).toString(),
  });

async function logOf(url: string): Promise<LogState | undefined> {
  const { status, text } = await send(`${url}/readyz`);
  expect(status, text).to.equal(200);
  return (JSON.parse(text) as { log?: LogState }).log;
}

async function expectToAnswer({ url }: Issuer): Promise<void> {
  expect((await token(url)).status).to.equal(200);
  expect((await send(`${url}/healthz`)).status).to.equal(200);
}

/** Sends requests until the issuer has dropped lines. */
async function untilDropped({ url }: Issuer): Promise<LogState> {
  for (let round = 0; round < 500; round += 1) {
    await Promise.all(Array.from({ length: 16 }, () => longLine(url)));
    const state = await logOf(url);
    if (state && state.dropped > 0) return state;
  }
  throw new Error('no line was dropped');
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { msg: string; dropped?: number });

describe('waybill serve whose log cannot be written', function () {
  this.timeout(30_000);
  afterEach(() => {
    for (const { child } of started) child.kill('SIGKILL');
    started.clear();
  });
  after(removeScratch);

  it(`starts and answers although every line fails, and readyz says so${hasFull ? '' : ' (skipped: /dev/full is missing)'}`, async function () {
    if (!hasFull) this.skip();
    const full = openSync(FULL, 'w');
    const issuer = await issuerWith(full);
    closeSync(full);
    await expectToAnswer(issuer);
    expect(await logOf(issuer.url)).to.include({ reason: 'ENOSPC' });
    expect(await untilDropped(issuer)).to.include({ reason: 'ENOSPC' });
    await expectToAnswer(issuer);
    issuer.child.kill('SIGINT');
    expect(await issuer.ended).to.equal(0);
  });

  it('answers while the disk is full, and continues with whole lines afterwards', async function () {
    const folder = scratchFolder();
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', folder]).status !== 0) {
      console.log('      skipped: a small file system cannot be mounted here');
      this.skip();
    }
    try {
      const file = path.join(folder, 'log');
      const filler = path.join(folder, 'filler');
      writeFileSync(filler, Buffer.alloc(100 * KIB));
      const stderr = openSync(file, 'a');
      const issuer = await issuerWith(stderr);
      closeSync(stderr);
      const { reason } = await untilDropped(issuer);
      expect(reason).to.equal('ENOSPC');
      await expectToAnswer(issuer);

      // The waiting lines need more space than the disk has: it is enlarged, as an operator would do.
      spawnSync('mount', ['-o', 'remount,size=8m', folder]);
      rmSync(filler);
      for (let i = 0; i < 100 && (await logOf(issuer.url))?.reason !== undefined; i += 1) await pause(100);
      await expectToAnswer(issuer);
      issuer.child.kill('SIGINT');
      expect(await issuer.ended).to.equal(0);
      const lines = linesOf(readFileSync(file, 'utf8')); // each is JSON, none is torn
      const note = lines.find(({ msg }) => msg === 'lines of the log were dropped');
      expect(note?.dropped).to.be.greaterThan(0);
      expect(lines.at(-1)?.msg).to.equal('stopped');
    } finally {
      for (const { child, ended } of started) {
        child.kill('SIGKILL');
        await ended;
      }
      spawnSync('umount', [folder]);
    }
  });

  it('answers while nobody reads its pipe, in bounded memory, and ends on SIGINT', async () => {
    const issuer = await issuerWith('pipe');
    const { dropped } = await untilDropped(issuer);
    await expectToAnswer(issuer);
    expect((await logOf(issuer.url))?.dropped).to.be.at.least(dropped + 1);

    let text = '';
    issuer.child.stderr?.setEncoding('utf8').on('data', (data: string) => (text += data));
    for (let i = 0; i < 100 && !text.includes('lines of the log were dropped'); i += 1) await pause(100);
    const note = linesOf(text.slice(0, text.lastIndexOf('\n'))).find(
      ({ msg }) => msg === 'lines of the log were dropped',
    );
    expect(note?.dropped).to.be.at.least(dropped + 1);
    // The issuer's buffer is bounded: only the lines of the pipe and of the buffer arrive.
    expect(text.length).to.be.lessThan(1_400 * KIB);

    issuer.child.stderr?.pause();
    await untilDropped(issuer);
    issuer.child.kill('SIGINT');
    expect(await issuer.ended).to.equal(0);
  });

  it('continues after its reader has ended', async () => {
    const issuer = await issuerWith('pipe');
    issuer.child.stderr?.destroy();
    await expectToAnswer(issuer);
    expect(await untilDropped(issuer)).to.include({ reason: 'EPIPE' });
    await expectToAnswer(issuer);
    issuer.child.kill('SIGINT');
    expect(await issuer.ended).to.equal(0);
  });
});
