/** How `waybill serve` ends: gracefully after the first signal, at once after a second one. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { freePort, basic, send } from '../../support/http.ts';
import { askUntilRefused, type Requests } from './keep-alive-client.ts';
import { GRAPH, GRAPH_ENV as env } from '../../support/graphs/one-call.ts';
import { serve, stopServing } from '../../support/program.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const CLIENTS = 12;
const BODY = 'grant_type=client_credentials';
const HEAD =
  `POST /token HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic('web', env.WEB_SECRET)}\r\n` +
  `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${BODY.length}\r\n`;
const REQUEST = `${HEAD}\r\n${BODY}`;

const args = (more: readonly string[] = []) => [
  scratchFile('graph.yaml', GRAPH),
  ...['--keys', path.join(scratchFolder(), 'keys.json')],
  ...more,
];

describe('The end of waybill serve', function () {
  this.timeout(120_000);
  afterEach(stopServing);
  after(removeScratch);

  for (const workers of ['1', '2'])
    it(`loses no request of clients that keep their connections (--workers ${workers})`, async () => {
      const port = String(await freePort());
      const served = await serve(args(['--port', port, '--workers', workers, '--shutdown-delay', '1']), {
        env,
      });
      const requests: Requests = { answered: [], last: [], lost: [] };
      const clients = Array.from({ length: CLIENTS }, () => askUntilRefused(served.url, REQUEST, requests));
      while (requests.answered.length < 200) await pause(20);
      served.child.kill('SIGTERM');
      await served.logged('stopping');
      const before = requests.answered.length;
      expect((await send(`${served.url}/readyz`)).status).to.equal(503);
      expect(await served.ended).to.equal(0);
      await Promise.all(clients);
      expect(requests.lost).to.deep.equal([]);
      expect(new Set(requests.answered)).to.deep.equal(new Set([200]));
      expect(requests.answered.length, 'served while it stops').to.be.greaterThan(before + CLIENTS);
      expect(requests.last.length, 'last answers of connections').to.be.at.least(CLIENTS);
    });

  it('a second signal ends it at once, while a request runs and the delay has just begun', async () => {
    const served = await serve(args(['--port', '0', '--shutdown-delay', '600']), { env });
    const socket = await requestThatWaits(served.url);
    served.child.kill('SIGTERM');
    await served.logged('stopping');
    const ended = once(served.child, 'exit');
    served.child.kill('SIGTERM');
    expect(await ended).to.deep.equal([null, 'SIGTERM']);
    socket.destroy();
  });

  it('a second signal ends all workers at once', async () => {
    const port = String(await freePort());
    const served = await serve(args(['--port', port, '--workers', '2', '--shutdown-delay', '600']), { env });
    served.child.kill('SIGTERM');
    await served.logged('stopping');
    await served.logged('stopping'); // the other worker
    served.child.kill('SIGINT');
    await served.ended; // its streams are closed: no worker has them any more
    expect(served.logLines().filter(({ msg }) => msg === 'stopped')).to.deep.equal([]);
  });

  it('Ctrl-C, which a terminal sends to the whole group, lets workers end their requests', async () => {
    const port = String(await freePort());
    const child = spawn(process.execPath, [MAIN, 'serve', ...args(['--port', port, '--workers', '2'])], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    try {
      const url = await listening(child);
      const sockets = await Promise.all([1, 2].map(() => requestThatWaits(url)));
      process.kill(-(child.pid ?? 0), 'SIGINT');
      await pause(500); // each worker has received both signals
      for (const socket of sockets) {
        socket.write(BODY);
        expect(String((await once(socket, 'data'))[0])).to.match(/^HTTP\/1\.1 200 /);
        socket.destroy();
      }
      expect(await once(child, 'exit')).to.deep.equal([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('SIGINT does not wait for the delay', async () => {
    const served = await serve(args(['--port', '0', '--shutdown-delay', '600']), { env });
    expect(await served.stop('SIGINT')).to.equal(0);
  });

  it('refuses an invalid delay', async () => {
    for (const delay of ['-1', '1e2', 'soon', '3601']) {
      const outcome = await serve(args(['--port', '0', '--shutdown-delay', delay]), { env }).then(
        () => 'started',
        String,
      );
      expect(outcome, delay).to.contain('a number of seconds from 0 to 3600');
    }
  });
});

/** A request that has arrived without its body. */
async function requestThatWaits(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(`${HEAD}Expect: 100-continue\r\n\r\n`);
  await once(socket, 'data'); // 100 Continue
  return socket;
}

async function listening({ stdout }: ChildProcess): Promise<string> {
  let text = '';
  for await (const data of stdout ?? []) {
    const url = /^listening on (\S+)$/m.exec((text += String(data)))?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('it ended');
}
