/** A real nginx of a test's own before one server, with the limits on headers that it has where nobody sets any. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { freePort } from './free-port.ts';

/** Tests skip themselves without it: `before(function () { if (!hasNginx) this.skip(); })`. */
export const hasNginx = spawnSync('nginx', ['-v']).status === 0;

/** For the titles of suites, so that a skipped one says why. */
export const needsNginx = hasNginx ? '' : ' (skipped: nginx is missing)';

export interface NginxServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param upstream where requests go on to. @returns a server that answers. */
export async function startNginx(upstream: string): Promise<NginxServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'nginx-'));
  const port = await freePort();
  const file = path.join(folder, 'nginx.conf');
  writeFileSync(file, configuration(folder, port, upstream));
  const child = spawn('nginx', ['-e', 'stderr', '-p', folder, '-c', file], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const outcome = await Promise.race([exited.then(() => 'exited' as const), listening(port)]);
  if (outcome !== 'listening') {
    await stop();
    throw new Error(`nginx on port ${port}: ${outcome}`);
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}

/** Nothing here is about headers: `large_client_header_buffers` is 4 of 8k, as it comes. */
function configuration(folder: string, port: number, upstream: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `  ${kind}_temp_path ${path.join(folder, kind)};`,
  );
  return `daemon off;
worker_processes 1;
pid ${path.join(folder, 'nginx.pid')};
error_log stderr crit;
events {}
http {
  access_log off;
${temporary.join('\n')}
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass ${upstream}; }
  }
}
`;
}

async function listening(port: number): Promise<'listening' | 'silent'> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const answered = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (answered) return 'listening';
    await pause(50);
  }
  return 'silent';
}
