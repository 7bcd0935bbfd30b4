/** Services that authenticate with a certificate, or with a JWT-SVID: mutual TLS between extractor and issuer. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

import { certificateFetch } from '../../../src/middleware/credentials/certificate-fetch.ts';
import { certificateFiles } from '../../../src/middleware/credentials/certificate-files.ts';
import {
  extractor,
  gateway,
  type CredentialsOptions,
  type ExtractorOptions,
  type RequestContext,
} from '../../../src/middleware/index.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { removeScratch, scratchFolder } from '../../support/files.ts';
import { selfSigned, testCa, type Identity, derOf } from '../../support/keys/certificates.ts';
import { bundleOf, startTlsIssuer, type TlsIssuer } from '../../support/issuer/tls.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { failure } from '../../support/failure.ts';

const audienceOf = (name: string): string => `https://${name}.shop.example`;

const graph = (url: string): string => {
  const calls = 'scopes: { place: { calls: { payment: { scopes: [charge], mode: exchange } } } }';
  return `
waybill: 1
name: shop
issuer: { url: '${url}' }
defaults: { audience: 'https://{name}.shop.example', identity: 'spiffe://shop.example/{name}', headers: { profile: go } }
clients:
  web:
    auth: { method: client_secret_post, secret_env: WEB }
    token: opaque
    calls: { named: [place], self: [place], mesh: [place], agent: [place] }
  app:
    auth: { method: client_secret_post, secret_env: APP }
    calls: { named: [place], self: [place], mesh: [place], agent: [place] }
services:
  named: { auth: { method: tls_client_auth, san_dns: named.shop.example }, ${calls} }
  self: { auth: { method: self_signed_tls_client_auth, jwks_file: self.jwks }, ${calls} }
  mesh: { auth: { method: spiffe_x509, bundle_file: shop.json }, introspect: [mesh], ${calls} }
  agent: { auth: { method: spiffe_jwt, bundle_file: shop.json }, ${calls} }
  payment: { scopes: { charge: {} } }
`;
};

describe('the credentials of a service', () => {
  const ca = testCa('of the issuer, and of named clients');
  const shop = testCa('shop.example');
  const lower = shop.authority({ commonName: 'lower' });
  const own = selfSigned({ commonName: 'self' });
  let issuer: TlsIssuer;
  let agentSvid: (aud: string) => Promise<string>;

  before(async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const { keys } = bundleOf(shop) as { keys: object[] };
    const bundle = { keys: [...keys, { ...(await exportJWK(publicKey)), kid: 'k', use: 'jwt-svid' }] };
    agentSvid = async (aud) =>
      new SignJWT({ sub: 'spiffe://shop.example/agent', aud })
        .setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .setExpirationTime('5m')
        .sign(privateKey);
    issuer = await startTlsIssuer(graph, {
      ca,
      keySets: new Map<string, unknown>([
        ['self', { keys: [{ kty: 'EC', x5c: [derOf(own.cert)] }] }],
        ['mesh', bundle],
        ['agent', bundle],
      ]),
    });
  });
  after(async () => {
    await stopIssuers();
    removeScratch();
  });

  const svid = (): Identity => lower.issue({ uris: ['spiffe://shop.example/mesh'] });
  const textsOf = ({ chain, key }: Identity) => ({ cert: chain, key, ca: ca.cert });

  async function tokenOf(client: 'app' | 'web', service: string): Promise<string> {
    const client_secret = secretOf(client);
    const answer = await issuer.ask({ client_id: client, client_secret, resource: audienceOf(service) });
    return answer.json['access_token'] as string;
  }

  function make(service: string, credentials: CredentialsOptions, more: Partial<ExtractorOptions> = {}) {
    return extractor({
      issuer: issuer.url,
      audience: audienceOf(service),
      caller: 'none',
      credentials,
      ...more,
    });
  }

  async function contextOf(
    service: string,
    credentials: CredentialsOptions,
    more: Partial<ExtractorOptions> = {},
  ): Promise<RequestContext> {
    const authorization = `Bearer ${await tokenOf('app', service)}`;
    return make(service, credentials, more).authenticate({ authorization });
  }

  it('RFC 8705 section 2.1, section 2.2 and X.509-SVID: a certificate fetches a callee’s token', async () => {
    const cases: readonly CredentialsOptions[] = [
      { clientId: 'named', method: 'tls_client_auth', ...textsOf(ca.issue({ dns: ['named.shop.example'] })) },
      { clientId: 'self', method: 'self_signed_tls_client_auth', ...textsOf(own) },
      { clientId: 'mesh', method: 'spiffe_x509', ...textsOf(svid()) },
      { clientId: 'spiffe://shop.example/mesh', method: 'spiffe_x509', ...textsOf(svid()) },
    ];
    for (const credentials of cases) {
      const service = credentials.clientId.replace('spiffe://shop.example/', '');
      const context = await contextOf(service, credentials);
      expect((await context.obtainHeaders('payment')).authorization, service).to.match(/^Bearer ey/);
    }
  });

  it('without ca, the issuer’s own certificate has to be one that Node believes', async () => {
    const { ca: _, ...texts } = textsOf(svid());
    const error = await failure('issuer_unavailable', async () =>
      contextOf('mesh', { clientId: 'mesh', method: 'spiffe_x509', ...texts }),
    );
    expect((error.cause as NodeJS.ErrnoException).code).to.match(/SELF_SIGNED|UNABLE_TO/);
  });

  it('a certificate of another service is refused, with the issuer’s reason', async () => {
    const other = lower.issue({ uris: ['spiffe://shop.example/agent'] });
    const context = await contextOf('mesh', { clientId: 'mesh', method: 'spiffe_x509', ...textsOf(other) });
    const error = await failure('exchange_refused', async () => context.obtainHeaders('payment'));
    expect(error.message).to.include('invalid_client');
  });

  it('a certificate asks about revocation, and swaps at the edge', async () => {
    const credentials = { clientId: 'mesh', method: 'spiffe_x509', ...textsOf(svid()) } as const;
    const context = await contextOf('mesh', credentials, { revocation: 'introspect' });
    expect(context.scopes).to.deep.equal(['place']);
    const edge = gateway({ issuer: issuer.url, credentials });
    const headers: [string, string][] = [['Authorization', `Bearer ${await tokenOf('web', 'mesh')}`]];
    const { token } = await edge.swap({ audience: audienceOf('mesh'), headers });
    expect(token).to.match(/^ey/);
  });

  it('draft-ietf-oauth-spiffe-client-auth section 3.1: a JWT-SVID fetches a callee’s token, from a function or a file', async () => {
    // The issuer's certificate is not one that Node's own fetch believes: the requests go over node:https here.
    const anybody = textsOf(selfSigned({}));
    const fetch = certificateFetch(async () => anybody);
    const asked: string[] = [];
    const byFunction = await contextOf(
      'agent',
      {
        clientId: 'agent',
        method: 'spiffe_jwt',
        svid: async (audience) => {
          asked.push(audience);
          return agentSvid(audience);
        },
      },
      { fetch },
    );
    expect((await byFunction.obtainHeaders('payment')).authorization).to.match(/^Bearer ey/);
    expect(asked).to.deep.equal([issuer.url]);
    const svidFile = path.join(scratchFolder(), 'svid.jwt');
    writeFileSync(svidFile, 'not yet');
    const credentials = { clientId: 'agent', method: 'spiffe_jwt', svidFile } as const;
    const byFile = await contextOf('agent', credentials, { fetch });
    const error = await failure('issuer_unavailable', async () => byFile.obtainHeaders('payment'));
    expect(error.detail).to.include(svidFile).and.include('no JWT-SVID');
    writeFileSync(svidFile, `${await agentSvid(issuer.url)}\n`);
    expect((await byFile.obtainHeaders('payment')).authorization).to.match(/^Bearer ey/);
  });

  describe('in files', () => {
    let now: number;

    interface Files {
      readonly certFile: string;
      readonly keyFile: string;
      readonly caFile: string;
      write(identity: Identity, authority?: string): void;
    }

    function files(): Files {
      const folder = scratchFolder();
      const [certFile, keyFile, caFile] = ['cert', 'key', 'ca'].map((name) =>
        path.join(folder, `${name}.pem`),
      ) as [string, string, string];
      return {
        certFile,
        keyFile,
        caFile,
        write({ chain, key }, authority = ca.cert) {
          writeFileSync(certFile, chain);
          writeFileSync(keyFile, key);
          writeFileSync(caFile, authority);
        },
      };
    }

    const credentialsOf = ({ certFile, keyFile, caFile }: Files): CredentialsOptions => ({
      clientId: 'mesh',
      method: 'spiffe_x509',
      certFile,
      keyFile,
      caFile,
    });

    beforeEach(() => {
      now = Math.floor(Date.now() / 1000);
    });

    /** A request of its own, whose callee's token nobody has fetched. */
    async function obtain(waybill: ReturnType<typeof make>): Promise<string> {
      const authorization = `Bearer ${await tokenOf('app', 'mesh')}`;
      const context = await waybill.authenticate({ authorization });
      return (await context.obtainHeaders('payment')).authorization ?? '';
    }

    /** What the issuer's log says of the certificates that it refused. */
    const refusals = (): number => issuer.logText().split('another SPIFFE ID').length - 1;

    it('is shown anew when its files change', async () => {
      const kept = files();
      kept.write(lower.issue({ uris: ['spiffe://shop.example/agent'] }));
      const waybill = make('mesh', credentialsOf(kept));
      const before = refusals();
      await failure('exchange_refused', async () => obtain(waybill));
      expect(refusals()).to.equal(before + 1);
      kept.write(svid());
      expect(await obtain(waybill)).to.match(/^Bearer ey/);
      kept.write(lower.issue({ uris: ['spiffe://shop.example/agent'] }));
      await failure('exchange_refused', async () => obtain(waybill));
    });

    it('stays what it was while new files do not fit together', async () => {
      const kept = files();
      kept.write(svid());
      const waybill = make('mesh', credentialsOf(kept), { clock: () => now });
      expect(await obtain(waybill)).to.match(/^Bearer ey/);
      const [one, other] = [svid(), svid()];
      writeFileSync(kept.certFile, one.chain);
      expect(await obtain(waybill), 'the key of the one before').to.match(/^Bearer ey/);
      writeFileSync(kept.keyFile, 'half a ke');
      expect(await obtain(waybill)).to.match(/^Bearer ey/);
      writeFileSync(kept.keyFile, other.key);
      expect(await obtain(waybill)).to.match(/^Bearer ey/);
      kept.write(one);
      expect(await obtain(waybill)).to.match(/^Bearer ey/);
    });

    it('keeps trusting its authority while the file is empty or truncated', async () => {
      const kept = files();
      kept.write(svid());
      const current = certificateFiles(kept, () => now);
      for (const text of [
        '',
        'no certificate',
        ca.cert.slice(0, 100),
        `${ca.cert}${ca.cert.slice(0, 100)}`,
      ]) {
        writeFileSync(kept.caFile, text);
        expect((await current()).ca, text).to.equal(ca.cert);
      }
      const both = `${ca.cert}${shop.cert}`;
      writeFileSync(kept.caFile, both);
      expect((await current()).ca).to.equal(both);
    });

    it('that has expired and was not renewed is reported before anything is sent', async () => {
      const kept = files();
      kept.write(lower.issue({ uris: ['spiffe://shop.example/mesh'], notAfter: '20400101000000Z' }));
      const current = certificateFiles(kept, () => now);
      const { cert } = await current();
      writeFileSync(kept.certFile, 'broken');
      expect((await current()).cert).to.equal(cert);
      now = Date.UTC(2040, 0, 1) / 1000;
      const error = await failure('issuer_unavailable', current);
      expect(error.detail).to.match(/expired \(Jan {2}1 00:00:00 2040 GMT\)/);
      expect(`${error.message} ${error.detail}`).to.not.include('BEGIN');
      const fresh = svid();
      kept.write(fresh);
      expect((await current()).cert).to.equal(fresh.chain);
    });
  });

  it('are refused when they are made, where something is missing, unknown or does not fit', async () => {
    const [one, other] = [svid(), svid()];
    const folder = scratchFolder();
    const good = { clientId: 'mesh', method: 'spiffe_x509', ...textsOf(one) };
    const missing = path.join(folder, 'missing.pem');
    for (const bad of [
      { cert: undefined },
      { key: undefined },
      { key: other.key },
      { key: '' },
      { cert: 'x' },
      { ca: 7 },
      { ca: '' },
      { ca: ca.cert.slice(0, 100) },
      { certFile: missing },
      { cert: undefined, key: undefined, certFile: missing, keyFile: missing },
      { cert: undefined, key: undefined, certFile: missing },
      { caFile: missing },
      { secret: 'x' },
      { clientId: '' },
      { method: 'spiffe_x508' },
      { method: 'spiffe_jwt' },
    ]) {
      const credentials = { ...good, ...bad } as unknown as CredentialsOptions;
      const error = await failure('usage', () => make('mesh', credentials));
      expect(error.message).to.include('credentials');
      expect(error.message).to.not.include('PRIVATE KEY-');
    }
    const plain = 'http://127.0.0.1:1';
    await failure('usage', () => make('mesh', good as CredentialsOptions, { issuer: plain }));
    for (const bad of [
      {},
      { svid: 'text' },
      { svid: () => 'x', svidFile: missing },
      { svidFile: missing },
      { svidFile: '' },
    ]) {
      const credentials = {
        clientId: 'agent',
        method: 'spiffe_jwt',
        ...bad,
      } as unknown as CredentialsOptions;
      await failure('usage', () => make('agent', credentials));
    }
  });
});
