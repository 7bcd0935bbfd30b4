/** Authentication with a key of one's own, of clients and services, at a real issuer: whose key it is. */
import { expect } from 'chai';
import { SignJWT } from 'jose';

import { createIssuer } from '../../src/issuer/index.ts';
import { closeServers } from '../middleware/servers.ts';
import { keysFor, secretsFor } from '../support/issued.ts';
import { expectRefused, now, pair, startKeyedIssuer, type KeyedIssuer } from '../support/keyed-issuer.ts';
import { basic, stopIssuers, type TestIssuer } from '../support/running-issuer.ts';
import { failure } from '../token/signing.ts';

describe('private_key_jwt: the key', () => {
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

  it('threat 7: is signed by a key of the client, with that key’s algorithm', async () => {
    const stranger = await pair('ES256', 'w1');
    expectRefused(await ask(await assertion({ key: stranger })), /Unknown client, or/);
    expectRefused(await ask(await assertion({ key: await pair('ES256', 'w2') })), /Unknown client, or/);
    expectRefused(await ask(await assertion({ key: keyed.orders })), /Unknown client, or/);
    expectRefused(await ask(await assertion({ key: await pair('ES384', 'w1') })), /algorithm/);
    expectRefused(await ask(await assertion({ key: await pair('RS256', 'w1') })), /Unknown client, or/);
    expectRefused(await ask(await assertion({ header: { kid: undefined } })), /kid/);
    const [, payload] = (await assertion()).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', kid: 'w1' })).toString('base64url');
    expectRefused(await ask(`${none}.${payload}.`), /algorithm/);
    // The public key as an HMAC secret.
    const confused = await new SignJWT({ iss: 'web', sub: 'web', aud: issuer.url, jti: 'c', exp: now() + 60 })
      .setProtectedHeader({ alg: 'HS256', kid: 'w1' })
      .sign(new TextEncoder().encode(JSON.stringify(keyed.web.publicJwk)));
    expectRefused(await ask(confused), /algorithm/);
  });

  it('threat 9: ignores a key that the assertion brings along', async () => {
    const own = await pair('ES256', 'w1');
    expectRefused(
      await ask(await assertion({ key: own, header: { jwk: own.publicJwk } })),
      /Unknown client, or/,
    );
    expectRefused(
      await ask(await assertion({ key: own, header: { jku: keyed.jwksUri } })),
      /Unknown client, or/,
    );
  });

  it('answers alike for an unknown client and a wrong key; a client with a secret has no key, and the other way', async () => {
    const texts = [];
    for (const client of ['nobody', 'kiosk', 'payment', '__proto__']) {
      const answer = await ask(await assertion({ client }));
      expectRefused(answer, /Unknown client, or/);
      texts.push(answer.text);
    }
    expect(new Set(texts).size).to.equal(1);
    expectRefused(
      await issuer.token(
        { grant_type: 'client_credentials' },
        { headers: { authorization: basic('web', 'x') } },
      ),
      /wrong secret/,
    );
  });

  it('RFC 7517: keys of an address are fetched once, anew for an unknown id only after a pause, and missed clearly', async () => {
    const before = keyed.fetches();
    const mine = (): Promise<string> => assertion({ client: 'app', key: keyed.remote });
    for (let time = 0; time < 3; time += 1) {
      expect((await ask(await mine(), { scope: 'place' })).status).to.equal(200);
      const unknown = await pair('PS256', `u${time}`);
      expectRefused(await ask(await assertion({ client: 'app', key: unknown })), /Unknown client, or/);
    }
    expect(keyed.fetches() - before).to.be.at.most(1);
    keyed.published = [];
    await keyed.reload();
    const missed = await ask(await mine());
    expect(missed.status).to.equal(503);
    expect(missed.body['error']).to.equal('temporarily_unavailable');
    expect(missed.text).to.not.include(keyed.jwksUri);
    keyed.published = [keyed.remote.publicJwk];
  });

  it('starts with usable public keys alone, and says whose are not', async () => {
    const { plan } = issuer;
    const keys = await keysFor('ES256');
    const make = (document: unknown) => () =>
      createIssuer({
        plan,
        keys,
        secrets: secretsFor(plan),
        keySets: new Map([
          ['web', document],
          ['orders', { keys: [keyed.orders.publicJwk] }],
        ]),
      });
    const none = await failure('keys_missing', make(undefined));
    expect(none.message).to.include('web (file web.jwks)');
    for (const document of [
      {},
      [],
      { keys: [] },
      { keys: [keyed.web.privateJwk] },
      { keys: [{ ...keyed.web.publicJwk, kid: undefined }] },
    ]) {
      expect((await failure('keys_invalid', make(document))).message).to.include('web');
    }
  });
});
