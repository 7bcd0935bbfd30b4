/** The extractor as a client of the issuer that authenticates with a key of its own. */
import { KeyObject, generateKeyPairSync } from 'node:crypto';

import { expect } from 'chai';

import { extractor, type KeyCredentials } from '../../../src/middleware/index.ts';
import { startKeyedIssuer, type KeyedIssuer } from '../../support/issuer/keyed.ts';
import { stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { failure } from '../../support/failure.ts';
import { closeServers } from '../../support/http.ts';

describe('private_key_jwt in the extractor', () => {
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

  const AUDIENCE = 'https://orders.shop.example';

  async function exchanged(credentials: KeyCredentials): Promise<string> {
    const root = await ask(await assertion(), { scope: 'place' });
    const waybill = extractor({ issuer: issuer.url, audience: AUDIENCE, caller: 'none', credentials });
    const context = await waybill.authenticate({ authorization: `Bearer ${root.body['access_token']}` });
    return (await context.obtainHeaders('payment')).authorization ?? '';
  }

  it('RFC 8693 section 2.1: authenticates an exchange, with a JWK, a KeyObject or a function', async () => {
    const method = 'private_key_jwt';
    const clientId = 'orders';
    expect(await exchanged({ clientId, method, key: keyed.orders.privateJwk })).to.match(/^Bearer ey/);
    const key = KeyObject.from(keyed.orders.privateKey);
    expect(await exchanged({ clientId, method, key, kid: 'o1', alg: 'Ed25519' })).to.match(/^Bearer ey/);
    const asked: string[] = [];
    const made = async (aud: string): Promise<string> => {
      asked.push(aud);
      return assertion({ client: 'orders', key: keyed.orders, claims: { aud } });
    };
    expect(await exchanged({ clientId, method, key: made })).to.match(/^Bearer ey/);
    expect(asked).to.deep.equal([issuer.url]);
  });

  it('RFC 7517 sections 4.4 and 4.5: needs neither alg, where the curve says it, nor kid, where the set has none', async () => {
    const { alg: _alg, kid, ...members } = keyed.orders.privateJwk;
    const credentials = { clientId: 'orders', method: 'private_key_jwt' as const };
    expect(await exchanged({ ...credentials, key: { ...members, kid } })).to.match(/^Bearer ey/);
    const key = KeyObject.from(keyed.orders.privateKey);
    expect(await exchanged({ ...credentials, key, kid })).to.match(/^Bearer ey/);
    const { alg: _own, kid: _id, ...published } = keyed.orders.publicJwk;
    keyed.options.keySets.set('orders', { keys: [published] });
    await keyed.reload();
    expect(await exchanged({ ...credentials, key })).to.match(/^Bearer ey/);
    expect(await exchanged({ ...credentials, key: members })).to.match(/^Bearer ey/);
    keyed.options.keySets.set('orders', { keys: [keyed.orders.publicJwk] });
    await keyed.reload();
  });

  it('refuses when it is made what could not sign', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const good = { clientId: 'orders', method: 'private_key_jwt', key: keyed.orders.privateJwk };
    for (const bad of [
      { key: keyed.orders.publicJwk },
      { key: { kty: 'oct', k: 'AAAA', kid: 'a', alg: 'ES256' } },
      { key: undefined },
      { key: 'text' },
      { alg: 'RS256' },
      { alg: 'HS256' },
      { kid: '' },
      { clientId: '' },
      { secret: 'x' },
      { key: rsa.publicKey, kid: 'a', alg: 'RS256' },
      { key: rsa.privateKey, kid: 'a' },
      { key: rsa.privateKey, kid: 'a', alg: 'ES256' },
      { key: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey, kid: 'a', alg: 'RS256' },
      { key: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey, kid: 'a' },
      { key: keyed.orders.privateJwk, kid: 7 },
    ]) {
      const credentials = { ...good, ...bad } as unknown as KeyCredentials;
      await failure('usage', () =>
        extractor({ issuer: issuer.url, audience: AUDIENCE, caller: 'none', credentials }),
      );
    }
  });
});
