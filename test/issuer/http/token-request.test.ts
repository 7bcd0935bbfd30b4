import { gzipSync } from 'node:zlib';

import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { secretOf } from '../../support/issuer/issue.ts';
import { ADMIN, ORDERS, shop } from '../../support/graphs/shop.ts';
import { sendRaw, type Answer } from '../../support/http.ts';
import {
  startIssuer,
  stopIssuers,
  type FormParameters,
  type TestIssuer,
} from '../../support/issuer/start.ts';

const GRANT = { grant_type: 'client_credentials' };

let issuer: TestIssuer;

const ask = (more: Readonly<Record<string, string>> = {}) =>
  issuer.token({ ...GRANT, ...more }, { as: 'web' });

function expectRefused(answer: Answer, status: number, error: string, description?: RegExp): void {
  expect([answer.status, answer.body['error']], answer.text).to.deep.equal([status, error]);
  expect(answer.headers.get('content-type')).to.equal('application/json');
  expect(answer.headers.get('cache-control')).to.equal('no-store');
  expect(answer.body['error_description']).to.match(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
  if (description) expect(answer.body['error_description']).to.match(description);
}

describe('Token request', () => {
  before(async () => {
    issuer = await startIssuer(shop);
  });
  after(stopIssuers);

  it('RFC 6749 section 5.1: a right request gets a bearer token, its lifetime and its scope, never to be stored', async () => {
    const { status, headers, body } = await ask({ scope: 'place', resource: ORDERS });
    expect(status).to.equal(200);
    expect(headers.get('content-type')).to.equal('application/json');
    expect(headers.get('cache-control')).to.equal('no-store');
    expect(headers.get('pragma')).to.equal('no-cache');
    expect(Object.keys(body)).to.deep.equal(['access_token', 'token_type', 'expires_in', 'scope']);
    expect(body).to.deep.include({ token_type: 'Bearer', expires_in: 300, scope: 'place' });
    expect(decodeJwt(body['access_token'] as string)).to.include({
      iss: issuer.url,
      aud: ORDERS,
      sub: 'web',
    });
  });

  describe('scope and resource', () => {
    it('RFC 6749 section 3.3: without scope the default scopes are granted', async () => {
      expect((await ask()).body['scope']).to.equal('read');
    });

    it('answers a client without default scopes with what it may ask for', async () => {
      const body = new URLSearchParams({ ...GRANT, client_id: 'kiosk', client_secret: secretOf('kiosk') });
      expectRefused(await issuer.token(body.toString()), 400, 'invalid_scope', /kiosk.*may ask for: place\./);
    });

    it('scopes that the graph ignores are dropped, and asking for nothing else means the default', async () => {
      expect((await ask({ scope: 'openid read cancel' })).body['scope']).to.equal('read cancel');
      expect((await ask({ scope: 'openid profile' })).body['scope']).to.equal('read');
    });

    it('a scope that stands twice, or with more blanks, is granted once', async () => {
      expect((await ask({ scope: ' cancel  read cancel ' })).body['scope']).to.equal('read cancel');
    });

    for (const [what, scope] of [
      ['unknown', 'fly'],
      ["another client's", 'charge'],
      ["its entry's but not the client's", 'internal'],
      ['that differs in case', 'READ'],
      ['with a name of JavaScript', '__proto__'],
    ] as const) {
      it(`RFC 6749 section 5.2: a scope ${what} is invalid_scope, and named`, async () => {
        expectRefused(
          await ask({ scope: `read ${scope}` }),
          400,
          'invalid_scope',
          new RegExp(`may not ask for: ${scope}\\.`),
        );
      });
    }

    for (const [what, scope] of [
      ['quotes', 'a"b'],
      ['a line break', 'read\ncancel'],
      ['a tab', 'read\tcancel'],
      ['an escape sequence', '\u001b[31mread'],
      ['letters beyond ASCII', 'größe'],
      ['a backslash', 'a\\b'],
    ] as const) {
      it(`RFC 6749 section 3.3: a scope with ${what} is invalid_scope and is not repeated`, async () => {
        const answer = await ask({ scope });
        expectRefused(answer, 400, 'invalid_scope');
        expect(answer.text).to.not.contain(JSON.stringify(scope).slice(1, -1));
      });
    }

    it('a token in place of a scope is refused without repeating it', async () => {
      const token = (await ask()).body['access_token'] as string;
      const answer = await ask({ scope: token });
      expectRefused(answer, 400, 'invalid_scope');
      expect(answer.text).to.not.contain(token.slice(0, 20));
      expect(issuer.logText()).to.not.contain(token.slice(0, 20));
    });

    it('rule 1: scopes of two entries are invalid_target, and the answer names their audiences', async () => {
      const answer = await ask({ scope: 'read manage' });
      expectRefused(answer, 400, 'invalid_target', /orders\.shop\.example or https:\/\/admin\.shop\.example/);
    });

    it('rule 1: one name at two entries is invalid_target', async () => {
      expectRefused(await ask({ scope: 'place' }), 400, 'invalid_target', /resource/);
    });

    it('RFC 8707 section 2: resource chooses the entry, drops the scopes of others, and the answer says what is left', async () => {
      const orders = await ask({ scope: 'read manage place', resource: ORDERS });
      expect(orders.body['scope']).to.equal('read place');
      const admin = await ask({ scope: 'read manage place', resource: ADMIN });
      expect(admin.body['scope']).to.equal('manage place');
      expect(decodeJwt(admin.body['access_token'] as string).aud).to.equal(ADMIN);
    });

    it('RFC 8707 section 2: a resource that the client does not call, or that is no absolute URI, is invalid_target and is not repeated', async () => {
      for (const resource of [
        'https://mail.shop.example',
        'https://evil.example/<script>',
        `${ORDERS}/`,
        `${ORDERS}#fragment`,
        '/orders',
        'orders',
      ]) {
        const answer = await ask({ scope: 'read', resource });
        expectRefused(answer, 400, 'invalid_target');
        expect(answer.text).to.not.contain('<script');
      }
    });

    it('rule 1: a resource that owns none of the scopes is invalid_scope', async () => {
      expectRefused(await ask({ scope: 'read', resource: ADMIN }), 400, 'invalid_scope');
    });

    it('RFC 8707 section 2: resource may stand twice; two different ones are invalid_target', async () => {
      const twice = (second: string) =>
        issuer.token(
          [...Object.entries(GRANT), ['scope', 'read'], ['resource', ORDERS], ['resource', second]],
          { as: 'web' },
        );
      expect((await twice(ORDERS)).status).to.equal(200);
      expectRefused(await twice(ADMIN), 400, 'invalid_target', /one `resource`/);
    });

    it('RFC 6749 section 5.2: a description holds visible ASCII alone, whatever an audience is called', async () => {
      const odd = await startIssuer((url) =>
        shop(url).replace('  admin: {', `  admin: { audience: 'größe"\\\u202e',`),
      );
      const scope = { ...GRANT, scope: 'read manage' };
      expectRefused(await odd.token(scope, { as: 'web' }), 400, 'invalid_target', /or gr\?\?e'\?\? /);
    });

    it('over a limit of the graph: invalid_scope with both numbers', async () => {
      const answer = await ask({ scope: 'read place cancel', resource: ORDERS });
      expectRefused(answer, 400, 'invalid_scope', /4 tokens; at most 3/);
    });
  });

  describe('parameters', () => {
    const refuse = async (parameters: FormParameters, status: number, error: string, description?: RegExp) =>
      expectRefused(await issuer.token(parameters, { as: 'web' }), status, error, description);

    it('RFC 6749 section 4.4.2: grant_type must be there', async () => {
      await refuse({ scope: 'read' }, 400, 'invalid_request', /grant_type/);
      await refuse('', 400, 'invalid_request', /grant_type/);
    });

    it('RFC 6749 section 5.2: a grant that is not offered is unsupported_grant_type, and the answer says which are', async () => {
      for (const grant_type of ['password', 'authorization_code', 'toString', '\u0000']) {
        await refuse({ grant_type }, 400, 'unsupported_grant_type', /client_credentials/);
      }
    });

    it('RFC 6749 section 3.2: a repeated parameter is refused', async () => {
      const repeated = (name: string, value: string) =>
        refuse(
          [...Object.entries(GRANT), ['scope', 'read'], [name, value], [name, value]],
          400,
          'invalid_request',
        );
      await repeated('grant_type', 'client_credentials');
      await repeated('client_id', 'web');
      await repeated('unheard_of', 'x');
      await refuse(
        [...Object.entries(GRANT), ['scope', 'read'], ['scope', 'cancel']],
        400,
        'invalid_request',
        /parameter scope/,
      );
    });

    it('a repeated parameter with a hostile name is not repeated in the answer', async () => {
      const name = 'x"\\\u001b[2J<script>';
      const answer = await issuer.token([...Object.entries(GRANT), [name, 'a'], [name, 'b']], { as: 'web' });
      expectRefused(answer, 400, 'invalid_request');
      expect(answer.text).to.not.contain('<script');
    });

    it('RFC 6749 section 3.2: a parameter without a value is as if it were not there', async () => {
      expect(
        (await ask({ scope: '', resource: '', client_id: '', client_secret: '' })).body['scope'],
      ).to.equal('read');
      await refuse({ grant_type: '' }, 400, 'invalid_request', /grant_type/);
    });

    it('RFC 6749 section 3.2: parameters that are not known are ignored', async () => {
      expect((await ask({ nonce: 'abc', audience: ORDERS })).status).to.equal(200);
    });

    it('more than 64 parameters are refused', async () => {
      const many = Array.from({ length: 64 }, (_, index) => [`p${index}`, 'x'] as const);
      await refuse([...Object.entries(GRANT), ...many], 400, 'invalid_request', /at most 64/);
      expect(
        (await issuer.token([...Object.entries(GRANT), ...many.slice(1)], { as: 'web' })).status,
      ).to.equal(200);
    });
  });

  describe('body', () => {
    const send = (body: string | Uint8Array, headers: Readonly<Record<string, string>>) =>
      issuer.token('', { as: 'web', body, headers });

    it('RFC 6749 section 4.4.2: another content type than a form is refused, and the answer says which one it takes', async () => {
      const json = await send(JSON.stringify(GRANT), { 'content-type': 'application/json' });
      expectRefused(json, 400, 'invalid_request', /application\/x-www-form-urlencoded/);
      const text = await send('grant_type=client_credentials', { 'content-type': 'text/plain' });
      expectRefused(text, 400, 'invalid_request', /application\/x-www-form-urlencoded/);
    });

    it('a charset is taken where it is UTF-8, and refused where it is unknown', async () => {
      const type = 'application/x-www-form-urlencoded; charset=';
      const body = 'grant_type=client_credentials';
      expect((await send(body, { 'content-type': `${type}UTF-8` })).status).to.equal(200);
      expectRefused(await send(body, { 'content-type': `${type}klingon` }), 415, 'invalid_request', /UTF-8/);
    });

    it('a compressed body is refused with 415', async () => {
      const answer = await send(gzipSync('grant_type=client_credentials'), { 'content-encoding': 'gzip' });
      expectRefused(answer, 415, 'invalid_request', /compressed/);
    });

    it('RFC 6585 section 5: headers over 16 KiB are answered 431', async () => {
      const answer = await sendRaw(
        issuer.origin,
        `POST /token HTTP/1.1\r\nHost: localhost\r\nX-Padding: ${'x'.repeat(20_000)}\r\n\r\n`,
      );
      expect(answer).to.match(/^HTTP\/1\.1 431 /);
    });

    it('a request that does not come in whole within the bound is cut', async () => {
      const impatient = await startIssuer(shop, { requestTimeout: 100 });
      const answer = await sendRaw(
        impatient.origin,
        'POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 40\r\n\r\ngrant_type',
      );
      expect(answer).to.match(/^HTTP\/1\.1 408 /);
      expect(impatient.logText()).to.not.contain('"msg":"failed"');
    });
  });
});
