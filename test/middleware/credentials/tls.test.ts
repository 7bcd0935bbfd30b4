/** Calls of a service to a callee that checks the certificate of its caller: real TLS on either side. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';

import { expect } from 'chai';
import express from 'express';

import { extractor, type CertificateSource, type RequestContext } from '../../../src/middleware/index.ts';
import { failure } from '../../support/failure.ts';
import { removeScratch, scratchFolder } from '../../support/files.ts';
import { closeServers, listen } from '../../support/http.ts';
import { testCa, type Identity } from '../../support/keys/certificates.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { listenTls, stopTlsServers } from '../../support/tls.ts';

const graph = (url: string): string => `
waybill: 1
name: pair
issuer: { url: '${url}' }
defaults: { audience: 'https://{name}.pair.example', headers: { profile: go }, caller: mtls, identity: 'spiffe://pair.example/{name}' }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { front: [buy] } }
services:
  front: { caller: none, scopes: { buy: { calls: { orders: [place] } } } }
  orders: { scopes: { place: {} } }
`;

describe('the option tls', () => {
  const ca = testCa('pair.example');
  const front = (): Identity => ca.issue({ uris: ['spiffe://pair.example/front'] });
  const textsOf = ({ chain, key }: Identity) => ({ cert: chain, key, ca: ca.cert });
  let issuer: TestIssuer;
  let orders: string;
  let serials: Set<string>;

  before(async () => {
    issuer = await startIssuer(graph);
  });
  beforeEach(async () => {
    serials = new Set();
    const waybill = extractor({
      issuer: issuer.url,
      audience: 'https://orders.pair.example',
      caller: 'mtls',
    });
    const app = express().set('env', 'test');
    app.use(waybill.protect(), async (request, response) => {
      serials.add(waybill.certificateOf(request)?.serialNumber ?? '');
      if (request.path === '/away') return response.redirect(302, '/');
      if (request.path === '/empty') return response.sendStatus(204);
      const { claims } = request.waybill;
      return response.json({
        act: claims.act?.sub,
        length: request.headers['content-length'],
        body: await text(request),
      });
    });
    orders = await listenTls(app, ca);
  });
  afterEach(async () => {
    await stopTlsServers();
    await closeServers();
  });
  after(async () => {
    await stopIssuers();
    removeScratch();
  });

  async function context(tls: CertificateSource | undefined): Promise<RequestContext> {
    const { body } = await issuer.token({ grant_type: 'client_credentials', scope: 'buy' }, { as: 'web' });
    const waybill = extractor({
      issuer: issuer.url,
      audience: 'https://front.pair.example',
      caller: 'none',
      routes: { [orders]: 'orders' },
      tls,
    });
    return waybill.authenticate({ authorization: `Bearer ${body['access_token']}` });
  }

  const bodyOf = async (answer: Response) => (await answer.json()) as Record<string, unknown>;

  it('shows the certificate, with which a callee that checks its caller accepts the call', async () => {
    const answer = await (await context(textsOf(front()))).fetch(`${orders}/`);
    expect([answer.status, (await bodyOf(answer))['act']]).to.deep.equal([
      200,
      'spiffe://pair.example/front',
    ]);
  });

  it('sends bodies of every kind, and hands back redirects and empty answers', async () => {
    const { fetch } = await context(textsOf(front())).then((own) => ({ fetch: own.fetch.bind(own) }));
    const post = async (body: NonNullable<RequestInit['body']>, more: object = {}) =>
      bodyOf(await fetch(orders, { method: 'POST', body, ...more }));
    expect(await post('größer')).to.include({ body: 'größer', length: '8' });
    expect(await post(new URLSearchParams({ a: 'b c' }))).to.include({ body: 'a=b+c' });
    expect(await post(Buffer.from('bytes'))).to.include({ body: 'bytes', length: '5' });
    const stream = new Blob(['in ', 'pieces']).stream();
    expect(await post(stream, { duplex: 'half' })).to.include({ body: 'in pieces' });
    const away = await fetch(`${orders}/away`);
    expect([away.status, away.headers.get('location')]).to.deep.equal([302, '/']);
    expect((await fetch(`${orders}/empty`)).status).to.equal(204);
    await failure('usage', () => fetch(orders, { redirect: 'follow' }));
    const refused = await fetch(`${orders}/away`, { redirect: 'error' }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(TypeError);
    const signal = AbortSignal.abort();
    const aborted = await fetch(orders, { signal }).catch((error: unknown) => error);
    expect((aborted as Error).name).to.equal('AbortError');
  });

  it('without a certificate, or with that of another service, the callee refuses', async () => {
    const other = ca.issue({ uris: ['spiffe://pair.example/other'] });
    const answer = await (await context(textsOf(other))).fetch(orders);
    expect([answer.status, (await bodyOf(answer))['code']]).to.deep.equal([401, 'token_presenter']);
    const stranger = testCa('elsewhere').issue({ uris: ['spiffe://pair.example/front'] });
    expect((await (await context(textsOf(stranger))).fetch(orders)).status).to.equal(401);
  });

  it('a callee whose certificate the ca does not vouch for gets nothing, no token either', async () => {
    const answer = await (
      await context({ ...textsOf(front()), ca: testCa('elsewhere').cert })
    )
      .fetch(orders)
      .catch((error: unknown) => error);
    expect((answer as NodeJS.ErrnoException).code).to.match(/SELF_SIGNED|UNABLE_TO|CERT_SIGNATURE_FAILURE/);
    expect(serials.size).to.equal(0);
  });

  it('files are read again when they change: the next call shows the new certificate', async () => {
    const folder = scratchFolder();
    const [certFile, keyFile, caFile] = ['c', 'k', 'a'].map((name) => path.join(folder, `${name}.pem`)) as [
      string,
      string,
      string,
    ];
    const write = ({ chain, key }: Identity): void => {
      writeFileSync(certFile, chain);
      writeFileSync(keyFile, key);
      writeFileSync(caFile, ca.cert);
    };
    write(front());
    const own = await context({ certFile, keyFile, caFile });
    expect((await own.fetch(orders)).status).to.equal(200);
    expect((await own.fetch(orders)).status).to.equal(200);
    expect(serials.size).to.equal(1);
    write(front());
    expect((await own.fetch(orders)).status).to.equal(200);
    expect(serials.size).to.equal(2);
    write(ca.issue({ uris: ['spiffe://pair.example/other'] }));
    expect((await own.fetch(orders)).status).to.equal(401);
  });

  it('http addresses are asked without it', async () => {
    const url = await listen((_request, response) => response.end('plain'));
    const options = { issuer: issuer.url, audience: 'https://front.pair.example', caller: 'none' } as const;
    const waybill = extractor({ ...options, tls: textsOf(front()), routes: { [url]: 'orders' } });
    const { body } = await issuer.token({ grant_type: 'client_credentials', scope: 'buy' }, { as: 'web' });
    const own = await waybill.authenticate({ authorization: `Bearer ${body['access_token']}` });
    expect(await (await own.fetch(url)).text()).to.equal('plain');
  });

  it('is refused where something is missing or does not fit, by its name', async () => {
    const good = textsOf(front());
    for (const bad of [{}, { cert: good.cert }, { ...good, key: front().key }, { ...good, pfx: 'x' }]) {
      const error = await failure('usage', () => context(bad));
      expect(error.message)
        .to.match(/\btls\b/)
        .and.not.include('BEGIN');
    }
    const options = { issuer: issuer.url, audience: 'a', caller: 'none', tls: good, fetch } as const;
    await failure('usage', () => extractor(options));
  });
});
