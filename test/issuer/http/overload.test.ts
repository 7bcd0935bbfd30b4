/** More requests than the issuer can answer in time, and more connections than it accepts. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

import { expect } from 'chai';
import { SignJWT } from 'jose';
import { pino } from 'pino';

import { createApp, listen, type RunningServer } from '../../../src/issuer/http/index.ts';
import { closeServers, basic, send, type Answer } from '../../support/http.ts';
import { issuerFor, secretOf } from '../../support/issuer/issue.ts';
import { startProvider, subjectOf, type TestProvider } from '../../support/provider/scripted.ts';
import { KeyWaits } from '../../../src/issuer/index.ts';
import { JWT_BEARER, now, pair } from '../../support/issuer/keyed.ts';
import { shop } from '../../support/graphs/shop.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { planOf } from '../../support/compile.ts';
import { removeScratch } from '../../support/files.ts';
import { LOOPBACK, testCa } from '../../support/keys/certificates.ts';
import { users } from '../../support/graphs/users.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const OVERLOADED = 'overloaded: requests were answered 503';

function expectOverloaded({ status, headers, body }: Answer): void {
  expect([status, body['error']]).to.deep.equal([503, 'temporarily_unavailable']);
  expect([headers.get('retry-after'), headers.get('cache-control')]).to.deep.equal(['1', 'no-store']);
}

describe('An issuer with the maximum number of requests', () => {
  let provider: TestProvider;
  let issuer: TestIssuer;
  /** Answers of the provider that are held back. */
  let held: ServerResponse[] = [];

  beforeEach(async () => {
    provider = await startProvider();
    provider.intercept = (request, response) => request.url === '/jwks' && held.push(response) > 0;
    issuer = await startIssuer((url) => users({ url, subjects: { login: subjectOf(provider) } }), {
      app: { admission: { maxRequests: 2 } },
    });
  });
  afterEach(async () => {
    held = [];
    await stopIssuers();
    await closeServers();
  });

  const plain = async () =>
    issuer.token({ grant_type: 'client_credentials', scope: 'read' }, { as: 'batch' });
  const exchanged = async (token: string) =>
    issuer.token(
      { grant_type: EXCHANGE, subject_token: token, subject_token_type: ID_TOKEN, scope: 'read' },
      { as: 'web' },
    );

  /** Two requests that wait for the keys of the provider. */
  async function fill(): Promise<Promise<Answer>[]> {
    const now = Math.floor(Date.now() / 1000);
    const tokens = await Promise.all([1, 2].map(() => provider.idToken({ iat: now - 10, exp: now + 600 })));
    const waiting = tokens.map(exchanged);
    for (;;) {
      const probe = await plain();
      if (probe.status === 503) break;
    }
    return waiting;
  }

  function release(): void {
    provider.intercept = undefined;
    for (const response of held) response.end(JSON.stringify({ keys: provider.keys }));
  }

  it('answers further requests 503 with Retry-After, issues nothing for them, and goes on afterwards', async () => {
    const waiting = await fill();
    const before = issuer.logLines().filter(({ msg }) => msg === 'issued').length;
    for (const path of ['/token', '/introspect', '/revoke'])
      expectOverloaded(await issuer.token({ token: 'x' }, { as: 'web', path }));
    expect(issuer.logLines().filter(({ msg }) => msg === 'issued')).to.have.length(before);
    release();
    for (const { status, text } of await Promise.all(waiting)) expect(status, text).to.equal(200);
    expect((await plain()).status).to.equal(200);
  });

  it('still answers keys, metadata and probes', async () => {
    const waiting = await fill();
    for (const path of ['/jwks', '/healthz', '/readyz', '/.well-known/oauth-authorization-server'])
      expect((await send(`${issuer.origin}${path}`)).status, path).to.equal(200);
    release();
    await Promise.all(waiting);
  });

  it('answers before the body has arrived', async () => {
    const waiting = await fill();
    const { hostname, port } = new URL(issuer.origin);
    const socket = connect(Number(port), hostname);
    socket.write('POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n');
    socket.write('Content-Type: application/x-www-form-urlencoded\r\n\r\n');
    const [data] = (await once(socket, 'data')) as [Buffer];
    expect(data.toString()).to.match(/^HTTP\/1\.1 503 /);
    socket.destroy();
    release();
    await Promise.all(waiting);
  });

  it('logs one line, however many it refuses', async () => {
    const waiting = await fill();
    for (let i = 0; i < 20; i += 1) expectOverloaded(await plain());
    expect(issuer.logLines().filter(({ msg }) => msg === OVERLOADED)).to.have.length(1);
    expect(issuer.logLines().filter(({ msg }) => msg === 'refused')).to.have.length(0);
    release();
    await Promise.all(waiting);
  });

  it('does not count a request whose body never ends', async () => {
    const { hostname, port } = new URL(issuer.origin);
    const sockets = Array.from({ length: 4 }, () => connect(Number(port), hostname));
    for (const socket of sockets) {
      socket.write('POST /token HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n');
      socket.write('Content-Type: application/x-www-form-urlencoded\r\n\r\n');
      await once(socket, 'data'); // 100 Continue: its body is being read
    }
    expect((await plain()).status).to.equal(200);
    for (const socket of sockets) socket.destroy();
  });
});

describe('An issuer whose identity provider takes connections and never answers', () => {
  const MOST = 4;
  let [hung, login]: TestProvider[] = [];
  let issuer: TestIssuer;

  beforeEach(async () => {
    [hung, login] = [await startProvider(), await startProvider()];
    hung.intercept = () => true;
    const subjects = { hung: subjectOf(hung), login: subjectOf(login) };
    issuer = await startIssuer((url) => users({ url, subjects }), {
      app: { admission: { maxRequests: MOST } },
      issuer: { keyWaits: new KeyWaits(MOST / 2) },
    });
  });
  afterEach(async () => {
    await closeServers();
    await stopIssuers();
  });
  after(removeScratch);

  const plain = async () =>
    issuer.token({ grant_type: 'client_credentials', scope: 'read' }, { as: 'batch' });
  const exchanged = async (provider: TestProvider | undefined) => {
    const now = Math.floor(Date.now() / 1000);
    const token = (await provider?.idToken({ iat: now - 10, exp: now + 600 })) ?? '';
    return issuer.token(
      { grant_type: EXCHANGE, subject_token: token, subject_token_type: ID_TOKEN, scope: 'read' },
      { as: 'web' },
    );
  };

  it('answers all others, and 503 to those beyond its bound of waiting ones', async () => {
    expect((await exchanged(login)).status).to.equal(200);
    const answers: Answer[] = [];
    const waiting = Array.from({ length: 2 * MOST }, async () => answers.push(await exchanged(hung)));
    while (answers.length < 2 * MOST - MOST / 2) await pause(20);
    for (const answer of answers) expectOverloaded(answer);
    // As many as may wait do so: whoever needs no keys, or such as are at hand, is answered.
    for (let i = 0; i < 5; i += 1) {
      expect((await plain()).status).to.equal(200);
      expect((await exchanged(login)).status).to.equal(200);
      expectOverloaded(await exchanged(hung));
    }
    expect(answers).to.have.length(2 * MOST - MOST / 2);
    expect(hung?.requests, 'asked once for all').to.have.length(1);
    await closeServers();
    await Promise.all(waiting);
    for (const { status } of answers) expect(status).to.equal(503);
  });

  it('answers with keys that it fetched for a request which did not wait for them', async () => {
    const waiting = Array.from({ length: 2 }, async () => exchanged(hung));
    while (hung?.requests.length !== 1) await pause(20);
    let { status } = await exchanged(login);
    for (let i = 0; i < 100 && status === 503; i += 1) {
      await pause(20);
      ({ status } = await exchanged(login));
    }
    expect(status).to.equal(200);
    await closeServers();
    await Promise.all(waiting);
  });
});

describe('An issuer whose client publishes its keys at a server that never answers', () => {
  afterEach(async () => {
    await closeServers();
    await stopIssuers();
  });
  after(removeScratch);

  it('answers all others, though anybody can name that client', async () => {
    const MOST = 4;
    const [hung, stranger] = [await startProvider(), await pair('ES256', 'k1')];
    hung.intercept = () => true;
    const hanging = `private_key_jwt, jwks_uri: '${hung.url}/jwks'`;
    const graph = (url: string) =>
      users({ url, subjects: { login: subjectOf(hung) } }).replace(
        'client_secret_basic, secret_env: BATCH_SECRET',
        hanging,
      );
    const issuer = await startIssuer(graph, {
      app: { admission: { maxRequests: MOST } },
      issuer: { keyWaits: new KeyWaits(MOST / 2) },
    });
    const claims = { iss: 'batch', sub: 'batch', aud: issuer.url, iat: now(), exp: now() + 60 };
    const ask = async (jti: string) =>
      issuer.token({
        grant_type: 'client_credentials',
        client_assertion_type: JWT_BEARER,
        client_assertion: await new SignJWT({ ...claims, jti })
          .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
          .sign(stranger.privateKey),
      });
    const answers: Answer[] = [];
    const waiting = Array.from({ length: 2 * MOST }, async (_, n) => answers.push(await ask(`${n}`)));
    while (answers.length < 2 * MOST - MOST / 2) await pause(20);
    const { status } = await issuer.token({ grant_type: 'client_credentials', scope: 'read' }, { as: 'web' });
    expect(status).to.equal(200);
    expect(answers).to.have.length(2 * MOST - MOST / 2);
    await closeServers();
    await Promise.all(waiting);
    for (const answer of answers) expectOverloaded(answer);
  });
});

describe('An issuer with more requests than it can answer in time', () => {
  /** Each line of the log takes this long, so that a request has the same cost on any machine. */
  const LINE_MS = 100;
  const MAX_WAIT_MS = 500;
  const REQUESTS = 60;

  it('refuses requests that would wait too long, before it signs anything, and serves again at once', async () => {
    const plan = planOf(shop('https://tokens.example'));
    const issuer = await issuerFor(plan);
    let issued = 0;
    const write = (line: string): void => {
      if (!line.includes('"issued"')) return;
      issued += 1;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LINE_MS);
    };
    const app = createApp({
      issuer: () => issuer,
      log: pino({}, { write }),
      admission: { maxWait: MAX_WAIT_MS },
    });
    const server = await listen(app, { host: '127.0.0.1', port: 0 });
    const sockets = await opened(server, REQUESTS);
    for (const socket of sockets) {
      socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(socket, 'data'); // accepted by the server, which accepts one connection a turn
    }
    const answers = sockets.map(async (socket) => (await once(socket, 'data'))[0] as Buffer);
    const body = 'grant_type=client_credentials&scope=read';
    for (const socket of sockets)
      socket.write(
        `POST /token HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic('web', secretOf('web'))}\r\n` +
          `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    const statuses = (await Promise.all(answers)).map((data) => Number(data.toString().slice(9, 12)));
    const count = (status: number): number => statuses.filter((each) => each === status).length;
    expect(count(200) + count(503)).to.equal(REQUESTS);
    expect(count(503)).to.be.greaterThan(REQUESTS / 2);
    expect(count(200)).to.be.greaterThan(0);
    expect(issued).to.equal(count(200));

    const later = await send(`${server.url}/token`, {
      method: 'POST',
      headers: {
        authorization: basic('web', secretOf('web')),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body,
    });
    expect(later.status).to.equal(200);
    for (const socket of sockets) socket.destroy();
    await server.close();
  });
});

describe('A server with the maximum number of connections', () => {
  const MOST = 3;
  const ca = testCa('connections');

  for (const tls of [false, true])
    it(`closes further ones at once, reports how many, and accepts others later (${tls ? 'https' : 'http'})`, async () => {
      let refused = 0;
      const server = await listen((_request, response) => void response.end('here'), {
        host: '127.0.0.1',
        port: 0,
        maxConnections: MOST,
        onRefused: (connections) => (refused += connections),
        ...(tls ? { tls: ca.issue(LOOPBACK) } : {}),
      });
      const sockets = await opened(server, MOST, tls);
      expect(sockets).to.have.lengthOf(MOST);
      const { hostname, port } = new URL(server.url);
      const beyond = connect(Number(port), hostname);
      beyond.on('error', () => undefined); // a reset is a way to close, too
      await new Promise((resolve) => beyond.once('close', resolve));
      expect(refused).to.equal(1);

      for (const socket of sockets) {
        socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
        expect(String((await once(socket, 'data'))[0])).to.match(/^HTTP\/1\.1 200 /);
      }
      const first = sockets.shift() as Socket;
      first.end();
      await once(first, 'close');
      const [next] = (await opened(server, 1, tls)) as [Socket];
      next.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      expect(String((await once(next, 'data'))[0])).to.match(/^HTTP\/1\.1 200 /);
      for (const socket of [...sockets, next]) socket.destroy();
      await server.close();
    });
});

/** Connections that the server has accepted. */
async function opened({ url }: RunningServer, count: number, tls = false): Promise<Socket[]> {
  const { hostname, port } = new URL(url);
  const at = { host: hostname, port: Number(port) };
  const sockets = Array.from({ length: count }, () =>
    tls ? connectTls({ ...at, rejectUnauthorized: false }) : connect(at),
  );
  await Promise.all(sockets.map((socket) => once(socket, tls ? 'secureConnect' : 'connect')));
  return sockets;
}
