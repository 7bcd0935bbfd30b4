/** A real HAProxy of one's own, with a configuration that a test gives. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { scratchFile } from './files.ts';

/** Tests skip themselves without it: `before(function () { if (!hasHaproxy) this.skip(); })`. */
export const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0;

/** For the titles of suites, so that a skipped one says why. */
export const needsHaproxy = hasHaproxy ? '' : ' (skipped: haproxy is missing)';

/** @returns what HAProxy says against a configuration; empty if it accepts it. */
export function validateHaproxy(config: string): string {
  const { status, stderr } = spawnSync('haproxy', ['-c', '-f', scratchFile('haproxy.cfg', config)], {
    encoding: 'utf8',
  });
  return status === 0 ? '' : stderr;
}

const running = new Set<() => Promise<void>>();

/** Call in `after`. */
export async function stopHaproxies(): Promise<void> {
  await Promise.all([...running].map((stop) => stop()));
}

export interface Haproxy {
  /** What it wrote to standard output. */
  output(): string;
}

/** Resolves when every port accepts connections. @throws Error with what HAProxy wrote, where it ends before. */
export async function startHaproxy(config: string, ports: readonly number[]): Promise<Haproxy> {
  const child = spawn('haproxy', ['-db', '-f', scratchFile('haproxy.cfg', config)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    running.delete(stop);
    child.kill('SIGTERM');
    await ended;
  };
  running.add(stop);
  for (const port of ports) {
    while (!(await accepts(port))) {
      if (child.exitCode !== null) throw new Error(`HAProxy ended: ${errors}`);
      await pause(20);
    }
  }
  return { output: () => output };
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
