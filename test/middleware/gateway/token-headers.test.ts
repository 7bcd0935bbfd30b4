import { readFileSync } from 'node:fs';

import { expect } from 'chai';
import fc from 'fast-check';

import { HeaderNames, STRIPPED_NAMES } from '../../../src/middleware/gateway/stripped-headers.ts';
import { isTokenHeader } from '../../../src/middleware/gateway/token-headers.ts';

const NONE = new HeaderNames([]);
const JWT = 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';

const isStripped = (name: string, value = 'x', more = NONE): boolean => isTokenHeader([name, value], more);

describe('Header lines that end at the gateway', () => {
  for (const name of [
    ...['Authorization', 'Proxy-Authorization', 'X-Original-Authorization', 'X-Forwarded-Access-Token'],
    ...['Token', 'X-Token', 'X-Bearer', 'X-JWT-Payload', 'X-AccessToken', 'X_Id_Token', 'DPoP'],
    ...['X-Waybill-Root', 'X-Waybill', 'x_waybill_subject', 'X-Goog-IAP-JWT-Assertion'],
    ...['X-Forwarded-User', 'X-Forwarded-Email', 'X-Forwarded-Preferred-Username', 'X-Forwarded-Groups'],
    ...['X-MS-Client-Principal', 'X-MS-CLIENT-PRINCIPAL-ID', 'x-ms-client-principal-name'],
    ...['X-Apigateway-Api-Userinfo', 'X-Endpoint-API-UserInfo', 'X-Goog-Authenticated-User-Email'],
    ...['X-Authenticated-UserId', 'X-Authenticated-Scope', 'Remote-User', 'REMOTE_USER', 'X-Remote-Group'],
    ...['Impersonate-User', 'Cf-Access-Jwt-Assertion', 'X-Pomerium-Claim-Email', 'X-Auth-Request-Email'],
    ...['X-Forwarded-Client-Cert', 'x_forwarded_client_cert', 'X.Forwarded.Client.Cert', 'Client-Cert'],
    ...['Client-Cert-Chain', 'X-Client-Cert', 'X-SSL-Client-Cert', 'SSL-Client-Cert', 'X-SSL-Cert'],
    ...['SSL_CLIENT_VERIFY', 'SSL_CLIENT_S_DN', 'X-SSL-Client-CN', 'X-Client-Certificate'],
    ...['X-Amzn-Mtls-Clientcert', 'X-Amzn-Mtls-Clientcert-Leaf', 'X-ARR-ClientCert', 'CERT_CHAIN_0'],
    ...['X-Client-Cert-SPIFFE', 'X-Client-Cert-Chain-Verified', 'X-Forwarded-Tls-Client-Cert-Info'],
    ...['CloudFront-Viewer-Cert-Pem', 'Cf-Client-Cert-Der-Base64'],
  ]) {
    it(`are those called ${name}`, () => expect(isStripped(name)).to.equal(true));
  }

  for (const name of [
    ...['Host', 'Accept', 'Content-Type', 'Content-Length', 'Cookie', 'Referer', 'User-Agent', 'Origin'],
    ...['X-Request-Id', 'X-Correlation-Id', 'traceparent', 'tracestate', 'baggage', 'X-B3-TraceId'],
    ...['X-CSRF-Token', 'X-XSRF-TOKEN', 'Idempotency-Key', 'If-Match', 'X-Forwarded-For', 'Forwarded'],
    ...['X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Real-IP', 'X-User-Agent', 'X-API-Version', 'X-Tenant'],
    ...['Sec-WebSocket-Key', 'X-Android-Tokens', 'X-Usernames', 'X-Client-Version', 'Grid-Token'],
  ]) {
    it(`are not those called ${name}`, () => expect(isStripped(name)).to.equal(false));
  }

  for (const value of [
    JWT,
    `(${JWT})`,
    `.${JWT}`,
    `x.${JWT}`,
    `%20${JWT}`,
    `a%3D${JWT}%3Bb`,
    `%2520${JWT}`,
    JWT.replaceAll('.', '%2e'),
    JWT.replaceAll('.', '%252E'),
    JWT.replace('e', '%65'),
    `id=${JWT}`,
    `user/${JWT}/x`,
    `["${JWT}"]`,
    `<${JWT}>`,
    `a|${JWT}`,
    `eyJeyJ${JWT}`,
    `x_${JWT}`,
    `x-${JWT}`,
    `20${JWT}`,
    JWT.replace('.', '=.'),
    `${Buffer.from('{ "alg" : "none" }').toString('base64url')}.e30.`,
    `${Buffer.from('{\r\n  "alg":"none"}').toString('base64url')}.e30.`,
    `${Buffer.from('{\n\t"alg":"none"}').toString('base64url')}.e30.`,
    `${Buffer.from('{\t    "alg":"none"}').toString('base64url')}.e30.`,
    'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.Y2lwaGVy.dGFn',
    'Bearer abc',
    ' bearer  abc',
    'Bearer%20abc',
    '"Bearer abc"',
    'scheme=Bearer abc',
    'DPoP abc',
    `wbo_${'A'.repeat(43)}`,
    `x=(wbo_${'A'.repeat(43)})`,
    'wb1~abc',
    'wb1%7Eabc',
    '-----BEGIN CERTIFICATE----- MIIB',
    '-----BEGIN%20CERTIFICATE-----%0AMIIB',
  ]) {
    it(`are those that hold a token, under any name: ${value}`, () => {
      expect(isStripped('X-Anything', value)).to.equal(true);
      expect(isStripped('Cookie', value)).to.equal(false);
    });
  }

  for (const value of [
    'keyJournals.example.com',
    'moneyjournal.api.example.com',
    'viewoptions.shop.example.com',
    'HoneyJournalBrowser/1.2.3',
    'com.example.MoneyJournalApp.main',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'eyJhbGciOiJFUzI1NiJ9',
    'the bearer.of, bad news',
    'multipart/form-data; boundary=----WebKitFormBoundaryeyJ',
    '100% wool',
    '%',
    '',
  ]) {
    it(`are not those with an ordinary value: ${value}`, () => {
      expect(isStripped('X-Anything', value)).to.equal(false);
    });
  }

  it('hold a JWT after any character', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, behind) => {
        // A character of base64url before it may move the octets of what is before, not those of the token.
        expect(isStripped('X-Anything', `${before} ${JWT} ${behind}`)).to.equal(true);
        const [first = ''] = before;
        expect(isStripped('X-Anything', `${first === '%' ? '(' : first}${JWT}`)).to.equal(true);
      }),
    );
  });

  it('include added names, by words, not case-sensitive', () => {
    const more = new HeaderNames(['X-Tenant', 'x-acme-*', '*-secret', '*-hop-*']);
    for (const name of [
      'x-tenant',
      'X_Tenant',
      'X-ACME',
      'x-acme-user',
      'X-Client-Secret',
      'secret',
      'x-hop-y',
    ])
      expect(isStripped(name, 'x', more), name).to.equal(true);
    for (const name of ['x-tenants', 'x-acmeuser', 'secretary', 'x-hops', 'x-secret-x', 'accept'])
      expect(isStripped(name, 'x', more), name).to.equal(false);
  });

  it('are those that docs/reference/stripped-headers.md lists, and no others', () => {
    const text = readFileSync(
      new URL('../../../docs/reference/stripped-headers.md', import.meta.url),
      'utf8',
    );
    const [, section = ''] = text.split('\n## By name\n');
    const [list = ''] = section.split('\n## ');
    expect(Object.keys(STRIPPED_NAMES)).to.not.be.empty;
    for (const [kind, names] of Object.entries(STRIPPED_NAMES)) {
      const [, item = ''] = list.split(`\n- **${kind[0]?.toUpperCase()}${kind.slice(1)}:** `);
      const [listed = ''] = item.split(/\n\n|\n- /);
      expect(
        [...listed.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
        kind,
      ).to.have.members([...names]);
    }
  });
});
