/** Trees that travel packed, from a real issuer through real services. */
import { expect } from 'chai';
import express from 'express';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';

import { gateway } from '../../../src/middleware/index.ts';
import { isPacked, pack, unpack } from '../../../src/token/index.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { tokenAt, tokensOf, type Payload } from '../../support/issuer/trees.ts';
import { openShop, type PackedShop, type Seen } from './packed-shop.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { closeServers, listen } from '../../support/http.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const PACKED = { issuer: ', encoding: packed' };

const isBare = (token: string): boolean =>
  token.split('.').length === 3 && decodeJwt<Payload>(token).embedded === undefined;

describe('A tree that travels packed', () => {
  let shop: PackedShop;

  before(async () => {
    shop = await openShop(PACKED);
  });
  afterEach(closeServers);
  after(async () => {
    await shop.close();
    await stopIssuers();
  });

  const codings = (seen: Readonly<Record<string, Seen>>) =>
    Object.fromEntries(
      Object.values(seen).map(({ service, token }) => [
        service,
        isPacked(token) ? 'packed' : isBare(token) ? 'bare' : 'nested',
      ]),
    );

  it('is packed at every hop that carries children, and a bare JWT at every leaf', async () => {
    const seen = await shop.send(await shop.root());
    expect(codings(seen)).to.deep.equal({
      front: 'packed',
      checkout: 'packed',
      payment: 'bare',
      mail: 'bare',
      ads: 'packed',
      pictures: 'bare',
    });
  });

  it('is the very tokens of the nested tree: jose verifies each of them for its audience', async () => {
    const root = await shop.root();
    const seen = await shop.send(root);
    const keys = createRemoteJWKSet(new URL(`${shop.issuer.url}/jwks`));
    for (const { service, token } of Object.values(seen)) {
      const audience = shop.urls[service];
      const { payload } = await jwtVerify(unpack(token), keys, {
        issuer: shop.issuer.url,
        audience,
        typ: 'at+jwt',
      });
      const { embedded: _, held: __, ...claims } = payload;
      expect(seen[service]?.claims).to.deep.equal(claims);
    }
    const nested = unpack(root);
    expect(tokensOf(nested).map(({ path }) => path.join(' → '))).to.deep.equal([
      '',
      'checkout',
      'checkout → payment',
      'checkout → mail',
    ]);
    for (const path of [['checkout'], ['checkout', 'payment'], ['checkout', 'mail']]) {
      const name = path.at(-1) ?? '';
      expect(unpack(seen[name]?.token ?? '')).to.equal(tokenAt(nested, ...path).compact);
    }
    for (const name of ['front', 'checkout', 'ads']) {
      const token = seen[name]?.token ?? '';
      expect(token.length, name).to.be.lessThan(unpack(token).length / 2);
    }
  });

  it('a client asks for either coding; a nested token is forwarded nested, and exchanged tokens are nested too', async () => {
    const seen = await shop.send(await shop.root({ encoding: 'nested' }));
    expect(codings(seen)).to.include({ front: 'nested', checkout: 'nested', ads: 'nested', payment: 'bare' });
  });

  it('the log says in which coding, and how many bytes were sent', async () => {
    for (const form of [{}, { encoding: 'packed' }, { encoding: 'nested' }]) {
      const root = await shop.root(form);
      const line = shop.issuer.logLines().at(-1);
      const encoding = isPacked(root) ? 'packed' : 'nested';
      expect(line).to.deep.include({ msg: 'issued', tokens: 4, bytes: root.length, encoding });
    }
  });

  it('a token without children is a bare JWT, whatever was asked for', async () => {
    for (const form of [{}, { encoding: 'packed' }, { encoding: 'nested' }]) {
      expect(isBare(await shop.root({ scope: 'look', ...form }))).to.equal(true);
      expect(shop.issuer.logLines().at(-1)).to.deep.include({ tokens: 1, encoding: 'nested' });
    }
  });

  it('RFC 6749 section 5.2: another coding is an invalid_request, at /token and at /introspect', async () => {
    const asked = [
      shop.issuer.token({ grant_type: 'client_credentials', encoding: 'zip' }, { as: 'web' }),
      exchange({ encoding: 'PACKED' }, await shop.root()),
      shop.issuer.token({ token: 'x', encoding: 'cbor' }, { as: 'edge', path: '/introspect' }),
    ];
    for (const { status, body } of await Promise.all(asked)) {
      expect([status, body['error']]).to.deep.equal([400, 'invalid_request']);
      expect(body['error_description']).to.contain('nested or packed');
    }
  });

  const exchange = (form: Readonly<Record<string, string>>, token: string) =>
    shop.issuer.token(
      {
        grant_type: EXCHANGE,
        subject_token: token,
        subject_token_type: ACCESS_TOKEN,
        audience: 'ads',
        ...form,
      },
      { as: 'front' },
    );

  it('RFC 8693: an exchange answers as its subject token came, unless it asks for the other', async () => {
    const packed = await shop.root();
    const nested = unpack(packed);
    const bare = await shop.root({ scope: 'look' });
    const rows: readonly (readonly [
      token: string,
      form: Readonly<Record<string, string>>,
      answer: boolean,
    ])[] = [
      [packed, {}, true],
      [nested, {}, false],
      [bare, {}, true], // which has no coding: the graph's
      [packed, { encoding: 'nested' }, false],
      [nested, { encoding: 'packed' }, true],
      [bare, { encoding: 'nested' }, false],
    ];
    for (const [token, form, answer] of rows) {
      const { status, body } = await exchange(form, token);
      expect([status, isPacked(body['access_token'] ?? '')]).to.deep.equal([200, answer]);
      const [, pictures] = tokensOf(unpack(body['access_token'] ?? ''));
      expect(pictures?.payload.aud).to.equal(shop.urls.pictures);
    }
  });

  it('RFC 7662, RFC 7009: a packed token is introspected and revoked as the nested one is', async () => {
    const packed = await shop.root();
    const introspect = async (token: string) =>
      (await shop.issuer.token({ token }, { as: 'front', path: '/introspect' })).body;
    const told = await introspect(packed);
    expect(told).to.include({ active: true, client_id: 'web', scope: 'order' });
    expect(told).to.deep.equal(await introspect(unpack(packed)));
    expect((await shop.issuer.token({ token: packed }, { as: 'web', path: '/revoke' })).status).to.equal(200);
    for (const token of [packed, unpack(packed)])
      expect(await introspect(token)).to.deep.equal({ active: false });
    expect((await exchange({}, packed)).body['error']).to.equal('invalid_request');
  });

  it('the issuer refuses a packed token beyond the limits of its graph', async () => {
    const wide = pack(nestedOfWidth(9));
    const { status, body } = await exchange({}, wide);
    expect([status, body['error']]).to.deep.equal([400, 'invalid_request']);
    expect(body['error_description']).to.contain('the limit is 8');
  });

  describe('behind a gateway', () => {
    /** The gateway, and behind it whoever listens at `target`. */
    async function edge(target = shop.urls.front): Promise<string> {
      const credentials = { clientId: 'edge', secret: secretOf('edge') };
      const before = gateway({ issuer: shop.issuer.url, credentials });
      const app = express().use(before.protect({ audience: target }), (request, response, next) => {
        const { authorization = '' } = request.headers;
        fetch(target, { headers: { authorization } }).then(
          async (answer) => response.status(answer.status).send(await answer.text()),
          next,
        );
      });
      return listen(app, { maxHeaderSize: 128 * 1024 });
    }

    it('a reference is swapped for a packed tree, and on it goes', async () => {
      const reference = await shop.root({}, 'site');
      expect(reference).to.match(/^wbo_/);
      const seen = await shop.send(reference, await edge());
      expect(codings(seen)).to.include({ front: 'packed', checkout: 'packed', payment: 'bare' });
      expect(seen['payment']?.claims).to.include({ tier: 'tin', region: 'eu' });
    });

    it('a root token is passed on in the coding in which it came', async () => {
      const packed = await shop.root();
      const address = await edge();
      for (const token of [packed, unpack(packed)]) {
        const seen = await shop.send(token, address);
        expect(seen['front']?.token === token).to.equal(true);
      }
    });

    it('a swap by hand asks for either, of a reference and of a root token', async () => {
      const [reference, packed] = [await shop.root({}, 'site'), await shop.root()];
      for (const token of [reference, packed, unpack(packed)]) {
        for (const encoding of ['nested', 'packed']) {
          const headers = { accept: 'application/jwt' };
          const answer = await shop.issuer.token(
            { token, encoding },
            { as: 'edge', path: '/introspect', headers },
          );
          expect([answer.status, isPacked(answer.text)]).to.deep.equal([200, encoding === 'packed']);
          if (token !== reference) expect(unpack(answer.text) === unpack(packed)).to.equal(true);
        }
      }
    });
  });
});

describe('A graph of nested trees', () => {
  let shop: PackedShop;

  before(async () => {
    shop = await openShop();
  });
  after(async () => {
    await shop.close();
    await stopIssuers();
  });

  it('answers nested, and packed to who asks; a hop goes on in the coding that it received', async () => {
    for (const [form, packed] of [
      [{}, false],
      [{ encoding: 'packed' }, true],
    ] as const) {
      const seen = await shop.send(await shop.root(form));
      for (const name of ['front', 'checkout', 'ads'])
        expect(isPacked(seen[name]?.token ?? ''), name).to.equal(packed);
    }
  });

  it('anyone packs a token, with no key: the services take it', async () => {
    const seen = await shop.send(pack(await shop.root()));
    expect(isPacked(seen['checkout']?.token ?? '')).to.equal(true);
  });
});

describe('A service that accepts bare JWTs alone', () => {
  const shops: PackedShop[] = [];
  const open = async (services: Readonly<Record<string, string>>): Promise<PackedShop> => {
    const shop = await openShop({ ...PACKED, services });
    shops.push(shop);
    return shop;
  };
  after(async () => {
    await Promise.all(shops.map((shop) => shop.close()));
    await stopIssuers();
  });

  it('is never sent a packed root, asked for or swapped', async () => {
    const shop = await open({ front: 'accepts: jwt' });
    for (const form of [{}, { encoding: 'packed' }]) expect(isPacked(await shop.root(form))).to.equal(false);
    for (const token of [await shop.root({}, 'site'), pack(await shop.root())]) {
      const options = { as: 'edge', path: '/introspect', headers: { accept: 'application/jwt' } };
      const { status, text } = await shop.issuer.token({ token, encoding: 'packed' }, options);
      expect([status, isPacked(text), tokensOf(text).length]).to.deep.equal([200, false, 4]);
    }
  });

  it('is not sent a packed child, nor what it fetches packed', async () => {
    const shop = await open({ checkout: 'accepts: jwt', ads: 'accepts: jwt' });
    const seen = await shop.send(await shop.root());
    expect(isPacked(seen['front']?.token ?? '')).to.equal(true);
    expect(
      Object.values(seen).filter(({ service, token }) => service !== 'front' && isPacked(token)),
    ).to.deep.equal([]);
    expect(seen).to.have.all.keys('front', 'checkout', 'payment', 'mail', 'ads', 'pictures');
  });

  it('does no harm to a leaf, which is a bare JWT anyway', async () => {
    const shop = await open({ payment: 'accepts: jwt', mail: 'accepts: jwt' });
    const seen = await shop.send(await shop.root());
    expect([isPacked(seen['front']?.token ?? ''), isPacked(seen['checkout']?.token ?? '')]).to.deep.equal([
      true,
      true,
    ]);
  });
});

describe('A hop on which only the packed tree fits', () => {
  const shops: PackedShop[] = [];
  const open = async (overflow: string): Promise<PackedShop> => {
    const services = { front: 'headers: { max_total: 1500, reserve: 100 }' };
    const shop = await openShop({ issuer: `, encoding: packed, overflow: ${overflow}`, services });
    shops.push(shop);
    return shop;
  };
  const ask = ({ issuer }: PackedShop, form: Readonly<Record<string, string>>) =>
    issuer.token({ grant_type: 'client_credentials', scope: 'order', ...form }, { as: 'web' });
  after(async () => {
    await Promise.all(shops.map((shop) => shop.close()));
    await stopIssuers();
  });

  it('gets it, and no nested one: a tree is weighed in the coding in which it is sent', async () => {
    const shop = await open('reject');
    const packed = await ask(shop, {});
    expect([packed.status, isPacked(packed.body['access_token'] ?? '')]).to.deep.equal([200, true]);
    const nested = await ask(shop, { encoding: 'nested' });
    expect([nested.status, nested.body['error']]).to.deep.equal([400, 'invalid_scope']);
  });

  it('gets a nested one whose children are fetched, where the graph lets them be', async () => {
    const shop = await open('exchange');
    const packed = tokensOf(unpack((await ask(shop, {})).body['access_token'] ?? ''));
    const nested = tokensOf((await ask(shop, { encoding: 'nested' })).body['access_token'] ?? '');
    expect([packed.length, nested.length]).to.deep.equal([4, 1]);
    expect(nested[0]?.payload.on_demand).to.have.property('checkout');
  });
});

/** Not signed by anyone: to be refused before that matters. */
function nestedOfWidth(children: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = (payload: object) =>
    `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'k' })}.${part(payload)}.AAAA`;
  const embedded = Object.fromEntries(
    Array.from({ length: children }, (_, at) => [`c${at}`, token({ n: at })]),
  );
  return token({ embedded });
}
