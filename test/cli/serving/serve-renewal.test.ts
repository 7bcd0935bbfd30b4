/** `waybill serve` whose certificates, bundles and key sets change while it runs, as short-lived ones do. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connect } from 'node:tls';

import { expect } from 'chai';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

import { freePort } from '../../support/http.ts';
import { serve, stopServing, type Served } from '../../support/program.ts';
import { removeScratch, scratchFolder } from '../../support/files.ts';
import { LOOPBACK, testCa, type Identity, type TestCa } from '../../support/keys/certificates.ts';
import { bundleOf, tokenForm } from '../../support/issuer/tls.ts';
import { sendTls } from '../../support/tls.ts';

const KEPT = 'the new TLS files cannot be used; the running ones stay in place';
const KEPT_KEYS = 'a key set cannot be used; the keys from before stay in place';
const ID = 'spiffe://shop.example/till';

describe('waybill serve with files that change', () => {
  const ca = testCa('of servers');
  const shop = testCa('shop.example');
  let folder: string;

  beforeEach(() => {
    folder = scratchFolder();
  });
  afterEach(stopServing);
  after(removeScratch);

  const at = (name: string): string => path.join(folder, name);
  /** A file beside it takes its name, as agents do. */
  const replace = (name: string, text: string): void => {
    writeFileSync(at(`${name}.new`), text);
    renameSync(at(`${name}.new`), at(name));
  };
  const replacePair = ({ cert, key }: Identity): void => {
    replace('key.pem', key);
    replace('cert.pem', cert);
  };

  async function start(...more: string[]): Promise<Served> {
    const port = await freePort();
    writeFileSync(
      at('graph.yaml'),
      `waybill: 1
name: shop
issuer: { url: 'https://127.0.0.1:${port}' }
defaults: { headers: { profile: go } }
clients:
  till: { auth: { method: spiffe_x509, spiffe_id: '${ID}', bundle_file: '${at('bundle.json')}' }, calls: { orders: [place] } }
  kiosk: { auth: { method: spiffe_jwt, spiffe_id: 'spiffe://shop.example/kiosk', bundle_file: '${at('bundle.json')}' }, calls: { orders: [place] } }
  desk: { auth: { method: tls_client_auth, san_dns: desk.example }, calls: { orders: [place] } }
services: { orders: { scopes: { place: } } }
`,
    );
    const args = [at('graph.yaml'), '--port', String(port), '--keys', at('keys.json'), ...more];
    return serve([
      ...args,
      '--tls-cert',
      at('cert.pem'),
      '--tls-key',
      at('key.pem'),
      '--tls-client-ca',
      at('ca.pem'),
    ]);
  }

  /** With certificates of `shop`, and a JWT-SVID key of this id. */
  async function files(kid = 'k1'): Promise<(aud: string) => Promise<string>> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const { keys } = bundleOf(shop) as { keys: object[] };
    const key = { ...(await exportJWK(publicKey)), kid, use: 'jwt-svid' };
    replace('bundle.json', JSON.stringify({ keys: [...keys, key] }));
    return async (aud) =>
      new SignJWT({ sub: 'spiffe://shop.example/kiosk', aud })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setExpirationTime('5m')
        .sign(privateKey);
  }

  const ask = async ({ url }: Served, parameters: Record<string, string>, as?: Identity): Promise<number> => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = tokenForm(parameters);
    return (await sendTls(`${url}/token`, ca, { as, method: 'POST', headers, body })).status;
  };
  const asTill = async (served: Served, authority: TestCa): Promise<number> =>
    ask(served, { client_id: ID }, authority.issue({ uris: [ID] }));
  const asDesk = async (served: Served, authority: TestCa): Promise<number> =>
    ask(served, { client_id: 'desk' }, authority.issue({ dns: ['desk.example'] }));

  /** The serial number of the certificate that a new connection meets. */
  const serial = async ({ url }: Served): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca: [ca.cert] }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.end();
      });
      socket.on('error', reject);
    });

  it('uses a new certificate and new authorities, and logs its validity', async () => {
    await files();
    replacePair(ca.issue(LOOPBACK));
    replace('ca.pem', ca.cert);
    const served = await start();
    expect(await asDesk(served, ca)).to.equal(200);
    const fresh = ca.issue({ ...LOOPBACK, notAfter: '20990101000000Z' });
    replacePair(fresh);
    expect(await served.logged('TLS certificate renewed')).to.include({ to: 'Jan  1 00:00:00 2099 GMT' });
    expect(await serial(served)).to.equal(fresh.certificate.serialNumber);
    replace('ca.pem', shop.cert);
    await served.logged('TLS certificate renewed');
    expect([await asDesk(served, ca), await asDesk(served, shop)]).to.deep.equal([401, 200]);
  });

  it('keeps the running files if a new one is broken, missing, mismatched or expired, until it is corrected', async () => {
    await files();
    const first = ca.issue(LOOPBACK);
    replacePair(first);
    replace('ca.pem', ca.cert);
    const served = await start();
    const breaks: readonly (readonly [() => void, RegExp])[] = [
      [() => replace('cert.pem', 'half a certif'), /cannot be read as PEM/],
      [() => replace('cert.pem', ca.issue(LOOPBACK).cert), /do not match/],
      [() => rmSync(at('cert.pem')), /cannot be read as PEM/],
      [() => replacePair(ca.issue({ ...LOOPBACK, notAfter: '20200201000000Z' })), /not valid now/],
    ];
    for (const [damage, says] of breaks) {
      damage();
      expect((await served.logged(KEPT))['reason']).to.match(says);
      expect(await serial(served)).to.equal(first.certificate.serialNumber);
    }
    const fresh = ca.issue(LOOPBACK);
    replacePair(fresh);
    await served.logged('TLS certificate renewed');
    expect(await serial(served)).to.equal(fresh.certificate.serialNumber);
    expect(served.stderr()).to.not.include('PRIVATE KEY');
  });

  it('keeps authorities and bundles when their file is emptied, or truncated while it is written', async () => {
    const svid = await files();
    replacePair(ca.issue(LOOPBACK));
    replace('ca.pem', ca.cert);
    const served = await start();
    const answers = async (): Promise<number[]> => [
      await asDesk(served, ca),
      await asTill(served, shop),
      await ask(served, {
        client_id: 'spiffe://shop.example/kiosk',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
        client_assertion: await svid(served.url),
      }),
    ];
    expect(await answers()).to.deep.equal([200, 200, 200]);
    for (const [text, says] of [
      [ca.cert.slice(0, 100), /--tls-client-ca .* contains no certificate, or one that cannot be read/],
      [`${shop.cert}${ca.cert.slice(0, 100)}`, /--tls-client-ca .* contains no certificate, or one that/],
      ['', /--tls-client-ca .* cannot be read as PEM/],
    ] as const) {
      replace('ca.pem', text);
      expect((await served.logged(KEPT))['reason']).to.match(says);
    }
    for (const text of ['{"keys":[]}', '{}', '', '{"keys":[{"kty"']) {
      replace('bundle.json', text);
      await served.logged(KEPT_KEYS);
    }
    expect(await answers()).to.deep.equal([200, 200, 200]);
  }).timeout(60_000);

  it('uses a new bundle: accepts certificates and JWT-SVIDs of the new keys only', async () => {
    const old = await files('k1');
    replacePair(ca.issue(LOOPBACK));
    replace('ca.pem', ca.cert);
    const served = await start();
    const asKiosk = async (make: typeof old): Promise<number> =>
      ask(served, {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
        client_assertion: await make(served.url),
      });
    expect([await asTill(served, shop), await asKiosk(old)]).to.deep.equal([200, 200]);
    const fresh = await files('k2');
    expect(await served.logged('reloading')).to.include({ cause: at('bundle.json') });
    await served.logged('reloaded');
    expect([await asKiosk(fresh), await asKiosk(old)]).to.deep.equal([200, 401]);
    const next = testCa('shop.example');
    replace('bundle.json', JSON.stringify({ keys: [...(bundleOf(next) as { keys: object[] }).keys] }));
    const failed = await served.logged(KEPT_KEYS);
    expect(failed['reason']).to.include('kiosk').and.include('jwt-svid');
    await served.logged('reloaded');
    expect([await asTill(served, next), await asTill(served, shop)]).to.deep.equal([200, 401]);
    replace('bundle.json', '{ "keys": [');
    const broken = await served.logged(KEPT_KEYS);
    expect(broken['reason']).to.match(/bundle\.json cannot be read as JSON/);
    expect([await asTill(served, next), await asKiosk(fresh)]).to.deep.equal([200, 200]);
  });

  it('follows links that an orchestrator points to another folder', async () => {
    await files();
    const [one, two] = [ca.issue(LOOPBACK), ca.issue(LOOPBACK)];
    for (const [name, { cert, key }] of [
      ['one', one],
      ['two', two],
    ] as const) {
      mkdirSync(at(name));
      writeFileSync(path.join(at(name), 'cert.pem'), cert);
      writeFileSync(path.join(at(name), 'key.pem'), key);
    }
    replace('ca.pem', ca.cert);
    symlinkSync('one', at('..data'));
    for (const name of ['cert.pem', 'key.pem']) symlinkSync(path.join('..data', name), at(name));
    const served = await start();
    expect(await serial(served)).to.equal(one.certificate.serialNumber);
    symlinkSync('two', at('..next'));
    renameSync(at('..next'), at('..data'));
    await served.logged('TLS certificate renewed');
    expect(await serial(served)).to.equal(two.certificate.serialNumber);
  });

  it('with --no-watch, loads them on SIGHUP, even if the graph has errors', async () => {
    await files();
    replacePair(ca.issue(LOOPBACK));
    replace('ca.pem', ca.cert);
    const served = await start('--no-watch');
    const fresh = ca.issue(LOOPBACK);
    replacePair(fresh);
    replace('graph.yaml', 'waybill: 1\n');
    served.child.kill('SIGHUP');
    await served.logged('TLS certificate renewed');
    expect(await serial(served)).to.equal(fresh.certificate.serialNumber);
    await served.logged('the graph has errors; the running one stays in place');
    expect(await asTill(served, shop)).to.equal(200);
  });

  it('warns of an invalid certificate, and of clients whose certificates it cannot see', async () => {
    await files();
    replacePair(ca.issue({ ...LOOPBACK, notAfter: '20200201000000Z' }));
    replace('ca.pem', ca.cert);
    const served = await start();
    expect(await served.logged('the TLS certificate is not valid now')).to.include({
      to: 'Feb  1 00:00:00 2020 GMT',
    });
    await served.stop();
    const plain = await serve([at('graph.yaml'), '--port', '0', '--keys', at('keys.json')]);
    const line = await plain.logged(
      'these cannot authenticate: the server sees no certificate of theirs without --tls-cert and --tls-client-ca, or --client-cert-header',
    );
    expect(line['parties']).to.deep.equal({ till: 'spiffe_x509', desk: 'tls_client_auth' });
    const metadata = await fetch(`${plain.url}/.well-known/oauth-authorization-server`);
    const { token_endpoint_auth_methods_supported: methods } = (await metadata.json()) as Record<
      string,
      unknown
    >;
    expect(methods).to.deep.equal(['spiffe_jwt']);
  });
});
