/** A real Open Policy Agent: the binary that WAYBILL_OPA names, or `opa` on the PATH. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { scratchFile, scratchFolder } from './files.ts';

const OPA = process.env['WAYBILL_OPA'] ?? 'opa';

/** Tests skip themselves without it: `before(function () { if (!hasOpa) this.skip(); })`. */
export const hasOpa = spawnSync(OPA, ['version']).status === 0;

/** For the titles of suites, so that a skipped one says why. `.ci/run` builds OPA wherever there is Go. */
export const needsOpa = hasOpa ? '' : ` (skipped: ${hasGo() ? 'opa is' : 'opa and Go are'} missing)`;

function hasGo(): boolean {
  return spawnSync('go', ['version']).status === 0;
}

/** @returns what OPA says against the bundle; empty if it accepts it. */
export function checkBundle(files: ReadonlyMap<string, string>): string {
  const { stdout, stderr } = spawnSync(OPA, ['check', '--strict', '--bundle', folderWith(files)], {
    encoding: 'utf8',
  });
  return (stdout + stderr).trim();
}

export interface Opa {
  /** @returns the decision at a path such as `waybill/authz/allow`; undefined if there is none. */
  ask<Decision>(decision: string, input: object): Promise<Decision | undefined>;
  /** Data beside the bundle, as an operator puts it. */
  putData(at: string, document: object): Promise<void>;
  putPolicy(name: string, rego: string): Promise<void>;
}

const running = new Set<() => Promise<void>>();

/** Call in `after`. */
export async function stopOpas(): Promise<void> {
  await Promise.all([...running].map((stop) => stop()));
}

/** @returns a server with the bundle, on a socket of its own. */
export async function startOpa(files: ReadonlyMap<string, string>): Promise<Opa> {
  const socketPath = path.join(scratchFolder(), 'opa');
  const options = ['run', '--server', '--addr', `unix://${socketPath}`, '--skip-version-check'];
  const child = spawn(OPA, [...options, '--bundle', folderWith(files)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const killOnExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killOnExit);
  const stop = async (): Promise<void> => {
    running.delete(stop);
    process.off('exit', killOnExit);
    child.kill('SIGKILL');
    await exited;
  };
  running.add(stop);
  const send = sender(socketPath);
  await serving(child, send);
  return {
    async ask<Decision>(decision: string, input: object) {
      const text = await send('POST', `/v1/data/${decision}`, JSON.stringify({ input }));
      return (JSON.parse(text) as { result?: Decision }).result;
    },
    async putData(at, document) {
      await send('PUT', `/v1/data/${at}`, JSON.stringify(document));
    },
    async putPolicy(name, rego) {
      await send('PUT', `/v1/policies/${name}`, rego);
    },
  };
}

function folderWith(files: ReadonlyMap<string, string>): string {
  const folder = scratchFolder();
  for (const [name, text] of files) scratchFile(name, text, folder);
  return folder;
}

/** @throws Error with its log, if it ends before or does not answer for a minute. */
async function serving(child: ChildProcess, send: ReturnType<typeof sender>): Promise<void> {
  let log = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (log += text));
  for (let attempt = 0; attempt < 600 && child.exitCode === null; attempt++) {
    const answered = await send('GET', '/health', '').then(
      () => true,
      () => false,
    );
    if (answered) return;
    await pause(100);
  }
  throw new Error(`OPA does not answer:\n${log}`);
}

/** @throws Error with the answer, if it is no success. */
function sender(socketPath: string) {
  return (method: string, at: string, body: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const sent = request({ socketPath, method, path: at, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (data: string) => (text += data));
        response.on('end', () => {
          if ((response.statusCode ?? 500) < 300) resolve(text);
          else reject(new Error(`${response.statusCode} ${text}`));
        });
      });
      sent.on('error', reject).end(body);
    });
}
