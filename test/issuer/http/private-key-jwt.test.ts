/** Authentication with a key of one's own, of clients and services, at a real issuer: what an assertion says. */
import { expect } from 'chai';
import type { JWTPayload } from 'jose';

import { closeServers } from '../../support/http.ts';
import {
  JWT_BEARER,
  expectRefused,
  now,
  pair,
  startKeyedIssuer,
  type Bent,
  type KeyedIssuer,
} from '../../support/issuer/keyed.ts';
import { stopIssuers, type FormParameters, type TestIssuer } from '../../support/issuer/start.ts';

describe('private_key_jwt: the assertion', () => {
  let keyed: KeyedIssuer;
  let issuer: TestIssuer;
  let ask: KeyedIssuer['ask'];
  let assertion: KeyedIssuer['assertion'];

  before(async () => {
    keyed = await startKeyedIssuer();
    ({ issuer, ask, assertion } = keyed);
  });
  after(async () => {
    await stopIssuers();
    await closeServers();
  });

  it('RFC 7523 section 2.2: gets a tree, with and without client_id', async () => {
    for (const more of [{}, { client_id: 'web' }]) {
      const answer = await ask(await assertion(), { scope: 'place', ...more });
      expect(answer.status, answer.text).to.equal(200);
    }
  });

  it('rfc7523bis section 3, threat 10: has the issuer as its sole audience, and no endpoint', async () => {
    expect(
      (await ask(await assertion({ claims: { aud: [issuer.url] } }), { scope: 'place' })).status,
    ).to.equal(200);
    for (const aud of [
      `${issuer.url}/token`,
      [issuer.url, `${issuer.url}/token`],
      [issuer.url, issuer.url],
      `${issuer.url}/`,
      'https://evil.example',
      [],
      [[issuer.url]],
      undefined,
    ]) {
      const bent = { claims: { aud } } as unknown as Bent;
      expectRefused(await ask(await assertion(bent)), /nothing else/);
    }
  });

  it('RFC 7523 section 3: iss and sub are the client, and so is client_id', async () => {
    expectRefused(await ask(await assertion({ claims: { sub: 'app' } })), /both be the client/);
    expectRefused(await ask(await assertion({ claims: { iss: 'app' } })), /both be the client/);
    expectRefused(await ask(await assertion({ claims: { sub: undefined } } as unknown as Bent)), /both/);
    expectRefused(await ask(await assertion(), { client_id: 'app' }), /not the client of the assertion/);
  });

  it('RFC 7523 section 3: expires, and lives five minutes at most', async () => {
    const times: readonly (readonly [Record<string, unknown>, RegExp])[] = [
      [{ exp: undefined }, /needs exp/],
      [{ exp: 'soon' }, /times must be numbers/],
      [{ exp: now() }, /expired/],
      [{ exp: now() + 3600 }, /300 seconds/],
      [{ iat: now() + 60 }, /future/],
      [{ nbf: now() + 60 }, /future/],
      [{ nbf: 'x' }, /times must be numbers/],
    ];
    for (const [claims, says] of times) expectRefused(await ask(await assertion({ claims })), says);
    expect(
      (await ask(await assertion({ claims: { exp: now() + 300 } }), { scope: 'place' })).status,
    ).to.equal(200);
  });

  it('RFC 7523 section 3, threat 14: counts once, over a reload and at once from many sides', async () => {
    const used = await assertion();
    expect((await ask(used, { scope: 'place' })).status).to.equal(200);
    expectRefused(await ask(used), /used before/);
    await keyed.reload();
    expectRefused(await ask(used), /used before/);
    const raced = await assertion();
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(raced, { scope: 'place' })));
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    for (const jti of [undefined, '', 7]) {
      expectRefused(await ask(await assertion({ claims: { jti } as unknown as JWTPayload })), /no jti/);
    }
    // One jti of two clients is two; the length of a jti bounds nothing.
    const jti = 'j'.repeat(2_000);
    expect((await ask(await assertion({ claims: { jti } }), { scope: 'place' })).status).to.equal(200);
    const other = await assertion({ claims: { jti }, client: 'app', key: keyed.remote });
    expect((await ask(other, { scope: 'place' })).status).to.equal(200);
  });

  it('threat 14: is not used up by a refused assertion', async () => {
    const claims = { jti: 'kept' };
    expectRefused(
      await ask(
        await assertion({ claims, key: { ...keyed.web, privateKey: (await pair('ES256', 'x')).privateKey } }),
      ),
      /not signed/,
    );
    expect((await ask(await assertion({ claims }), { scope: 'place' })).status).to.equal(200);
  });

  it('rfc7523bis section 4, threat 8: has the typ of an assertion, or that of any JWT, or none', async () => {
    for (const typ of ['JWT', 'client-authentication+jwt', 'application/client-authentication+JWT']) {
      expect((await ask(await assertion({ header: { typ } }), { scope: 'place' })).status, typ).to.equal(200);
    }
    for (const typ of ['at+jwt', 'dpop+jwt', 'token-introspection+jwt', 7, '']) {
      expectRefused(await ask(await assertion({ header: { typ } })), /typ/);
    }
  });

  it('RFC 6749 section 2.3: is one way among others, and the only one in a request', async () => {
    const parameters: FormParameters = {
      grant_type: 'client_credentials',
      client_assertion_type: JWT_BEARER,
      client_assertion: await assertion(),
    };
    expect((await issuer.token(parameters, { as: 'kiosk' })).status).to.equal(400);
    expect((await issuer.token({ ...parameters, client_secret: 'x' })).status).to.equal(400);
    expect((await issuer.token([...Object.entries(parameters), ['client_assertion', 'x']])).status).to.equal(
      400,
    );
  });

  it('RFC 7521 section 4.2: comes with its type', async () => {
    const client_assertion = await assertion();
    const only = await issuer.token({ grant_type: 'client_credentials', client_assertion });
    expect(only.status).to.equal(400);
    expect(
      (await issuer.token({ grant_type: 'client_credentials', client_assertion_type: JWT_BEARER })).status,
    ).to.equal(400);
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer';
    expectRefused(await ask(client_assertion, { client_assertion_type }), /client_assertion_type must be/);
  });

  it('RFC 7521 section 5.2: is a JWT of bounded size, and never in an answer or the log', async () => {
    for (const text of ['x', 'a.b.c', 'e30.e30.e30', 'x'.repeat(9_000), '{}']) {
      expect((await ask(text)).status, text.slice(0, 9)).to.equal(401);
    }
    const used = await assertion();
    const answers = [await ask(used, { scope: 'place' }), await ask(used)];
    const signature = used.slice(used.lastIndexOf('.') + 1);
    expect(answers[1]?.text).to.not.include(signature);
    expect(issuer.logText()).to.not.include(signature);
  });
});
