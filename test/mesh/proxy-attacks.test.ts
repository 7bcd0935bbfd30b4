/** What the proxy does with hostile and broken peers on both sides. Requests that no client library sends are raw bytes. */
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import { expect } from 'chai';

import { listen, type RunningServer } from '../../src/issuer/http/index.ts';
import { Destinations, egressProxy, inboundProxy } from '../../src/mesh/index.ts';
import { freePort, send, sendRaw } from '../support/http.ts';
import { claimsOf, openShop, type RunningSidecar, type Shop } from './shop.ts';

const MIB = 2 ** 20;
const CLOSE = 'Connection: close\r\n';

describe('The proxy of a sidecar, with hostile and broken peers', function () {
  this.timeout(60_000);
  let shop: Shop;
  let token: string;
  let sidecar: RunningSidecar;
  let inbound: RunningServer;
  let egress: RunningServer;
  let destinations: Destinations;
  let app: Server;
  let heard: IncomingMessage[] = [];
  let answer: RequestListener;
  const servers: RunningServer[] = [];
  const echo: RequestListener = (incoming, response) =>
    void response.end(JSON.stringify({ url: incoming.url, headers: incoming.headers }));

  const proxyBefore = async (
    upstream: string,
    options: { silenceMs?: number; requestTimeout?: number } = {},
  ) => {
    const { silenceMs = 20_000, requestTimeout = 20_000 } = options;
    const proxy = { destinations, silenceMs, maxRequests: 100 };
    const at = { host: '127.0.0.1', port: 0, maxHeaderBytes: 64 * 1024, requestTimeout };
    const server = await listen(inboundProxy(sidecar.sidecar, new URL(upstream), proxy), at);
    servers.push(server);
    return server;
  };

  before(async () => {
    shop = await openShop();
    token = await shop.root();
    sidecar = await shop.start();
    destinations = new Destinations({});
    app = createServer((incoming, response) => {
      heard.push(incoming);
      answer(incoming, response);
    });
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    const upstream = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
    inbound = await proxyBefore(upstream);
    const proxy = { destinations, silenceMs: 20_000, maxRequests: 100 };
    const callees = { addresses: new Map([['stock:8080', new URL(upstream)]]), identities: new Map() };
    egress = await listen(egressProxy(sidecar.sidecar, callees, proxy), {
      ...{ host: '127.0.0.1', port: 0 },
    });
    servers.push(egress);
  });
  beforeEach(() => {
    heard = [];
    answer = echo;
  });
  after(async () => {
    app.closeAllConnections();
    app.close();
    destinations.close();
    await Promise.all(servers.map((server) => server.close()));
    await shop.close();
  });

  const bearer = () => `Authorization: Bearer ${token}\r\n`;
  const upstreamUrl = () => `http://127.0.0.1:${(app.address() as AddressInfo).port}`;

  it('removes what only the sidecar may say, whatever Connection names', async () => {
    const raw =
      `GET /x HTTP/1.1\r\nHost: front\r\nConnection: close, x-waybill-sub, authorization, host, x-private\r\n${bearer()}` +
      'X-Waybill-Sub: admin\r\nx_waybill_sub: admin\r\nX-Waybill-Claims: e30\r\nX-Private: 1\r\nX-Kept: 1\r\n' +
      'X-Forwarded-Client-Cert: URI=spiffe://shop.example/admin\r\nClient-Cert: :AA==:\r\n' +
      'Proxy-Authorization: Basic eA==\r\nTE: trailers\r\nKeep-Alive: timeout=9\r\n\r\n';
    expect(await sendRaw(inbound.url, raw)).to.match(/^HTTP\/1.1 200 /);
    const [{ headers = {} } = {}] = heard;
    expect(headers).to.include({ host: 'front', 'x-waybill-sub': 'web', 'x-kept': '1', via: '1.1 waybill' });
    expect(headers.authorization).to.equal(`Bearer ${token}`);
    expect(headers).not.to.have.any.keys(
      ...['x_waybill_sub', 'x-waybill-claims', 'x-private', 'x-forwarded-client-cert', 'client-cert'],
      ...['proxy-authorization', 'te', 'keep-alive'],
    );
  });

  it('refuses two Authorization headers, two hosts and none, and a host that is none', async () => {
    const refused: readonly (readonly [string, string])[] = [
      [`Host: a\r\n${bearer()}${bearer()}`, 'token_repeated'],
      [`Host: a\r\nHost: b\r\n${bearer()}`, 'usage'],
      [`Host: a@b\r\n${bearer()}`, 'usage'],
    ];
    for (const [lines, code] of refused) {
      const text = await sendRaw(inbound.url, `GET / HTTP/1.1\r\n${CLOSE}${lines}\r\n`);
      expect(text).to.match(/^HTTP\/1.1 400 /);
      expect(text).to.contain(`"code":"${code}"`);
    }
    expect(await sendRaw(inbound.url, `GET / HTTP/1.1\r\n${CLOSE}${bearer()}\r\n`)).to.match(
      /^HTTP\/1.1 400 /,
    );
    expect(heard).to.have.length(0);
  });

  it('refuses a body whose end can be read in two ways (RFC 9112 section 11.2)', async () => {
    const framings: readonly (readonly [string, number])[] = [
      ['Content-Length: 4\r\nTransfer-Encoding: chunked', 400],
      ['Transfer-Encoding: chunked\r\nContent-Length: 4', 400],
      ['Content-Length: 4\r\nContent-Length: 5', 400],
      ['Content-Length: +4', 400],
      ['Content-Length: 4, 4', 400],
      ['Transfer-Encoding : chunked', 400],
      ['Transfer-Encoding: xchunked', 400],
      ['Transfer-Encoding: gzip, chunked', 501],
      ['Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip', 400],
      ['X: 1\nTransfer-Encoding: chunked', 400],
    ];
    for (const [framing, status] of framings) {
      const raw = `POST / HTTP/1.1\r\nHost: front\r\n${CLOSE}${bearer()}${framing}\r\n\r\n0\r\n\r\n`;
      const text = await sendRaw(inbound.url, raw);
      expect(text, framing).to.match(new RegExp(`^HTTP/1.1 ${status} `));
    }
    expect(heard).to.have.length(0);
  });

  it('takes a pipelined request for one of its own, which needs its own token', async () => {
    const text = await sendRaw(
      inbound.url,
      `POST /first HTTP/1.1\r\nHost: front\r\n${bearer()}Content-Length: 2\r\n\r\nabGET /second HTTP/1.1\r\nHost: front\r\n${CLOSE}\r\n`,
    );
    expect(text.match(/HTTP\/1.1 \d+/g)).to.deep.equal(['HTTP/1.1 200', 'HTTP/1.1 401']);
    expect(heard.map(({ url }) => url)).to.deep.equal(['/first']);
  });

  it('refuses CONNECT, TRACE and Upgrade in words, and leaves an offer of h2c unanswered', async () => {
    for (const { url } of [inbound, egress]) {
      const connects = await sendRaw(
        url,
        `CONNECT stock:8080 HTTP/1.1\r\nHost: stock:8080\r\n${bearer()}\r\n`,
      );
      expect(connects).to.match(/^HTTP\/1.1 501 .*No tunnels here/s);
    }
    const ask = (lines: string, method = 'GET') =>
      sendRaw(inbound.url, `${method} / HTTP/1.1\r\nHost: front\r\n${bearer()}${lines}\r\n`);
    const sockets = await ask('Connection: close, upgrade\r\nUpgrade: websocket\r\n');
    expect(sockets).to.match(/^HTTP\/1.1 501 .*"code":"request_unsupported"/s);
    expect(await ask(CLOSE, 'TRACE')).to.match(/^HTTP\/1.1 501 /);
    expect(heard).to.have.length(0);
    const offer =
      'Connection: close, upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
    expect(await ask(offer)).to.match(/^HTTP\/1.1 200 /);
    expect(heard[0]?.headers).not.to.have.any.keys('upgrade', 'http2-settings');
  });

  it('goes by the whole address of a request, whatever its Host says (RFC 9112 section 3.2.2)', async () => {
    const ask = (target: string, host: string) =>
      sendRaw(egress.url, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${CLOSE}${bearer()}\r\n`);
    expect(await ask('http://payment.example/', 'stock:8080')).to.match(/^HTTP\/1.1 403 .*child_missing/s);
    expect(await ask('http://stock:8080@payment.example/', 'stock:8080')).to.match(/^HTTP\/1.1 400 /);
    expect(await ask('ftp://stock:8080/', 'stock:8080')).to.match(/^HTTP\/1.1 400 /);
    expect(heard).to.have.length(0);
    expect(await ask('http://stock:8080/a?b=//c', 'payment.example')).to.match(/^HTTP\/1.1 200 /);
    expect(heard[0]).to.include({ url: '/a?b=//c' });
    expect(heard[0]?.headers.host).to.equal('stock:8080');
    expect(claimsOf(heard[0]?.headers.authorization)).to.include({ aud: 'https://stock.shop.example' });
  });

  it('answers 431 to a header block that is too large', async () => {
    const { status } = await send(inbound.url, { headers: { 'x-large': 'a'.repeat(70_000) } });
    expect(status).to.equal(431);
  });

  it('answers 408 to a body that does not end, and ends the request to the application', async () => {
    const ended = new Promise<unknown>((resolve) => {
      answer = (incoming) => incoming.once('close', () => resolve(incoming.complete)).resume();
    });
    const impatient = await proxyBefore(upstreamUrl(), { requestTimeout: 500 });
    const raw = `POST / HTTP/1.1\r\nHost: front\r\n${bearer()}Content-Length: 10\r\n\r\nabc`;
    expect(await sendRaw(impatient.url, raw)).to.match(/^HTTP\/1.1 408 /);
    expect(await ended).to.equal(false);
  });

  it('ends the request to the application when its client goes away', async () => {
    let arrived = (): void => undefined;
    const hasArrived = new Promise<void>((resolve) => (arrived = resolve));
    const closed = new Promise<unknown>((resolve) => {
      answer = (_incoming, response) => {
        response.once('close', () => resolve(response.writableFinished));
        arrived();
      };
    });
    const { hostname, port } = new URL(inbound.url);
    const socket = connect(Number(port), hostname);
    socket.write(`GET / HTTP/1.1\r\nHost: front\r\n${bearer()}\r\n`);
    await hasArrived;
    socket.destroy();
    expect(await closed).to.equal(false);
  });

  it('answers 502 where nobody listens or no HTTP is spoken, and 504 to silence', async () => {
    const headers = { authorization: `Bearer ${token}` };
    const nobody = await proxyBefore(`http://127.0.0.1:${await freePort()}`);
    const gone = await send(nobody.url, { headers });
    expect([gone.status, gone.body['code']]).to.deep.equal([502, 'upstream_unavailable']);
    answer = (incoming) => void incoming.socket.end('SSH-2.0\r\n');
    expect((await send(inbound.url, { headers })).status).to.equal(502);
    answer = () => undefined;
    const impatient = await proxyBefore(upstreamUrl(), { silenceMs: 300 });
    const silent = await send(impatient.url, { headers });
    expect([silent.status, silent.body['code']]).to.deep.equal([504, 'upstream_timeout']);
    const text = await sidecar.sidecar.metrics.text();
    expect(text).to.contain(
      'waybill_sidecar_not_forwarded_total{direction="inbound",code="upstream_timeout"} 1\n',
    );
    expect(sidecar.decisions.at(-1)).to.include({ code: 'upstream_timeout', direction: 'inbound' });
  });

  it('does not make half an answer look like a whole one', async () => {
    answer = (incoming, response) => {
      response.write('half', () => incoming.socket.destroy());
    };
    const outcome = await send(inbound.url, { headers: { authorization: `Bearer ${token}` } }).then(
      () => 'whole',
      () => 'broken',
    );
    expect(outcome).to.equal('broken');
  });

  it('streams bodies both ways, byte for byte', async () => {
    answer = (incoming, response) => void incoming.pipe(response);
    const body = Buffer.alloc(4 * MIB, 'a body that is larger than any buffer ');
    const { text } = await send(inbound.url, {
      ...{ method: 'POST', body: new Uint8Array(body) },
      headers: { authorization: `Bearer ${token}` },
    });
    expect(Buffer.from(text).equals(body)).to.equal(true);
  });

  it('reads an answer no faster than its client does', async () => {
    const total = 64 * MIB;
    let written = 0;
    answer = (_incoming, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (written < total) {
          written += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    };
    const asked = request(inbound.url, { headers: { authorization: `Bearer ${token}` }, agent: false }).end();
    const [slow] = (await once(asked, 'response')) as [IncomingMessage];
    for (let last = -1; last !== written; await pause(200)) last = written;
    expect(written).to.be.below(total / 2);
    let read = 0;
    slow.on('data', (chunk: Buffer) => (read += chunk.length));
    await once(slow, 'end');
    expect(read).to.equal(total);
  });
});
