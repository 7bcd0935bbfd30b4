/** `waybill serve` with few file descriptors, and with a provider that hangs. */
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { GRAPH, GRAPH_ENV } from '../../support/graphs/one-call.ts';
import { basic, closeServers, freePort, send } from '../../support/http.ts';
import { ask, serve, stopServing } from '../../support/program.ts';
import { startProvider, subjectOf } from '../../support/provider/scripted.ts';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const OPEN_FILES = 200;
const CONNECTIONS = 300;
const hasBash = spawnSync('bash', ['-c', `ulimit -n ${OPEN_FILES}`]).status === 0;

describe(`waybill serve with a low limit on open files${hasBash ? '' : ' (skipped: bash is missing)'}`, function () {
  this.timeout(60_000);
  let child: ChildProcessByStdio<null, Readable, Readable>;
  let sockets: Socket[] = [];
  let [stdout, log] = ['', ''];
  before(function () {
    if (!hasBash) this.skip();
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    child.kill('SIGKILL');
  });
  after(removeScratch);

  async function start(...more: readonly string[]): Promise<void> {
    const port = String(await freePort());
    const args = [
      scratchFile('graph.yaml', GRAPH),
      '--port',
      port,
      '--keys',
      path.join(scratchFolder(), 'k'),
    ];
    const line = `ulimit -n ${OPEN_FILES}; exec "$@"`;
    child = spawn('bash', ['-c', line, 'bash', process.execPath, MAIN, 'serve', ...args, ...more], {
      env: { PATH: process.env['PATH'] ?? '', ...GRAPH_ENV },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    [stdout, log, sockets] = ['', '', []];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    while (!/^listening on \S+\n/m.test(stdout)) await once(child.stdout, 'data');
  }

  const open = (count: number): void => {
    const { hostname, port } = new URL(/^listening on (\S+)/m.exec(stdout)?.[1] ?? '');
    for (let i = 0; i < count; i += 1)
      sockets.push(connect(Number(port), hostname).on('error', () => undefined));
  };
  const closed = (): number => sockets.filter(({ destroyed }) => destroyed).length;
  const ask = async (socket: Socket | undefined): Promise<string> => {
    if (!socket) throw new Error('no connection is left');
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    return String((await once(socket, 'data'))[0]);
  };
  const logged = async (told: string): Promise<Readonly<Record<string, unknown>>> => {
    const line = () => log.split('\n').find((each) => each.includes(told) && each.endsWith('}'));
    for (let i = 0; i < 200 && line() === undefined; i += 1) await pause(50);
    expect(log).to.contain(told);
    return JSON.parse(line() ?? '') as Readonly<Record<string, unknown>>;
  };

  it('says that connections were closed, and answers over those that it has', async () => {
    await start();
    open(CONNECTIONS);
    while (closed() === 0) await pause(20);
    expect(await ask(sockets[0])).to.match(/^HTTP\/1\.1 200 /);
    await logged('connections were closed at once: too many are open, see --max-connections');
  });

  it('a supervisor whose workers stand still says what it closed, and hands on the others', async () => {
    await start('--workers', '2');
    const started = [...log.matchAll(/"pid":(\d+),"msg":"worker started"/g)].map(([, pid]) => Number(pid));
    expect(started).to.have.length(2);
    for (const pid of started) process.kill(pid, 'SIGSTOP');
    try {
      open(CONNECTIONS);
      const told = await logged('connections were closed at once: workers take them more slowly');
      expect(told).to.include({ level: 40 }).and.not.have.property('worker');
    } finally {
      for (const pid of started) process.kill(pid, 'SIGCONT');
    }
    expect(closed()).to.be.lessThan(CONNECTIONS);
    expect(await ask(sockets[0])).to.match(/^HTTP\/1\.1 200 /);
  });

  it('takes no more connections than its open files allow, whatever --max-connections says', async () => {
    await start('--workers', '2', '--max-connections', '1000');
    const told = await logged('allows fewer connections than --max-connections');
    expect(told).to.include({ level: 40, asked: 1_000, most: OPEN_FILES / 2 });
    open(3 * CONNECTIONS);
    // By a worker that has enough of them, or by the supervisor where the workers are too slow to take them.
    await logged('connections were closed at once');
    for (const socket of sockets) socket.destroy();
    for (let round = 0; round < 4; round += 1) {
      open(1);
      expect(await ask(sockets.at(-1))).to.match(/^HTTP\/1\.1 200 /);
    }
  });
});

describe('waybill serve --max-requests', () => {
  after(async () => {
    await stopServing();
    await closeServers();
    removeScratch();
  });

  it('keeps half of its requests for others while a provider of users hangs', async () => {
    const MOST = 6;
    const provider = await startProvider();
    provider.intercept = () => true;
    const graph = GRAPH.replace('clients:', `subjects: { login: ${subjectOf(provider)} }\nclients:`).replace(
      'default_scopes',
      'grants: [client_credentials, token_exchange], subjects: [login], default_scopes',
    );
    const args = [scratchFile('graph.yaml', graph), '--port', '0', '--max-requests', String(MOST)];
    const served = await serve([...args, '--keys', path.join(scratchFolder(), 'k')], {
      env: { WEB_SECRET: 'x' },
    });
    const subject_token = await provider.idToken();
    const exchange = async () =>
      send(`${served.url}/token`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: basic('web', 'x'),
        },
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
        }).toString(),
      });
    let refused = 0;
    const hanging = Array.from({ length: 2 * MOST }, async () => {
      const { status, headers } = await exchange();
      expect([status, headers.get('retry-after')]).to.deep.equal([503, '1']);
      refused += 1;
    });
    const waiting = MOST / 2;
    while (refused < hanging.length - waiting) await pause(20);
    expect((await ask(served, 'x')).status).to.equal(200);
    expect(refused).to.equal(hanging.length - waiting);
    await closeServers();
    await Promise.all(hanging);
  });
});
