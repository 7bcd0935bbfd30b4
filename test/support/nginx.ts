/** A real nginx of one's own before one server, with the limits on headers that it has where nobody sets any. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { freePort } from './http.ts';

/** Tests skip themselves without it: `before(function () { if (!hasNginx) this.skip(); })`. */
export const hasNginx = spawnSync('nginx', ['-v']).status === 0;

/** For the titles of suites, so that a skipped one says why. */
export const needsNginx = hasNginx ? '' : ' (skipped: nginx is missing)';

export interface NginxServer {
  readonly port: number;
  readonly url: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** PEM. */
interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** With TLS on both sides, as an ingress of a mesh has it. */
export interface NginxTls {
  /** Shown to whoever calls. */
  readonly server: Certificate;
  /** Shown to the server behind. */
  readonly client: Certificate;
  /** PEM: who signs for callers, and for the server behind. */
  readonly ca: string;
  /** The name of the server behind. */
  readonly host: string;
}

/** @param upstream where requests go on to. @returns a server that answers. */
export async function startNginx(upstream: string, tls?: NginxTls): Promise<NginxServer> {
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'nginx-'));
  const write = (name: string, text: string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const server = tls ? secured(port, upstream, tls, write) : plain(port, upstream);
  return startIn(folder, server, [port], tls !== undefined);
}

/** @param servers as they stand in `http`. @param ports of loopback on which they listen. */
export async function startNginxServers(servers: string, ports: readonly number[]): Promise<NginxServer> {
  return startIn(mkdtempSync(path.join(tmpdir(), 'nginx-')), servers, ports, false);
}

/** @returns what nginx says against servers as they stand in `http`; empty if it accepts them. */
export function checkNginx(servers: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'nginx-'));
  const file = path.join(folder, 'nginx.conf');
  writeFileSync(file, configuration(folder, servers));
  const { status, stderr } = spawnSync('nginx', ['-t', '-q', '-e', 'stderr', '-p', folder, '-c', file]);
  rmSync(folder, { recursive: true, force: true });
  return status === 0 ? '' : stderr.toString();
}

async function startIn(
  folder: string,
  servers: string,
  ports: readonly number[],
  speaksTls: boolean,
): Promise<NginxServer> {
  const file = path.join(folder, 'nginx.conf');
  writeFileSync(file, configuration(folder, servers), { mode: 0o600 });
  const child = spawn('nginx', ['-e', 'stderr', '-p', folder, '-c', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const exited = once(child, 'exit');
  child.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  for (const port of ports) {
    const outcome = await Promise.race([exited.then(() => 'exited' as const), listening(port)]);
    if (outcome === 'listening') continue;
    await stop();
    throw new Error(`nginx on port ${port}: ${outcome}\n${log}`);
  }
  const [port = 0] = ports;
  return { port, url: `${speaksTls ? 'https' : 'http'}://127.0.0.1:${port}`, process: child, stop };
}

/**
 * Nothing here is about headers: `large_client_header_buffers` is 4 of 8k, as it comes.
 *
 * @param servers as they stand in `http`.
 */
export function configuration(folder: string, servers: string): string {
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
${servers}
}
`;
}

/** A server that passes everything on. */
export function plain(port: number, upstream: string): string {
  return `  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass ${upstream}; }
  }`;
}

function secured(
  port: number,
  upstream: string,
  { server, client, ca, host }: NginxTls,
  write: (name: string, text: string) => string,
): string {
  const trusted = write('ca.crt', ca);
  return `  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${write('server.crt', server.cert)};
    ssl_certificate_key ${write('server.key', server.key)};
    ssl_client_certificate ${trusted};
    ssl_verify_client on;
    location / {
      proxy_pass ${upstream};
      proxy_set_header Host ${host};
      proxy_ssl_certificate ${write('client.crt', client.cert)};
      proxy_ssl_certificate_key ${write('client.key', client.key)};
      proxy_ssl_trusted_certificate ${trusted};
      proxy_ssl_verify on;
      proxy_ssl_name ${host};
      proxy_ssl_server_name on;
    }
  }`;
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
