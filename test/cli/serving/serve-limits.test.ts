/** `waybill serve` with few file descriptors. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { GRAPH, GRAPH_ENV } from '../../support/graphs/one-call.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const OPEN_FILES = 200;
const CONNECTIONS = 300;
const hasBash = spawnSync('bash', ['-c', `ulimit -n ${OPEN_FILES}`]).status === 0;

describe(`waybill serve with a low limit on open files${hasBash ? '' : ' (skipped: bash is missing)'}`, function () {
  this.timeout(60_000);
  before(function () {
    if (!hasBash) this.skip();
  });
  after(removeScratch);

  it('reports closed connections, and answers over the open ones', async () => {
    const args = [scratchFile('graph.yaml', GRAPH), '--port', '0', '--keys', path.join(scratchFolder(), 'k')];
    const line = `ulimit -n ${OPEN_FILES}; exec "$@"`;
    const child = spawn('bash', ['-c', line, 'bash', process.execPath, MAIN, 'serve', ...args], {
      env: { PATH: process.env['PATH'] ?? '', ...GRAPH_ENV },
    });
    const sockets: Socket[] = [];
    try {
      let [stdout, log] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
      while (!/^listening on \S+\n/m.test(stdout)) await once(child.stdout, 'data');
      const { hostname, port } = new URL(/^listening on (\S+)/m.exec(stdout)?.[1] ?? '');

      const ask = async (socket: Socket): Promise<string> => {
        socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
        return String((await once(socket, 'data'))[0]);
      };
      let closed = 0;
      for (let i = 0; i < CONNECTIONS; i += 1) {
        const socket = connect(Number(port), hostname).on('error', () => undefined);
        socket.once('close', () => (closed += 1));
        sockets.push(socket);
      }
      while (closed === 0) await pause(20);
      const first = sockets.find(({ destroyed }) => !destroyed);
      if (!first) throw new Error('no connection is left');
      expect(await ask(first)).to.match(/^HTTP\/1\.1 200 /);
      const told = 'connections were closed at once: too many are open, see --max-connections';
      for (let i = 0; i < 200 && !log.includes(told); i += 1) await pause(50);
      expect(log).to.contain(told);
    } finally {
      for (const socket of sockets) socket.destroy();
      child.kill('SIGKILL');
    }
  });
});
