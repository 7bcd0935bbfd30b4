/** Who presents a token, where a proxy ends TLS and passes the certificate on in a header: at real services. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';

import { expect } from 'chai';
import express from 'express';

import { forwardedCertificate } from '../../../src/identity/forwarded-certificate.ts';
import { thumbprintOf } from '../../../src/identity/index.ts';
import type { Extractor, ExtractorOptions } from '../../../src/middleware/index.ts';
import { LOOPBACK, selfSigned, testCa, type Identity, derOf } from '../../support/keys/certificates.ts';
import { listenTls, sendTls, stopTlsServers } from '../../support/tls.ts';
import { failure } from '../../support/failure.ts';
import { closeServers, listen } from '../../support/http.ts';
import { extractorFor } from '../services.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/issuer/scripted.ts';

const ca = testCa();
const idOf = (name: string): string => `spiffe://boutique.example/${name}`;
const svid = (name: string): Identity => ca.issue({ uris: [idOf(name)] });
const XFCC = 'x-forwarded-client-cert';
const HERE = { clientCertHeader: 'X-Forwarded-Client-Cert', clientCertFrom: ['127.0.0.1'] };
const xfcc = ({ cert }: Identity): string =>
  `By=${idOf('shop')};Hash=ab;Cert="${encodeURIComponent(cert)}";URI=x`;

describe('a certificate that a proxy passes on', () => {
  let issuer: ScriptedIssuer;
  let token: string;

  beforeEach(async () => {
    issuer = await startScriptedIssuer();
    token = await issuer.token({ act: { sub: idOf('frontend') } });
  });
  afterEach(async () => {
    await stopTlsServers();
    await closeServers();
  });

  const checking = (options: Partial<ExtractorOptions> = {}): Extractor =>
    extractorFor(issuer, { caller: 'mtls', ...HERE, ...options });

  /** A service that answers with the caller, and with what is left of the header in each of Node's views. */
  function app(waybill: Extractor): express.Express {
    return express()
      .set('env', 'test')
      .get('/', waybill.protect(), (request, response) => {
        response.json({
          act: request.waybill.claims.act ?? null,
          seen: [
            XFCC in request.headers,
            XFCC in request.headersDistinct,
            request.rawHeaders.some((text) => text.toLowerCase() === XFCC),
          ],
          others: request.headers['x-other'] ?? null,
        });
      });
  }

  interface Seen {
    readonly status: number;
    readonly body: Record<string, unknown>;
  }

  async function ask(service: string, headers: [string, string][]): Promise<Seen> {
    const all: [string, string][] = [['authorization', `Bearer ${token}`], ['x-other', 'kept'], ...headers];
    const response = await fetch(service, { headers: new Headers(all) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  function expectRefused({ status, body }: Seen, says: RegExp): void {
    expect(status, JSON.stringify(body)).to.equal(401);
    expect(body).to.include({ code: 'token_presenter' });
    expect(body['detail']).to.match(says);
  }

  it('RFC 9440 section 2: is that of the caller, in each way in which proxies write it', async () => {
    const frontend = svid('frontend');
    const forms: readonly (readonly [string, string])[] = [
      [XFCC, xfcc(frontend)],
      ['client-cert', `:${derOf(frontend.cert)}:`],
      ['x-client-cert', encodeURIComponent(frontend.cert)],
    ];
    for (const [clientCertHeader, value] of forms) {
      const service = await listen(app(checking({ clientCertHeader })));
      const { status, body } = await ask(service, [[clientCertHeader, value]]);
      expect(status, JSON.stringify(body)).to.equal(200);
      expect(body['act']).to.deep.equal({ sub: idOf('frontend') });
    }
  });

  it('RFC 9440 section 2.3: comes with a bounded number of others, and each is checked', () => {
    const { cert } = svid('frontend');
    const [own, other] = [`:${derOf(cert)}:`, `:${derOf(svid('ads').cert)}:`];
    const withChain = (count: number) =>
      forwardedCertificate(
        own,
        Array.from({ length: count }, () => other),
      );
    expect(withChain(9)?.intermediates).to.have.length(9);
    expect(withChain(10)).to.equal(undefined);
    expect(forwardedCertificate(own, [Array.from({ length: 3_000 }, () => ':AA:').join()])).to.equal(
      undefined,
    );
    const blocks = (count: number) => `Chain="${encodeURIComponent(cert).repeat(count)}"`;
    expect(forwardedCertificate(blocks(5))?.intermediates).to.have.length(4);
    expect(forwardedCertificate(blocks(11))).to.equal(undefined);
    expect(forwardedCertificate(`${'By=a;'.repeat(3_000)}URI=x`)).to.equal(undefined);
  });

  it('threat 1: is refused where it is another’s, or none', async () => {
    const service = await listen(app(checking()));
    expectRefused(await ask(service, [[XFCC, xfcc(svid('ads'))]]), /not that of the caller/);
    expectRefused(await ask(service, []), /this connection has none/);
    for (const value of ['', 'x', `By=a;Hash=ab;URI=${idOf('frontend')}`, `${xfcc(svid('frontend'))},By=b`]) {
      expectRefused(await ask(service, [[XFCC, value]]), /this connection has none/);
    }
  });

  it('RFC 9440 section 4, threat 15: is not believed from anyone else, and does not reach the handler', async () => {
    const value = xfcc(svid('frontend'));
    for (const clientCertFrom of [['10.0.0.1'], ['127.0.0.2', '::1'], ['10.0.0.0/8']]) {
      const strict = await listen(app(checking({ clientCertFrom })));
      expectRefused(await ask(strict, [[XFCC, value]]), /this connection has none/);
      const lenient = await listen(app(checking({ clientCertFrom, caller: 'none' })));
      const { body } = await ask(lenient, [
        [XFCC, value],
        [XFCC.toUpperCase(), 'again'],
      ]);
      expect(body['seen']).to.deep.equal([false, false, false]);
      expect(body['others']).to.equal('kept');
    }
    const trusted = await listen(app(checking()));
    expect((await ask(trusted, [[XFCC, value]])).body['seen']).to.deep.equal([true, true, true]);
  });

  it('is not looked for where no header is named', async () => {
    const service = await listen(app(extractorFor(issuer, { caller: 'mtls' })));
    expectRefused(await ask(service, [[XFCC, xfcc(svid('frontend'))]]), /this connection has none/);
  });

  it('that another authority signed, or that expired, is the proxy’s to refuse and ours to see', async () => {
    const service = await listen(app(checking()));
    const old = ca.issue({ uris: [idOf('frontend')], notAfter: '20200201000000Z' });
    expectRefused(await ask(service, [[XFCC, xfcc(old)]]), /expired/);
    const authority = ca.issue({ uris: [idOf('frontend')], isAuthority: true });
    expectRefused(await ask(service, [[XFCC, xfcc(authority)]]), /not that of a caller/);
  });

  it('RFC 8705 section 3: is that to which a root token is bound', async () => {
    const phone = selfSigned({ commonName: 'phone' });
    token = await issuer.token({ cnf: { 'x5t#S256': thumbprintOf(phone.certificate) } });
    const service = await listen(app(checking()));
    expect((await ask(service, [[XFCC, xfcc(phone)]])).status).to.equal(200);
    expectRefused(await ask(service, [[XFCC, xfcc(svid('frontend'))]]), /bound to another key/);
  });

  it('of the proxy itself does not count in its place: from there, the header alone does', async () => {
    const service = await listenTls(app(checking()), ca);
    const authorization = `Bearer ${token}`;
    const asProxy = (headers: Record<string, string>) =>
      sendTls(service, ca, { as: svid('frontend'), headers: { authorization, ...headers } });
    expect((await asProxy({})).status).to.equal(401);
    expect((await asProxy({ [XFCC]: xfcc(svid('ads')) })).status).to.equal(401);
    expect((await asProxy({ [XFCC]: xfcc(svid('frontend')) })).status).to.equal(200);
  });

  it('of a connection counts as ever, beside a proxy that is elsewhere', async () => {
    const service = await listenTls(app(checking({ clientCertFrom: ['10.0.0.1'] })), ca);
    const headers = { authorization: `Bearer ${token}`, [XFCC]: xfcc(svid('frontend')) };
    expect((await sendTls(service, ca, { as: svid('frontend'), headers })).status).to.equal(200);
    expect((await sendTls(service, ca, { as: svid('ads'), headers })).status).to.equal(401);
  });

  it('comes through a proxy that verifies it and replaces what clients send', async () => {
    const service = await listen(app(checking()));
    const { cert, key } = ca.issue(LOOPBACK);
    const proxy = createTlsServer({ cert, key, ca: [ca.cert], requestCert: true }, (incoming, outgoing) => {
      const peer = (incoming.socket as TLSSocket).getPeerX509Certificate();
      const headers = { ...incoming.headers, [XFCC]: `Cert="${encodeURIComponent(peer?.toString() ?? '')}"` };
      void fetch(service, {
        headers: { authorization: headers.authorization ?? '', [XFCC]: headers[XFCC] },
      }).then(async (response) => outgoing.writeHead(response.status).end(await response.text()));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const forged = { authorization: `Bearer ${token}`, [XFCC]: xfcc(svid('frontend')) };
    try {
      const statuses = [];
      for (const as of [svid('frontend'), svid('ads')]) {
        statuses.push((await sendTls(address, ca, { as, headers: forged })).status);
      }
      expect(statuses).to.deep.equal([200, 401]);
    } finally {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });

  it('is to be had for a framework that is not Express', async () => {
    const waybill = checking();
    const server = createServer((request, response) => {
      const certificate = waybill.certificateOf(request);
      waybill.authenticate({ authorization: request.headers.authorization, certificate }).then(
        ({ claims }) => response.end(JSON.stringify({ act: claims.act })),
        () => response.writeHead(401).end('{}'),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect((await ask(address, [[XFCC, xfcc(svid('frontend'))]])).status).to.equal(200);
    expect((await ask(address, [[XFCC, xfcc(svid('ads'))]])).status).to.equal(401);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('of a connection that was not verified is ignored for such a framework', async () => {
    const waybill = extractorFor(issuer, { caller: 'mtls' });
    const service = await listenTls((request, response) => {
      response.end(waybill.certificateOf(request) === undefined ? 'none' : 'one');
    }, ca);
    const strangers = testCa('another').issue({ uris: [idOf('frontend')] });
    expect((await sendTls(service, ca, { as: strangers })).text).to.equal('none');
    expect((await sendTls(service, ca, { as: svid('frontend') })).text).to.equal('one');
    expect((await sendTls(service, ca)).text).to.equal('none');
  });

  it('needs both options, of their right shape', async () => {
    for (const options of [
      { clientCertFrom: undefined },
      { clientCertHeader: undefined },
      { clientCertFrom: [] },
      { clientCertFrom: '127.0.0.1' },
      { clientCertFrom: ['localhost'] },
      { clientCertFrom: ['10.0.0.0/33'] },
      { clientCertHeader: 'client cert' },
      { clientCertHeader: '' },
    ]) {
      const error = await failure('usage', () => checking(options as unknown as Partial<ExtractorOptions>));
      expect(error.message).to.match(/clientCert/);
    }
  });
});
