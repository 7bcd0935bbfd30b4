/** `/metrics` of the management port of `waybill serve`. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import { expect } from 'chai';

import { opaqueGraph } from '../../support/issuer/opaque.ts';
import { basic, freePort, send, type Answer } from '../../support/http.ts';
import { GRAPH, GRAPH_ENV } from '../../support/graphs/one-call.ts';
import { samplesOf, sumOf, type Samples } from '../../support/metrics.ts';
import { serve, stopServing, type Served } from '../../support/program.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const PRELOAD = pathToFileURL(path.join(import.meta.dirname, 'stall-preload.mjs')).href;

interface Measured {
  /** Of the graph. */
  readonly file: string;
  readonly served: Served;
  readonly scrape: () => Promise<Samples>;
  /** The address of `/metrics`. */
  readonly metrics: string;
}

async function measured(
  graph: string,
  env: Readonly<Record<string, string>>,
  more: readonly string[] = [],
): Promise<Measured> {
  const keys = path.join(scratchFolder(), 'keys.json');
  const file = scratchFile('graph.yaml', graph);
  const args = [file, '--port', '0', '--keys', keys, '--management-port', '0'];
  const served = await serve([...args, ...more], { env });
  const metrics = `${/^management on (\S+)$/m.exec(served.output())?.[1]}/metrics`;
  const scrape = async () => {
    const { status, text, headers } = await send(metrics);
    expect([status, headers.get('content-type')]).to.deep.equal([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    return samplesOf(text);
  };
  return { file, served, scrape, metrics };
}

async function post(
  url: string,
  party: string,
  form: Readonly<Record<string, string>>,
  secret = `the secret of ${party}`,
): Promise<Answer> {
  return send(url, {
    method: 'POST',
    headers: {
      authorization: basic(party, secret),
      'content-type': 'application/x-www-form-urlencoded',
      connection: 'close',
    },
    body: new URLSearchParams(form).toString(),
  });
}

const TOKEN = { grant_type: 'client_credentials' };

describe('waybill serve --management-port, /metrics', function () {
  this.timeout(120_000);
  afterEach(stopServing);
  after(removeScratch);

  it('counts requests by endpoint, grant, caller and outcome, and what was issued', async () => {
    const { served, scrape } = await measured(GRAPH, GRAPH_ENV);
    const token = `${served.url}/token`;
    let bytes = 0;
    for (let i = 0; i < 3; i += 1) {
      const { status, body } = await post(token, 'web', TOKEN);
      expect(status).to.equal(200);
      bytes += Buffer.byteLength(body['access_token'] ?? '');
    }
    expect((await post(token, 'web', { ...TOKEN, scope: 'nothing' })).status).to.equal(400);
    expect((await post(token, 'web', { grant_type: 'password' })).status).to.equal(400);
    expect((await post(token, 'web', TOKEN, 'wrong')).status).to.equal(401);
    expect((await post(`${served.url}/introspect`, 'web', { token: 'none' })).status).to.equal(200);
    const samples = await scrape();
    const count = (...labels: readonly string[]): number =>
      sumOf(samples, 'waybill_requests_total', ...labels);
    expect(count('endpoint="token"')).to.equal(6);
    expect(count('grant="client_credentials"', 'caller="client"', 'outcome="ok"')).to.equal(3);
    expect(count('grant="client_credentials"', 'caller="client"', 'outcome="invalid_scope"')).to.equal(1);
    expect(count('grant="other"', 'outcome="unsupported_grant_type"')).to.equal(1);
    expect(count('caller="unknown"', 'outcome="invalid_client"')).to.equal(1);
    expect(count('endpoint="introspection"', 'grant="none"', 'outcome="inactive"')).to.equal(1);
    expect(samples.get('waybill_request_duration_seconds_count{endpoint="token"}')).to.equal(6);
    expect(sumOf(samples, 'waybill_trees_issued_total', 'encoding="nested"', 'reused="false"')).to.equal(3);
    expect(sumOf(samples, 'waybill_tokens_issued_total')).to.equal(3);
    expect(sumOf(samples, 'waybill_issued_bytes_total')).to.equal(bytes);
  });

  it('never makes a label of what a request says', async () => {
    const { served, scrape, metrics } = await measured(GRAPH, GRAPH_ENV);
    const say = async (said: string): Promise<void> => {
      await post(`${served.url}/token`, said, { grant_type: said, scope: said, resource: said });
      await post(`${served.url}/${said}`, 'web', { token: said });
      await post(`${served.url}/revoke`, 'web', { token: said, token_type_hint: said });
    };
    await say('evil');
    const series = async (): Promise<number> =>
      [...(await scrape()).keys()].filter((name) => name.startsWith('waybill_')).length;
    const before = await series();
    for (let i = 0; i < 30; i += 1) await say(`evil${i}`);
    expect(await series()).to.equal(before);
    const { text } = await send(metrics);
    expect(text).to.not.contain('evil');
  });

  it('shows graph, keys, store and process, and follows a reload', async () => {
    const { file, served, scrape } = await measured(GRAPH, GRAPH_ENV, ['--rotate-keys', '30d']);
    const samples = await scrape();
    const now = Date.now() / 1_000;
    const { digest } = await served.logged('started');
    expect(samples.get(`waybill_graph_info{digest="${digest as string}"}`)).to.equal(1);
    expect(samples.get('waybill_graph_loaded_timestamp_seconds')).to.be.within(now - 60, now + 1);
    expect(samples.get('waybill_signing_key_since_timestamp_seconds')).to.be.within(now - 60, now + 1);
    const thirtyDays = 30 * 24 * 60 * 60;
    expect(samples.get('waybill_signing_key_until_timestamp_seconds')).to.be.within(
      now + thirtyDays - 60,
      now + thirtyDays + 1,
    );
    expect(samples.get('waybill_published_keys')).to.equal(2);
    expect(samples.get('waybill_store_up')).to.equal(1);
    expect(samples.get('waybill_log_lines_dropped_total')).to.equal(0);
    expect(samples.get('nodejs_eventloop_lag_p99_seconds')).to.be.above(0);
    expect(samples.get('process_resident_memory_bytes')).to.be.above(1e6);

    writeFileSync(
      file,
      GRAPH.replaceAll('[order]', '[order, look]').replace('{ order: {} }', '{ order: {}, look: {} }'),
    );
    const { now: reloaded } = await served.logged('reloaded');
    const graphs = [...(await scrape())].filter(([name]) => name.startsWith('waybill_graph_info'));
    expect(graphs).to.deep.equal([[`waybill_graph_info{digest="${reloaded as string}"}`, 1]]);
  });

  it('has no end of the signing key without a schedule', async () => {
    const { scrape } = await measured(GRAPH, GRAPH_ENV);
    const samples = await scrape();
    expect(samples.get('waybill_signing_key_since_timestamp_seconds')).to.be.above(0);
    expect(samples.has('waybill_signing_key_until_timestamp_seconds')).to.equal(false);
  });

  it('times the operations of the store, and says when it is lost', async () => {
    const nowhere = `redis://127.0.0.1:${await freePort()}`;
    const env = Object.fromEntries(
      ['APP', 'EDGE', 'SHOP', 'PAY', 'BACK', 'WEB'].map((name) => [name, `the secret of ${name}`]),
    );
    const { served, scrape } = await measured(opaqueGraph('http://127.0.0.1:8080'), env, [
      '--store',
      nowhere,
    ]);
    expect(
      (await post(`${served.url}/token`, 'web', { ...TOKEN, scope: 'browse' }, 'the secret of WEB')).status,
    ).to.equal(503);
    const samples = await scrape();
    expect(sumOf(samples, 'waybill_requests_total', 'outcome="temporarily_unavailable"')).to.equal(1);
    expect(sumOf(samples, 'waybill_store_errors_total', 'operation="put"')).to.equal(1);
    expect(sumOf(samples, 'waybill_store_operation_duration_seconds_count', 'operation="put"')).to.equal(1);
    expect(samples.get('waybill_store_up')).to.equal(0);
  });

  it('adds up what the workers count', async () => {
    const port = String(await freePort());
    const { served, scrape } = await measured(GRAPH, GRAPH_ENV, ['--port', port, '--workers', '2']);
    const workers = (): number =>
      new Set(
        served
          .logLines()
          .filter(({ msg }) => msg === 'issued')
          .map(({ worker }) => worker),
      ).size;
    let sent = 0;
    while (workers() < 2 && sent < 200) {
      expect((await post(`${served.url}/token`, 'web', TOKEN)).status).to.equal(200);
      sent += 1;
    }
    expect(workers()).to.equal(2);
    const samples = await scrape();
    expect(sumOf(samples, 'waybill_tokens_issued_total')).to.equal(sent);
    expect(samples.get('waybill_published_keys')).to.equal(2);
    expect(sumOf(samples, 'waybill_graph_info')).to.equal(1);
  });

  it('is 503 while the issuer is stalled, and comes back', async () => {
    const { served, metrics } = await measured(GRAPH, {
      ...GRAPH_ENV,
      NODE_OPTIONS: `--import=${PRELOAD}`,
      TEST_STALL: '5000',
    });
    served.child.kill('SIGUSR2');
    await pause(200);
    expect((await send(metrics)).status).to.equal(503);
    let status = 503;
    for (let i = 0; i < 20 && status !== 200; i += 1) ({ status } = await send(metrics));
    expect(status).to.equal(200);
  });
});
