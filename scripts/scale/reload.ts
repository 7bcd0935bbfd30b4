/**
 * Measures how long requests wait while `waybill serve` reloads a graph of 10,000 services, compared with the same load
 * without a reload. The main thread must not be busy for 100 ms at a stretch; the longest wait of a request is only
 * printed, because it depends on what else the machine does.
 *
 *     npm run scale:reload
 *     npm run scale:reload -- --secrets file|keys     parties with a secret, or a key set, in a file of their own
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generate, nameOf } from './generate.ts';

const SIZE = { services: 10_000, calls: 100_000, clients: 10, files: 100, outside: true };
const ROUNDS = 3;
const MAX_MS = 100;
/** Between two requests: a light load, so that what is measured is the reload. */
const EVERY_MS = 10;

const KINDS = ['env', 'file', 'keys'] as const;

interface Watched {
  readonly delay: number;
  readonly busy?: number;
  readonly worst?: { readonly took: number; readonly ran: number; readonly waited: number };
  readonly cpu: NodeJS.CpuUsage;
}

const { values } = parseArgs({ options: { secrets: { type: 'string', default: 'env' } } });
const kind = KINDS.find((each) => each === values.secrets);
if (!kind) throw new TypeError(`--secrets is one of ${KINDS.join(', ')}`);

const folder = mkdtempSync(path.join(tmpdir(), 'reload-'));
const graph = path.join(folder, 'graph');
const secretOf = (name: string): string => `secret of ${name}`;

function writeGraph(): Record<string, string> {
  mkdirSync(graph);
  mkdirSync(path.join(folder, 'parties'));
  const env: Record<string, string> = {};
  for (let client = 0; client < SIZE.clients; client++)
    env[`CLIENT_${client}`] = secretOf(`client-${client}`);
  for (let service = 0; service < SIZE.services; service++) {
    const file = path.join(folder, 'parties', `SECRET_${service}`);
    if (kind === 'env') env[`SECRET_${service}`] = secretOf(nameOf(service));
    if (kind === 'file') writeFileSync(file, secretOf(nameOf(service)));
    if (kind === 'keys') writeFileSync(file, keySet());
  }
  for (const [name, text] of generate(SIZE)) writeFileSync(path.join(graph, name), authenticated(text));
  return env;
}

function keySet(): string {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] });
}

function authenticated(text: string): string {
  const file = `${path.join(folder, 'parties')}/$1`;
  const secret = /method: client_secret_basic, secret_env: (SECRET_\d+)/g;
  if (kind === 'file') return text.replace(secret, `method: client_secret_basic, secret_file: ${file}`);
  return kind === 'keys' ? text.replace(secret, `method: private_key_jwt, jwks_file: ${file}`) : text;
}

async function start(env: Record<string, string>): Promise<{ child: ChildProcess; url: string }> {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const watch = new URL('loop-watch.mjs', import.meta.url).href;
  const options = ['--port', '0', '--keys', path.join(folder, 'keys.json')];
  const child = spawn(process.execPath, ['--import', watch, main, 'serve', graph, ...options], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n')) if (/"level":[56]0/.test(line)) console.error(line);
  });
  let text = '';
  for await (const data of child.stdout!.setEncoding('utf8') as AsyncIterable<string>) {
    text += data;
    const [, url] = /listening on (\S+)/.exec(text) ?? [];
    if (url !== undefined) return { child, url };
  }
  throw new Error('the issuer ended');
}

async function read(child: ChildProcess): Promise<Watched> {
  child.send('read');
  const [watched] = (await once(child, 'message')) as [Watched];
  return watched;
}

const agent = new Agent({ keepAlive: true });

/** Asks for a tree of 16 tokens, each time that of another service. @returns milliseconds */
async function ask(url: string, turn: number): Promise<number> {
  const service = nameOf(turn % 100);
  const form = {
    grant_type: 'client_credentials',
    scope: 'read',
    resource: `https://${service}.scale.example`,
  };
  const started = performance.now();
  const asking = request(`${url}/token`, {
    method: 'POST',
    agent,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${btoa(`client-0:${encodeURIComponent(secretOf('client-0'))}`)}`,
    },
  }).end(new URLSearchParams(form).toString());
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  let text = '';
  for await (const data of response.setEncoding('utf8') as AsyncIterable<string>) text += data;
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${text}`);
  return performance.now() - started;
}

/** Sends requests until something has happened. */
async function asking(url: string, done: Promise<unknown>): Promise<{ longest: number; answered: number }> {
  const state = { isDone: false };
  const end = done.finally(() => {
    state.isDone = true;
  });
  let [longest, answered] = [0, 0];
  while (!state.isDone) {
    longest = Math.max(longest, await ask(url, answered));
    answered++;
    await pause(EVERY_MS);
  }
  await end;
  return { longest, answered };
}

/** Changes a file of the graph, and waits until the change is loaded. */
async function reload(child: ChildProcess): Promise<void> {
  const file = path.join(graph, 'team-0000.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/owner: \S+/, `owner: owner-${++reloads}`));
  for await (const text of on(child)) {
    if (text.includes('"msg":"reloaded"')) return;
    if (/stays in place/.test(text)) throw new Error(text);
  }
}
let reloads = 0;

async function* on(child: ChildProcess): AsyncGenerator<string> {
  for (;;) {
    const [text] = (await once(child.stderr!, 'data')) as [string];
    yield text;
  }
}

/** @returns milliseconds for which the main thread was busy at a stretch, as far as this can measure. */
async function measure(title: string, served: { child: ChildProcess; url: string }, what: Promise<unknown>) {
  const { cpu: before } = await read(served.child);
  const started = performance.now();
  const { longest, answered } = await asking(served.url, what);
  const { delay, busy, worst, cpu } = await read(served.child);
  const seconds = (performance.now() - started) / 1_000;
  const processor = (cpu.user + cpu.system - before.user - before.system) / 1e6;
  const ms = (number = Number.NaN): string => `${number.toFixed(0)} ms`;
  console.log(
    `${title}  ${seconds.toFixed(1)} s, ${processor.toFixed(1)} s of processor, ${answered} answers: main thread busy for ${ms(busy)} at most; longest wait of a request ${ms(longest)}, of the event loop ${ms(delay)} (${ms(worst?.took)}: ran ${ms(worst?.ran)}, waited for a processor ${ms(worst?.waited)})`,
  );
  return busy ?? delay;
}

try {
  const served = await start(writeGraph());
  // Warm-up: planning a tree for the first time takes longer.
  for (let turn = 0; turn < 200; turn++) await ask(served.url, turn);
  await measure('without  ', served, pause(10_000));
  const busy: number[] = [];
  for (let round = 0; round < ROUNDS; round++)
    busy.push(await measure('reloading', served, reload(served.child)));
  served.child.kill('SIGTERM');
  const best = Math.min(...busy);
  console.log(
    best <= MAX_MS ? 'Reloading holds.' : `Failed: busy for ${best.toFixed(0)} ms, at most ${MAX_MS}`,
  );
  if (best > MAX_MS) process.exitCode = 1;
} finally {
  agent.destroy();
  rmSync(folder, { recursive: true });
}
