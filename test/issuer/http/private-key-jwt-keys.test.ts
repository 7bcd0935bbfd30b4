/** Authentication with a key of one's own, of clients and services, at a real issuer: whose key it is. */
import { expect } from 'chai';
import { SignJWT } from 'jose';
import type { JWK } from 'jose';

import { createIssuer } from '../../../src/issuer/index.ts';
import { closeServers, basic } from '../../support/http.ts';
import { keysFor, secretsFor } from '../../support/issuer/issue.ts';
import {
  expectRefused,
  now,
  pair,
  startKeyedIssuer,
  type KeyedIssuer,
  type Pair,
} from '../../support/issuer/keyed.ts';
import { stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import {
  ed25519Jwk,
  lowOrderEncodings,
  pkcs1Padded,
  rsaWith,
  unitRsa,
} from '../../support/keys/weak-keys.ts';
import { failure } from '../../support/failure.ts';

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

  describe('RFC 7517 sections 4.4 and 4.5: without alg or kid', () => {
    /** The issuer, started again with these keys of `web`. */
    async function published(...keys: JWK[]): Promise<void> {
      keyed.options.keySets.set('web', { keys });
      await keyed.reload();
    }
    after(() => published(keyed.web.publicJwk));

    const bare = ({ publicJwk: { alg: _alg, kid: _kid, ...members } }: Pair): JWK => members;
    const status = async (key: Pair, header: Record<string, unknown> = {}): Promise<number> =>
      (await ask(await assertion({ key, header }), { scope: 'place' })).status;
    const UNNAMED = { kid: undefined };

    for (const alg of ['ES256', 'Ed25519']) {
      it(`accepts a key of ${alg} without alg for the algorithm of its curve`, async () => {
        const key = await pair(alg, 'a');
        await published({ ...bare(key), kid: 'a' });
        expect(await status(key)).to.equal(200);
        expect(await status(await pair(alg, 'a'))).to.equal(401);
        expect(await status(await pair('RS256', 'a'))).to.equal(401);
      });

      it(`accepts a key of ${alg} with neither for an assertion that names no key`, async () => {
        const key = await pair(alg, 'a');
        await published(bare(key));
        expect(await status(key, UNNAMED)).to.equal(200);
        expect(await status(await pair(alg, 'a'), UNNAMED)).to.equal(401);
        expect(await status(key), 'an id that the set does not have').to.equal(401);
      });
    }

    it('needs an id where two keys have one algorithm, and none where they differ', async () => {
      const [first, second, other] = [
        await pair('ES256', 'a'),
        await pair('ES256', 'b'),
        await pair('Ed25519', 'c'),
      ];
      await published(bare(first), bare(other));
      expect([await status(first, UNNAMED), await status(other, UNNAMED)]).to.deep.equal([200, 200]);
      await published(bare(first), bare(second));
      expect([await status(first, UNNAMED), await status(second, UNNAMED)]).to.deep.equal([401, 401]);
      await published({ ...bare(first), kid: 'a' }, { ...bare(second), kid: 'b' });
      expect([await status(first), await status(second)]).to.deep.equal([200, 200]);
      expect(await status(first, UNNAMED), 'a key that has an id is named by it').to.equal(401);
      await published({ ...bare(first), kid: 'a' }, bare(second));
      expect([await status(first), await status(second, UNNAMED)]).to.deep.equal([200, 200]);
    });

    it('ignores other keys of the set, with other uses and types', async () => {
      const [key, rsa] = [await pair('ES256', 'a'), await pair('RS256', 'e')];
      await published(
        { ...bare(rsa), kid: 'e', use: 'enc', alg: 'RSA-OAEP-256' },
        { ...bare(rsa), kid: 'r' },
        { kty: 'AKP', alg: 'ML-DSA-44', kid: 'p' },
        { ...bare(key), kid: 'a', key_ops: ['verify'], ext: true },
      );
      expect(await status(key)).to.equal(200);
    });

    it('RFC 8725 section 3.1: refuses an RSA key without alg, which could serve two algorithms', async () => {
      const rsa = bare(await pair('RS256', 'r'));
      for (const keys of [[{ ...rsa, kid: 'r' }], [rsa]])
        expect((await failure('keys_invalid', () => published(...keys))).message).to.match(
          /key set of web has no usable key.* RSA keys with an `alg`, PS256 or RS256/,
        );
      const named = await pair('PS256', 'r');
      await published({ ...bare(named), alg: 'PS256' });
      expect(await status(named, UNNAMED)).to.equal(200);
    });

    it('applies the same rules to keys at an address', async () => {
      for (const header of [UNNAMED, { kid: 'k' }]) {
        const key = await pair('ES256', 'k');
        keyed.published = [header === UNNAMED ? bare(key) : { ...bare(key), kid: 'k' }];
        await keyed.reload();
        const mine = await assertion({ client: 'app', key, header });
        expect((await ask(mine, { scope: 'place' })).status).to.equal(200);
      }
      keyed.published = [keyed.remote.publicJwk];
    });

    it('gives every client the same answer if the assertion names no key', async () => {
      const texts = [];
      for (const client of ['nobody', 'kiosk', 'web', 'app'])
        texts.push((await ask(await assertion({ client, header: UNNAMED }))).text);
      expect(new Set(texts).size).to.equal(1);
      expect(texts[0]).to.contain('names no key (kid)');
    });
  });

  it('does not start with a key with which anyone can sign, and names its owner and the fault', async () => {
    const ed25519 = ed25519Jwk(lowOrderEncodings()[0] ?? '');
    for (const [jwk, alg, says] of [
      [unitRsa(), 'RS256', /keys of web .*the key weak: its RSA exponent/],
      [unitRsa(), 'PS256', /keys of web .*the key weak: its RSA exponent/],
      [
        rsaWith('AQAB', 1024),
        'RS256',
        /the key weak: its modulus has 1024 bits; RSA keys have at least 2048/,
      ],
      [ed25519, 'Ed25519', /keys of web .*the key weak: its Ed25519 point is of low order/],
      [ed25519, undefined, /keys of web .*the key weak: its Ed25519 point is of low order/],
    ] as const) {
      const keys = [keyed.web.publicJwk, { ...jwk, kid: 'weak', ...(alg === undefined ? {} : { alg }) }];
      keyed.options.keySets.set('web', { keys });
      expect((await failure('keys_invalid', () => keyed.reload())).message).to.match(says);
    }
    keyed.options.keySets.set('web', { keys: [keyed.web.publicJwk] });
  });

  it('leaves a key with which anyone can sign out of a set at an address', async () => {
    const jwk = { ...unitRsa(), kid: 'weak', alg: 'RS256' } as JWK;
    keyed.published = [keyed.remote.publicJwk, jwk];
    await keyed.reload();
    const right = (await assertion({ client: 'app', key: keyed.remote })).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid: 'weak' })).toString('base64url');
    const input = `${header}.${right[1]}`;
    expectRefused(await ask(`${input}.${pkcs1Padded(input).toString('base64url')}`), /Unknown client, or/);
    expect(
      (await ask(await assertion({ client: 'app', key: keyed.remote }), { scope: 'place' })).status,
    ).to.equal(200);
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
      { keys: [{ ...keyed.web.publicJwk, kid: '' }] },
      { keys: [{ ...keyed.web.publicJwk, kid: 7 }] },
      { keys: [{ ...keyed.web.publicJwk, alg: 'ES384' }] },
    ]) {
      expect((await failure('keys_invalid', make(document))).message).to.include('web');
    }
  });
});
