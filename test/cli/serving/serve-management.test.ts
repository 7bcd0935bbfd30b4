/** `waybill serve --management-port`: probes that are answered however busy the issuer is. */
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import { expect } from 'chai';

import { Reports } from '../../../src/cli/serving/management/index.ts';
import { freePort, send, type Answer } from '../../support/http.ts';
import { moveClock, type MovedClock } from '../../support/clock/moved-clock.ts';
import { GRAPH, GRAPH_ENV as env } from '../../support/graphs/one-call.ts';
import { run, serve, stopServing, type Served } from '../../support/program.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const PRELOAD = pathToFileURL(path.join(import.meta.dirname, 'stall-preload.mjs')).href;

interface Managed {
  readonly served: Served;
  /** The management port. */
  readonly url: string;
}

async function managed(more: readonly string[] = [], moreEnv: Record<string, string> = {}): Promise<Managed> {
  const keys = path.join(scratchFolder(), 'keys.json');
  const args = [scratchFile('graph.yaml', GRAPH), '--port', '0', '--keys', keys, '--management-port', '0'];
  const served = await serve([...args, ...more], { env: { ...env, ...moreEnv } });
  const url = /^management on (\S+)$/m.exec(served.output())?.[1];
  if (url === undefined) throw new Error('no management port');
  return { served, url };
}

/** Asks until the answer is the wanted one. */
async function until(address: string, wanted: (answer: Answer) => boolean): Promise<Answer> {
  for (let i = 0; i < 600; i += 1) {
    const answer = await send(address);
    if (wanted(answer)) return answer;
    await pause(50);
  }
  throw new Error(`${address} never gave the wanted answer`);
}

const json = ({ text }: Answer) => JSON.parse(text) as Record<string, unknown>;
const isReady = ({ status }: Answer): boolean => status === 200;

describe('waybill serve --management-port', function () {
  this.timeout(120_000);
  afterEach(stopServing);
  after(removeScratch);

  it('answers probes as the main port does, and nothing else', async () => {
    const { served, url } = await managed();
    const ready = await until(`${url}/readyz`, isReady);
    expect(ready.body).to.deep.equal((await send(`${served.url}/readyz`)).body);
    expect((await send(`${url}/healthz?probe`)).body).to.deep.equal({ status: 'ok' });
    for (const path of ['/token', '/jwks', '//', '/readyz/x'])
      expect((await send(`${url}${path}`)).status, path).to.equal(404);
    expect((await send(`${url}/readyz`, { method: 'POST' })).status).to.equal(405);
    expect(await served.stop()).to.equal(0);
  });

  it('answers while the issuer is stalled, and readyz says so', async () => {
    const { served, url } = await managed([], { NODE_OPTIONS: `--import=${PRELOAD}`, TEST_STALL: '8000' });
    await until(`${url}/readyz`, isReady);
    served.child.kill('SIGUSR2');
    await pause(200);
    let main: number | undefined;
    const asked = send(`${served.url}/healthz`).then(({ status }) => (main = status));
    expect((await send(`${url}/healthz`)).status).to.equal(200);
    const stalled = await until(`${url}/readyz`, ({ status }) => status === 503);
    expect(json(stalled)['status']).to.equal('stalled');
    expect(main).to.equal(undefined);
    await asked;
    await until(`${url}/readyz`, isReady);
  });

  it('says that the issuer is stopping, during --shutdown-delay', async () => {
    const { served, url } = await managed(['--shutdown-delay', '2']);
    await until(`${url}/readyz`, isReady);
    served.child.kill('SIGTERM');
    await served.logged('stopping');
    expect(json(await send(`${served.url}/readyz`))['status']).to.equal('stopping');
    const stopping = await until(`${url}/readyz`, ({ status }) => status === 503);
    expect(json(stopping)['status']).to.equal('stopping');
    expect((await send(`${url}/healthz`)).status).to.equal(200);
    expect(await served.ended).to.equal(0);
  });

  it('reports all workers: ready as long as one of them is', async () => {
    const port = await freePort();
    const { served, url } = await managed(['--port', String(port), '--workers', '2']);
    const workers = async () => json(await send(`${url}/readyz`))['workers'] as Record<string, Answer>;
    const statusOf = async (worker: number) => (await workers())[worker]?.status;
    for (const worker of [1, 2])
      await until(`${url}/readyz`, (answer) => JSON.stringify(json(answer)).includes(`"${worker}":`));
    await until(`${url}/readyz`, isReady);

    const pids = served
      .logLines()
      .filter(({ msg }) => msg === 'worker started')
      .map(({ pid }) => pid as number);
    process.kill(pids[0] ?? 0, 'SIGSTOP');
    while (((await statusOf(1)) as unknown) !== 'stalled') await pause(100);
    expect((await send(`${url}/readyz`)).status).to.equal(200);
    process.kill(pids[1] ?? 0, 'SIGSTOP');
    const stalled = await until(`${url}/readyz`, ({ status }) => status === 503);
    expect(json(stalled)['status']).to.equal('stalled');
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    await until(`${url}/readyz`, isReady);
    expect(await served.stop()).to.equal(0);
  });

  it('exits with 2 if the port is taken, and names the option', async () => {
    const { served } = await managed();
    const taken = new URL(served.url).port;
    const keys = path.join(scratchFolder(), 'keys.json');
    const args = ['serve', scratchFile('graph.yaml', GRAPH), '--port', '0', '--keys', keys];
    for (const workers of ['1', '2']) {
      const { code, stdout, stderr } = await run(
        [...args, '--management-port', taken, '--workers', workers],
        { env },
      );
      expect([code, stdout]).to.deep.equal([2, '']);
      expect(stderr).to.contain(`Cannot listen on 127.0.0.1:${taken} (EADDRINUSE)`);
      expect(stderr).to.contain('--management-port');
    }
  });
});

describe('Reports for the management port', () => {
  const READY = { status: 200, body: { status: 'ready' } };
  let clock: MovedClock;
  beforeEach(() => (clock = moveClock()));
  afterEach(() => {
    clock.restore();
    removeScratch();
  });

  it('say that the process is alive and not ready before the first one', () => {
    const reports = new Reports(false);
    expect([reports.health().status, reports.readiness()]).to.deep.equal([
      200,
      { status: 503, body: { status: 'starting' } },
    ]);
  });

  it('say that it is not ready after two seconds without one, and not alive after ten', () => {
    const reports = new Reports(false);
    const statuses = () => [reports.health().status, reports.readiness().status];
    reports.receive(0, READY);
    expect(statuses()).to.deep.equal([200, 200]);
    clock.move(3);
    expect(statuses()).to.deep.equal([200, 503]);
    clock.move(8);
    expect(statuses()).to.deep.equal([503, 503]);
    expect(reports.health().body).to.deep.equal({ status: 'stalled', seconds: 11 });
    reports.receive(0, READY);
    expect(statuses()).to.deep.equal([200, 200]);
  });

  it('need one of several workers, and ignore one that has ended', () => {
    const reports = new Reports(true);
    reports.receive(1, READY);
    clock.move(11);
    reports.receive(2, { status: 503, body: { status: 'store unavailable' } });
    expect(reports.health().status).to.equal(200);
    expect(reports.readiness()).to.deep.equal({
      status: 503,
      body: {
        status: 'stalled',
        workers: { 1: { status: 'stalled', seconds: 11 }, 2: { status: 'store unavailable' } },
      },
    });
    reports.forget(1);
    expect(reports.readiness().body['status']).to.equal('store unavailable');
    reports.receive(3, READY);
    expect(reports.readiness().status).to.equal(200);
    reports.stop();
    expect(reports.readiness()).to.include({ status: 503 });
  });
});
