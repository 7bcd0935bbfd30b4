/** `waybill sidecar`, asked over gRPC by a real Envoy that says who its peer is in the question alone. */
import { expect } from 'chai';

import { envoyConfig } from '../../../src/architect/export/index.ts';
import { thumbprintOf } from '../../../src/identity/index.ts';
import { hasEnvoy, needsEnvoy, startEnvoy, stopEnvoys } from '../../support/envoy.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';
import { closeServers, freePort, listen } from '../../support/http.ts';
import { startScriptedIssuer } from '../../support/issuer/scripted.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { testCa, LOOPBACK, type CertificateNames, type Identity } from '../../support/keys/certificates.ts';
import { run, sidecar, stopServing, type Served } from '../../support/program.ts';
import { sendTls } from '../../support/tls.ts';

const graph = (url: string): string => `
waybill: 1
issuer: { url: '${url}' }
defaults: { audience: 'https://{name}.shop.example', identity: 'spiffe://shop.example/{name}', caller: mtls, headers: { profile: envoy } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [order] } }
services:
  shop: { scopes: { order: { calls: { stock: [reserve], ads: [show] } } } }
  stock: { scopes: { reserve: { operations: [POST /reserve] } } }
  ads: { identity: ads.shop.example, scopes: { show: { calls: { log: [write] } } } }
  log: { scopes: { write: {} } }
`;

const SHOP = 'spiffe://shop.example/shop';
const ADS = 'ads.shop.example';

interface Behind {
  readonly sidecar: Served;
  /** @returns the status of a request with this certificate, or with one of these names. */
  readonly call: (
    shown: CertificateNames | Identity,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<number>;
}

describe(`waybill sidecar and the source of Envoy’s question${needsEnvoy}`, function () {
  this.timeout(120_000);
  const ca = testCa();
  const own = ca.issue(LOOPBACK);
  let issuer: TestIssuer;
  /** For stock, which shop presents. */
  let child: string;
  /** For log, which ads presents. */
  let childOfAds: string;
  let application: number;

  before(async function () {
    if (!hasEnvoy) this.skip();
    issuer = await startIssuer(graph);
    application = Number(new URL(await listen((_request, response) => void response.end('stock'))).port);
    const { body } = await issuer.token({ grant_type: 'client_credentials', scope: 'order' }, { as: 'web' });
    child = tokenAt(body['access_token']!, 'stock').compact;
    childOfAds = tokenAt(body['access_token']!, 'ads', 'log').compact;
  });
  afterEach(async () => {
    await Promise.all([stopServing(), stopEnvoys()]);
  });
  after(async () => {
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });

  const config = (url: string, service: string, more: string): string =>
    scratchFile(
      'sidecar.yaml',
      `issuer: ${url}\naudience: https://${service}.shop.example\ncaller: mtls\nshutdown_delay: 0\n${more}\n`,
    );

  /** @param sendsCertificate as Envoy's `include_peer_certificate` has it. */
  async function start(
    more: string,
    { service = 'stock', token = child, url = issuer.url, sendsCertificate = false } = {},
  ): Promise<Behind> {
    const [grpc, inbound] = [await freePort(), await freePort()];
    const at = (port: number) => ({ host: '127.0.0.1', port });
    const running = await sidecar(
      [config(url, service, more), '--check', '127.0.0.1:0', '--grpc', `127.0.0.1:${grpc}`],
      'check',
    );
    const bootstrap = envoyConfig(issuer.plan, {
      ...{ only: [service], inbound: at(inbound), application: at(application) },
      sidecar: { ...at(grpc), over: 'grpc' },
      tls: {
        certificate: scratchFile('tls.crt', own.chain),
        key: scratchFile('tls.key', own.key),
        authorities: scratchFile('ca.crt', ca.cert),
      },
    }).services.get(service)!;
    const text = JSON.stringify(bootstrap);
    const sending = text.replace(
      '"encode_raw_headers":true',
      '"encode_raw_headers":true,"include_peer_certificate":true',
    );
    expect(sending).not.to.equal(text);
    await startEnvoy(sendsCertificate ? (JSON.parse(sending) as object) : bootstrap, [inbound]);
    return {
      sidecar: running,
      async call(shown, headers = {}) {
        const { status } = await sendTls(`https://127.0.0.1:${inbound}/reserve`, ca, {
          ...{ as: 'cert' in shown ? shown : ca.issue(shown), method: 'POST' },
          headers: { authorization: `Bearer ${token}`, ...headers },
        });
        return status;
      },
    };
  }

  const principal = (from = '127.0.0.1') => `client_cert: { source: principal, from: ['${from}'] }`;
  const certificate = 'client_cert: { source: certificate, from: [127.0.0.1] }';
  const WRONG: readonly CertificateNames[] = [
    { uris: ['spiffe://shop.example/stock'] },
    { uris: [`${SHOP}/`] },
    // Envoy writes this name as it would write two.
    { uris: [`${SHOP},spiffe://shop.example/other`] },
    { dns: ['shop.shop.example'] },
    { commonName: SHOP },
    {},
  ];

  it('does not count by default', async () => {
    const { call, sidecar: running } = await start('', { sendsCertificate: true });
    expect(await call({ uris: [SHOP] })).to.equal(401);
    expect(await running.logged('refused')).to.include({ code: 'token_presenter' });
  });

  it('counts as its principal: the caller that the token names, and nobody else', async () => {
    const { call, sidecar: running } = await start(principal());
    expect(await call({ uris: [SHOP] })).to.equal(200);
    for (const names of WRONG) {
      expect(await call(names), JSON.stringify(names)).to.equal(401);
      expect(await running.logged('refused')).to.include({ code: 'token_presenter' });
    }
  });

  it('counts as its principal where that is a DNS name', async () => {
    const { call } = await start(principal(), { service: 'log', token: childOfAds });
    expect(await call({ dns: [ADS] })).to.equal(200);
    expect(await call({ dns: ['shop.shop.example'] })).to.equal(401);
  });

  it('counts as its certificate, in which a second URI is seen', async () => {
    const { call, sidecar: running } = await start(certificate, { sendsCertificate: true });
    expect(await call({ uris: [SHOP] })).to.equal(200);
    const two = { uris: [SHOP, 'spiffe://shop.example/other'] };
    for (const names of [...WRONG, two]) {
      expect(await call(names), JSON.stringify(names)).to.equal(401);
      expect(await running.logged('refused')).to.include({ code: 'token_presenter' });
    }
  });

  it('RFC 8705 section 3: counts as its certificate for a token that is bound to it', async () => {
    const signing = await startScriptedIssuer();
    const [bound, other] = [ca.issue({ uris: [SHOP] }), ca.issue({ uris: [SHOP] })];
    const now = Math.floor(Date.now() / 1000);
    const token = await signing.token({
      ...{ aud: 'https://stock.shop.example', scope: 'reserve', iat: now, exp: now + 300 },
      ...{ act: { sub: SHOP }, cnf: { 'x5t#S256': thumbprintOf(bound.certificate) } },
    });
    const whole = await start(certificate, { token, url: signing.url, sendsCertificate: true });
    expect(await whole.call(bound)).to.equal(200);
    expect(await whole.call(other)).to.equal(401);
    expect(await whole.sidecar.logged('refused')).to.include({ code: 'token_presenter' });
    const named = await start(principal(), { token, url: signing.url, sendsCertificate: true });
    expect(await named.call(bound)).to.equal(401);
  });

  it('does not count as its certificate where Envoy sends the principal alone', async () => {
    const { call } = await start(certificate);
    expect(await call({ uris: [SHOP] })).to.equal(401);
  });

  it('counts in place of a header, whoever wrote that', async () => {
    const { call } = await start(principal());
    const hash = '0'.repeat(64);
    const forged = { 'x-forwarded-client-cert': `Hash=${hash};URI=${SHOP}` };
    expect(await call({ uris: ['spiffe://shop.example/stock'] }, forged)).to.equal(401);
  });

  it('does not count from another address', async () => {
    const { call } = await start(principal('127.0.0.2'));
    expect(await call({ uris: [SHOP] })).to.equal(401);
  });

  it('says what does not fit together', async () => {
    const grpc = 'grpc: 127.0.0.1:0\n';
    const wrong: readonly (readonly [string, RegExp])[] = [
      [principal(), /client_cert\.source needs grpc/],
      [`${grpc}client_cert: { from: [127.0.0.1] }`, /client_cert needs either header or source/],
      [
        `${grpc}client_cert: { header: client-cert, source: principal, from: [127.0.0.1] }`,
        /client_cert needs either header or source/,
      ],
      [`${grpc}${principal('localhost')}`, /client_cert\.from must be IP addresses or networks/],
      [
        `${grpc}client_cert: { source: subject, from: [127.0.0.1] }`,
        /client_cert\.source must be one of principal, certificate/,
      ],
    ];
    for (const [more, says] of wrong) {
      const { code, stderr } = await run(['sidecar', config(issuer.url, 'stock', more)]);
      expect(code, more).to.equal(2);
      expect(stderr).to.match(says);
    }
  });
});
