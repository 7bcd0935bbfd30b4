/** Why a request was refused, out of the logs of a real issuer and three real services. */
import { appendFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import express from 'express';
import { decodeJwt } from 'jose';
import { extractor } from '../../../src/middleware/index.ts';
import { meanings } from '../../../src/cli/refusals/meanings.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { closeServers, freePort, listen, send } from '../../support/http.ts';
import { ask, run, serve, stopServing, type Served } from '../../support/program.ts';

const graph = (url: string): string => `
waybill: 1
name: fleet
issuer: { url: '${url}' }
defaults: { audience: 'https://{name}.fleet.example', headers: { profile: go }, caller: none }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB_SECRET }, calls: { front: [buy, look] } }
services:
  front: { scopes: { buy: { calls: { orders: [place] } }, look: { calls: { orders: [list] } } } }
  orders: { scopes: { place: { calls: { payment: [charge] } }, list: { calls: { payment: [read] } } } }
  payment: { scopes: { charge: {}, read: {} } }
`;

describe('waybill explain TXN --log', function () {
  this.timeout(60_000);
  let folder: string;
  let issuer: Served;
  let entry: string;
  const log = (name: string): string => path.join(folder, `${name}.log`);
  const logs = (): string[] => ['issuer', 'front', 'orders', 'payment'].map(log);

  before(async () => {
    folder = scratchFolder();
    const port = await freePort();
    const args = [
      scratchFile('graph.yaml', graph(`http://127.0.0.1:${port}`)),
      ...['--port', String(port), '--keys', path.join(folder, 'keys.json')],
    ];
    issuer = await serve(args, { env: { WEB_SECRET: 's' } });
    const payment = await service('payment', 'charge');
    const orders = await service('orders', undefined, { name: 'payment', url: payment });
    entry = await service('front', undefined, { name: 'orders', url: orders });
  });
  after(async () => {
    await Promise.all([closeServers(), stopServing()]);
    removeScratch();
  });

  /** Writes each decision as a line, as a logger would. */
  async function service(
    name: string,
    scope: string | undefined,
    callee?: { readonly name: string; readonly url: string },
  ): Promise<string> {
    const waybill = extractor({
      issuer: issuer.url,
      audience: `https://${name}.fleet.example`,
      caller: 'none',
      routes: callee === undefined ? {} : { [callee.url]: callee.name },
      onDecision: (decision) =>
        appendFileSync(log(name), `${JSON.stringify({ time: new Date().toISOString(), ...decision })}\n`),
    });
    const app = express().set('env', 'test');
    app.get('/', waybill.protect(scope === undefined ? {} : { scope }), async (request, response) => {
      const below = callee && (await request.waybill.fetch(callee.url));
      response.status(below?.status ?? 200).end();
    });
    return listen(app);
  }

  async function order(scope: string): Promise<{ status: number; txn: string; token: string }> {
    const token = (await ask(issuer, 's', scope)).body['access_token'] as string;
    const { status } = await send(entry, { headers: { authorization: `Bearer ${token}` } });
    const txn = String(decodeJwt(token)['txn']);
    for (const end = Date.now() + 10_000; !issuer.stderr().includes(txn) && Date.now() < end;)
      await new Promise(setImmediate);
    writeFileSync(log('issuer'), issuer.stderr());
    return { status, txn, token };
  }

  it('shows the way of a transaction, and where and why it was refused', async () => {
    const { status, txn, token } = await order('look');
    expect(status).to.equal(403);
    const { code, stdout } = await run(['explain', txn, '--log', ...logs()]);
    expect(code).to.equal(0);
    const where = stdout
      .split('\n')
      .filter((line) => /^\d\d:/.test(line))
      .map((line) => line.split(/ {2,}/).slice(1, 4).join(' | '));
    expect(where).to.deep.equal([
      'issuer | issued | to web for look at front',
      'https://front.fleet.example | accepted | from web',
      'https://orders.fleet.example | accepted | from front',
      'https://payment.fleet.example | refused | scope_insufficient for charge',
    ]);
    expect(stdout).to.include('Refused at https://payment.fleet.example: scope_insufficient');
    expect(stdout).to.include('waybill why GRAPH SERVICE:SCOPE');
    expect(stdout).not.to.include(token.slice(0, 40));
  });

  it('shows a transaction that was not refused', async () => {
    const { status, txn } = await order('buy');
    expect(status).to.equal(200);
    const { code, stdout } = await run(['explain', txn, '--log', ...logs()]);
    expect([code, stdout.includes('Refused')]).to.deep.equal([0, false]);
    expect(stdout).to.include('https://payment.fleet.example  accepted');
  });

  it('lists refusals without a txn, those without a token too', async () => {
    expect((await send(entry)).status).to.equal(401);
    const { stdout } = await run(['explain', '--log', ...logs()]);
    expect(stdout).to.match(/front\.fleet\.example +refused +token_missing +no token/);
    const { stdout: json } = await run(['explain', '--log', ...logs(), '--json']);
    const { events } = JSON.parse(json) as { events: { code: string }[] };
    expect(events.map(({ code }) => code))
      .to.include('token_missing')
      .and.include('scope_insufficient');
  });

  it('says that a txn of an unverified token proves nothing', async () => {
    const { txn, token } = await order('buy');
    const forged = `${token.slice(0, -6)}AAAAAA`;
    expect((await send(entry, { headers: { authorization: `Bearer ${forged}` } })).status).to.equal(401);
    const { stdout } = await run(['explain', txn, '--log', ...logs()]);
    expect(stdout).to.match(/refused +token_signature +unverified/);
    expect(stdout).to.include('anyone may have written this txn');
  });

  it('says where it found nothing, and fails', async () => {
    const { code, stdout, stderr } = await run(['explain', 'no-such-txn', '--log', ...logs()]);
    expect([code, stdout]).to.deep.equal([1, '']);
    expect(stderr).to.match(/lines of 4 files: none has the transaction no-such-txn/);
    const missing = await run(['explain', 'x', '--log', path.join(folder, 'none.log')]);
    expect([missing.code, /none\.log cannot be read \(ENOENT\)/.test(missing.stderr)]).to.deep.equal([
      2,
      true,
    ]);
  });

  it('passes over lines that are too long or no JSON, counts them, and shows no control characters', async () => {
    const line = { time: 1, decision: 'refused', at: 'service', audience: 'a\u001b[2Jb', txn: 't1' };
    const file = scratchFile(
      'odd.log',
      [
        'starting',
        `{"txn":"t1","decision":"refused","pad":"${'x'.repeat(70_000)}"}`,
        '{"txn":"t1"',
        JSON.stringify({ ...line, error: 'token_expired' }),
      ].join('\n'),
    );
    const { code, stdout } = await run(['explain', 't1', '--log', file]);
    expect(code).to.equal(0);
    expect(stdout).to.include('1 line of over 64 KiB passed over').and.include('2 lines without JSON');
    expect(stdout).to.include('token_expired').and.not.include('\u001b[2J');
  });
});

describe('waybill explain CODE', () => {
  it('explains every code of a refusal', async () => {
    const { code, stdout } = await run(['explain', 'token_presenter']);
    expect([code, stdout.includes(meanings.token_presenter!.advice)]).to.deep.equal([0, true]);
    const wrong = await run(['explain', 'token_presentr']);
    expect([wrong.code, wrong.stderr.includes('token_presenter')]).to.deep.equal([2, true]);
  });
});
