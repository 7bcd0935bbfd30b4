/** `waybill serve` as a process: TLS of its own, clients with certificates and with keys. */
import path from 'node:path';

import { expect } from 'chai';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

import { freePort } from '../../support/http.ts';
import { run, serve, stopServing } from '../../support/program.ts';
import { removeScratch, scratchFile, scratchFolder, utf16 } from '../../support/files.ts';
import { LOOPBACK, testCa, type Identity } from '../../support/keys/certificates.ts';
import { sendTls, type TlsAnswer } from '../../support/tls.ts';

describe('waybill serve with TLS', () => {
  const ca = testCa();
  let folder: string;

  beforeEach(() => {
    folder = scratchFolder();
  });
  afterEach(stopServing);
  after(removeScratch);

  const write = (name: string, text: string): string => scratchFile(name, text, folder);

  function ask(url: string, parameters: Record<string, string>, as?: Identity): Promise<TlsAnswer> {
    return sendTls(`${url}/token`, ca, {
      as,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'place',
        ...parameters,
      }).toString(),
    });
  }

  it('issues to a certificate of --tls-client-ca, and to a key of jwks_file', async () => {
    const port = await freePort();
    const url = `https://127.0.0.1:${port}`;
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const keys = [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }];
    const jwks = write('web.jwks', `\ufeff${JSON.stringify({ keys })}`);
    const graph = write(
      'graph.yaml',
      `waybill: 1
name: shop
issuer: { url: '${url}' }
defaults: { headers: { profile: go } }
clients:
  till: { auth: { method: tls_client_auth, san_dns: till.example }, calls: { orders: [place] } }
  web: { auth: { method: private_key_jwt, jwks_file: '${jwks}' }, calls: { orders: [place] } }
services: { orders: { scopes: { place: } } }
`,
    );
    const own = ca.issue(LOOPBACK);
    const served = await serve([
      ...[graph, '--port', String(port), '--keys', path.join(folder, 'keys.json'), '--no-watch'],
      ...['--tls-cert', write('cert.pem', own.cert), '--tls-key', write('key.pem', own.key)],
      ...['--tls-client-ca', write('ca.pem', ca.cert)],
    ]);
    expect(served.url).to.equal(url);
    const till = await ask(url, { client_id: 'till' }, ca.issue({ dns: ['till.example'] }));
    expect(till.status, till.text).to.equal(200);
    expect((await ask(url, { client_id: 'till' }, ca.issue({ dns: ['x.example'] }))).status).to.equal(401);
    const client_assertion = await new SignJWT({ iss: 'web', sub: 'web', aud: url, jti: '1' })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey);
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const web = { client_assertion, client_assertion_type };
    expect((await ask(url, web)).status).to.equal(200);
    served.child.kill('SIGHUP');
    await served.logged('reloaded');
    const metadata = await sendTls(`${url}/.well-known/oauth-authorization-server`, ca);
    expect(metadata.json['token_endpoint']).to.equal(`${url}/token`);
    expect((await ask(url, web)).status, 'used once, over a reload too').to.equal(401);
  });

  it('warns if failures of all clients would count for their proxy', async () => {
    const graph = write(
      'graph.yaml',
      `waybill: 1
issuer: { url: 'http://127.0.0.1:1' }
defaults: { headers: { profile: go } }
clients: { till: { auth: { method: tls_client_auth, san_dns: till.example }, calls: { orders: [place] } } }
services: { orders: { scopes: { place: } } }
`,
    );
    const proxy = ['--client-cert-header', 'client-cert', '--client-cert-from', '127.0.0.1'];
    for (const [more, warns] of [
      [[], true],
      [['--forwarded-from', '127.0.0.1'], false],
    ] as const) {
      const keys = path.join(scratchFolder(), 'keys.json');
      const served = await serve([graph, '--keys', keys, '--port', '0', ...proxy, ...more]);
      expect(served.stderr().includes('name the proxy in --forwarded-from too')).to.equal(warns);
    }
  });

  it('names a key set or a secret in UTF-16, says what to do, and does not start', async () => {
    const graph = (auth: string) =>
      write(
        'graph.yaml',
        `waybill: 1
name: shop
issuer: { url: 'http://127.0.0.1:1' }
defaults: { headers: { profile: go } }
clients:
  web: { auth: ${auth}, calls: { orders: [place] } }
services: { orders: { scopes: { place: } } }
`,
      );
    const [bytes] = utf16('{"keys":[]}') as [Buffer];
    const file = scratchFile('web.utf16', bytes, folder);
    for (const [auth, says] of [
      [`{ method: private_key_jwt, jwks_file: '${file}' }`, 'cannot be read as JSON: it is UTF-16'],
      [
        `{ method: self_signed_tls_client_auth, jwks_file: '${file}' }`,
        'cannot be read as JSON: it is UTF-16',
      ],
      [`{ method: client_secret_basic, secret_file: '${file}' }`, 'cannot be read: it is UTF-16'],
    ] as const) {
      const args = ['--keys', path.join(folder, 'keys.json'), '--no-watch', '--port', '0'];
      const { code, stderr } = await run(['serve', graph(auth), ...args]);
      expect(code, stderr).to.equal(2);
      expect(stderr).to.contain(says).and.to.contain('web').and.to.contain('save it as UTF-8');
    }
  });

  it('reports what is missing, and does not start', async () => {
    const graph = write(
      'graph.yaml',
      `waybill: 1
name: shop
issuer: { url: 'http://127.0.0.1:1' }
defaults: { headers: { profile: go } }
clients:
  web: { auth: { method: private_key_jwt, jwks_file: none.jwks }, calls: { orders: [place] } }
services: { orders: { scopes: { place: } } }
`,
    );
    const keys = ['--keys', path.join(folder, 'keys.json'), '--no-watch', '--port', '0'];
    const cases: readonly (readonly [string[], RegExp])[] = [
      [[], /web \(file none\.jwks\)/],
      [['--tls-cert', 'a'], /both --tls-cert and --tls-key/],
      [['--tls-cert', 'a', '--tls-key', 'b'], /--tls-cert a cannot be read/],
      [['--client-cert-header', 'a'], /must be used together/],
      [['--client-cert-header', 'a', '--client-cert-from', 'localhost'], /IP addresses/],
      [['--forwarded-from', 'localhost'], /--forwarded-from must be IP addresses or networks/],
    ];
    for (const [args, says] of cases) {
      const { code, stderr } = await run(['serve', graph, ...keys, ...args]);
      expect(code, stderr).to.equal(2);
      expect(stderr).to.match(says);
    }
  });
});
