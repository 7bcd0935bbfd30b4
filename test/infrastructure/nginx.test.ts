/** A real nginx with the limits that it comes with, before the entry of a call tree. */
import { expect } from 'chai';
import express, { type Request, type Response as Answer } from 'express';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { extractor } from '../../src/middleware/index.ts';
import { unpack } from '../../src/token/index.ts';
import { tokensOf } from '../support/issuer/trees.ts';
import { hasNginx, needsNginx, startNginx, type NginxServer } from '../support/nginx.ts';
import { startIssuer, stopIssuers } from '../support/issuer/start.ts';

/** An entry that calls so many services. What it says of headers is what its server takes, nginx not counted. */
const shop = (url: string, entry: string, callees: number, more: string, headers: string): string => `
waybill: 1
issuer: { url: '${url}', limits: { tokens: 300 }, ${more} }
defaults: { audience: 'https://{name}.shop.example', headers: { profile: go } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: W }, calls: { front: [read] } }
services:
  front:
    audience: '${entry}'
    auth: { method: client_secret_basic, secret_env: F }
    headers: ${headers}
    scopes:
      read:
        calls:
${numbered(callees, (name) => `          ${name}: [look]`)}
${numbered(callees, (name) => `  ${name}: { scopes: { look: {} } }`)}
`;

function numbered(count: number, line: (name: string) => string): string {
  return Array.from({ length: count }, (_, at) => line(`part-${at}`)).join('\n');
}

const NGINX = '{ profile: nginx, reserve: 512B }';
const WIDE = '{ profile: go }';

describe(`An nginx with default limits before a service${needsNginx}`, () => {
  let nginx: NginxServer;
  let server: Server;
  let app: express.Express;
  let entry: string;

  before(async function () {
    if (!hasNginx) this.skip();
    server = createServer({ maxHeaderSize: 128 * 1024 }, (request, response) => void app(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    entry = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    nginx = await startNginx(entry);
  });
  after(async () => {
    if (!hasNginx) return;
    await nginx.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await stopIssuers();
  });

  /** Issues the tree to a client and sends its root through nginx. */
  async function send(graph: (url: string) => string, client: string, scope: string, audience: string) {
    const issuer = await startIssuer(graph);
    const budget = { inbound: 100_000 };
    const waybill = extractor({ issuer: issuer.url, audience, caller: 'none', budget });
    app = express().set('env', 'test');
    app.get('/', waybill.protect(), (request: Request, response: Answer) => {
      response.json(request.waybill.claims.on_demand ?? {});
    });
    const answer = await issuer.token({ grant_type: 'client_credentials', scope }, { as: client });
    const token = answer.body['access_token'] ?? '';
    expect(answer.status, answer.text).to.equal(200);
    const response = await fetch(nginx.url, { headers: { authorization: `Bearer ${token}` } });
    const onDemand = response.ok ? Object.keys((await response.json()) as object) : [];
    return { token, status: response.status, tokens: tokensOf(unpack(token)).length, onDemand };
  }
  const sendShop = async (callees: number, more: string, headers: string) =>
    send((url) => shop(url, entry, callees, more, headers), 'web', 'read', entry);

  it('refuses the nested tree of an order at online-boutique, and lets the same tree pass packed', async () => {
    const text = readFileSync(new URL('../../graphs/online-boutique.yaml', import.meta.url), 'utf8');
    const boutique = async (encoding: string) =>
      send(
        (url) =>
          text
            .replace('  url: ${issuer}', `  encoding: ${encoding}\n  url: ${url}`)
            .replace(/, issuer: '[^']*'/, ''),
        'storefront',
        'checkout',
        'https://frontend.boutique.example',
      );
    const nested = await boutique('nested');
    expect([nested.status, nested.tokens]).to.deep.equal([400, 12]);
    const packed = await boutique('packed');
    expect([packed.status, packed.tokens]).to.deep.equal([200, 12]);
    expect(packed.token).to.match(/^wb1~/);
  });

  it('refuses a tree that is too large even packed, and lets it pass with some calls on demand', async () => {
    const whole = await sendShop(100, 'encoding: packed', WIDE);
    expect(whole.token.length).to.be.greaterThan(8_192);
    expect(whole.status).to.equal(400);
    const part = await sendShop(100, 'encoding: packed, overflow: exchange', NGINX);
    expect(part.status).to.equal(200);
    expect(part.tokens).to.be.greaterThan(20);
    expect(part.onDemand.length).to.be.greaterThan(0);
    expect(part.tokens - 1 + part.onDemand.length).to.equal(100);
  });
});
