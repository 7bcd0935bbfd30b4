import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect } from 'chai';
import express, { type RequestHandler } from 'express';
import { decodeProtectedHeader } from 'jose';

import { createIssuer } from '../../../src/issuer/index.ts';
import { generateKey, keyRing, rotate, type KeyRecord } from '../../../src/issuer/keys/index.ts';
import { extractor } from '../../../src/middleware/index.ts';
import { secretsFor } from '../../support/issuer/issue.ts';
import { planOf } from '../../support/compile.ts';
import { send } from '../../support/http.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';

const GRANT = { grant_type: 'client_credentials' };
const clock = () => Math.floor(Date.now() / 1000);

/** Three services that call each other, with audiences that are their real addresses. */
describe('An issuer and three services', () => {
  const servers: Server[] = [];
  const urls: Record<string, string> = {};
  let issuer: TestIssuer;
  let records: readonly KeyRecord[];

  const graph = (url: string, more = '') => `
waybill: 1
issuer: { url: '${url}' }
claims: { tier: { from: client, max_bytes: 16 } }
defaults: { headers: { profile: node } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    claims: { tier: gold }
    default_scopes: [place]
    calls: { orders: [place, read] }
services:
  orders:
    audience: ${urls['orders']}
    scopes: { read: {}, place: { calls: { payment: [charge]${more} } } }
  payment: { audience: ${urls['payment']}, scopes: { charge: { claims: [tier], calls: { ledger: [write] } } } }
  ledger: { audience: ${urls['ledger']}, scopes: { write: {}, erase: {} } }
`;

  /** A server whose handlers are set once its address, and with it its audience, is known. */
  async function service(name: string): Promise<ReturnType<typeof express>> {
    const app = express().set('env', 'test');
    const server = createServer({ maxHeaderSize: 64 * 1024 }, app);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    urls[name] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return app;
  }

  before(async () => {
    const [orders, payment, ledger] = [
      await service('orders'),
      await service('payment'),
      await service('ledger'),
    ];
    records = [await generateKey('ES256', clock)];
    issuer = await startIssuer(graph, { keys: keyRing(records, 'ES256') });
    const waybill = (name: string) =>
      extractor({ issuer: issuer.url, audience: urls[name] as string, caller: 'none', cooldown: 0 });
    const callOn =
      (to: string): RequestHandler =>
      async (request, response) => {
        const { waybill: context } = request;
        const answer = await context.fetch(`${urls[to]}/`, { method: 'POST' });
        response.status(answer.status).json({ at: context.claims, below: await answer.json() });
      };
    orders.post('/', waybill('orders').protect({ scope: 'place' }), callOn('payment'));
    payment.post('/', waybill('payment').protect({ scope: 'charge' }), callOn('ledger'));
    ledger.post('/', waybill('ledger').protect({ scope: 'write' }), (request, response) => {
      response.json({ at: request.waybill.claims });
    });
  });

  after(async () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    await stopIssuers();
  });

  const rootToken = async (scope = 'place') =>
    (await issuer.token({ ...GRANT, scope }, { as: 'web' })).body['access_token'] as string;

  const order = (token: string, at = 'orders') =>
    send(`${urls[at]}/`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });

  /** The issuer as it is after a reload of graph or keys. */
  function reload(text: string, keys: readonly KeyRecord[] = records): void {
    const plan = planOf(text);
    issuer.issuer = createIssuer({ plan, keys: keyRing(keys, 'ES256'), secrets: secretsFor(plan) });
  }

  it('one request at the edge reaches the last service, each with its own audience, scope and claims', async () => {
    const { status, text } = await order(await rootToken());
    expect(status, text).to.equal(200);
    const { at: orders, below } = JSON.parse(text);
    const { at: payment, below: last } = below;
    expect(orders).to.include({ aud: urls['orders'], scope: 'place', sub: 'web' });
    expect(payment).to.include({ aud: urls['payment'], scope: 'charge', tier: 'gold' });
    expect(payment.act).to.deep.equal({ sub: 'orders' });
    expect(last.at).to.include({ aud: urls['ledger'], scope: 'write', txn: orders.txn });
    expect(orders).to.not.have.property('tier');
    expect(last.at).to.not.have.property('tier');
  });

  it('a token without the scope is refused at the first service, and no token opens another', async () => {
    expect((await order(await rootToken('read'))).status).to.equal(403);
    expect((await order(await rootToken(), 'payment')).status).to.equal(401);
    expect((await order(await rootToken(), 'ledger')).status).to.equal(401);
  });

  it('a token from before a reload of the graph stays valid to its end', async () => {
    const old = await rootToken();
    reload(graph(issuer.url, ', ledger: [write]'));
    expect((await order(old)).status).to.equal(200);
    expect((await order(await rootToken())).status).to.equal(200);
  });

  it('after a rotation new tokens name the new key, and those of the old one verify', async () => {
    const old = await rootToken();
    const rotated = await rotate(records, 'ES256', clock, { now: true });
    reload(graph(issuer.url), rotated);
    const fresh = await rootToken();
    expect(decodeProtectedHeader(old).kid).to.equal(records[0]?.kid);
    expect(decodeProtectedHeader(fresh).kid).to.equal(rotated[0]?.kid).and.not.equal(records[0]?.kid);
    expect((await order(fresh)).status).to.equal(200);
    expect((await order(old)).status).to.equal(200);
    const { keys } = JSON.parse((await send(`${issuer.url}/jwks`)).text) as { keys: { kid: string }[] };
    expect(keys.map(({ kid }) => kid)).to.deep.equal(rotated.map(({ kid }) => kid));
  });

  it('a key that is no longer published opens nothing new', async () => {
    const [stranger] = [await generateKey('ES256', clock)];
    const published = issuer.issuer.jwks;
    const plan = planOf(graph(issuer.url));
    const foreign = createIssuer({ plan, keys: keyRing([stranger], 'ES256'), secrets: secretsFor(plan) });
    issuer.issuer = { ...foreign, jwks: published };
    expect((await order(await rootToken())).status).to.equal(401);
  });
});
