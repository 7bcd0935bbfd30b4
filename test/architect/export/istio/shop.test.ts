/**
 * The exported resources in real Envoys, as istiod would configure them: a real issuer, mutual TLS, and services that know
 * nothing of Waybill.
 */
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';

import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { hasEnvoy, needsEnvoy, stopEnvoys } from '../../../support/envoy.ts';
import { removeScratch } from '../../../support/files.ts';
import { closeServers } from '../../../support/http.ts';
import { proofSigner } from '../../../support/keys/dpop.ts';
import { stopIssuers } from '../../../support/issuer/start.ts';
import { tokenAt } from '../../../support/issuer/trees.ts';
import type { CallOptions } from '../proxied-shop.ts';
import { FLAGS, hostOf, startIstioShop, type IstioShop, type ServiceName } from './shop.ts';

describe(`a shop in Istio${needsEnvoy}`, function () {
  this.timeout(120_000);
  let shop: IstioShop;
  let root: string;
  const child = (...path: string[]) => tokenAt(root, ...path).compact;

  before(async function () {
    if (!hasEnvoy) this.skip();
    shop = await startIstioShop();
    root = await shop.root('order browse');
  });
  beforeEach(() => {
    shop.seen.length = 0;
    shop.outside.length = 0;
  });
  after(async () => {
    await stopEnvoys();
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });

  const status = async (service: ServiceName, path: string, options: CallOptions): Promise<number> =>
    (await shop.call(service, path, options)).status;
  const tokensSeen = () =>
    Object.fromEntries(shop.seen.map(({ service, authorization }) => [service, authorization]));

  it('sends each service of a tree its own token, and nobody another', async () => {
    const answer = await shop.call('shop', '/orders', { method: 'POST', token: root });
    expect([answer.status, answer.text]).to.deep.equal([200, 'shop']);
    expect(tokensSeen()).to.deep.equal({
      shop: [`Bearer ${root}`],
      'stock.v1': [`Bearer ${child('stock.v1')}`],
      pay: [`Bearer ${child('pay')}`],
      warehouse: [`Bearer ${child('stock.v1', 'warehouse')}`],
    });
  });

  it('passes on the token that the graph lets a service pass on', async () => {
    const note = await shop.root('note');
    expect(await status('kiosk', '/note', { method: 'POST', token: note })).to.equal(200);
    expect(tokensSeen()).to.deep.equal({ kiosk: [`Bearer ${note}`], mirror: [`Bearer ${note}`] });
  });

  it('tells the service of its token in headers that nobody else can set', async () => {
    const forged = {
      'x-waybill-sub': 'admin',
      'X-Waybill-Act': 'admin',
      x_waybill_scope: 'all',
      'x-waybill_txn': '0',
      'x-waybill-claims': 'e30',
    };
    await shop.call('shop', '/orders', { method: 'POST', token: root, headers: forged });
    await shop.callOut('shop', `http://${hostOf('pay')}/charge`, {
      method: 'POST',
      token: root,
      headers: forged,
    });
    expect(shop.seen).to.have.length(5);
    for (const { service, headers } of shop.seen) {
      const { sub, scope, txn, act } = decodeJwt<{ act?: { sub: string } }>(
        headers.authorization!.slice('Bearer '.length),
      );
      const told = Object.entries(headers).filter(([name]) => /^x[-_]waybill/.test(name));
      expect(Object.fromEntries(told), service).to.deep.equal({
        'x-waybill-sub': sub,
        'x-waybill-scope': scope,
        'x-waybill-txn': txn,
        ...(act ? { 'x-waybill-act': act.sub } : {}),
      });
    }
  });

  describe('refuses', () => {
    const post = { method: 'POST' };
    const asShop = () => ({ ...post, as: shop.certificateOf('shop') });
    const refusals: readonly (readonly [string, number, () => Promise<number>])[] = [
      ['a request without a token', 403, () => status('shop', '/orders', post)],
      ['a token in the query', 403, () => status('shop', `/orders?access_token=${root}`, post)],
      [
        'a token with another signature',
        401,
        () => status('shop', '/orders', { ...post, token: `${root.slice(0, -8)}AAAAAAAA` }),
      ],
      [
        'a scheme that is not Bearer',
        403,
        () => status('shop', '/orders', { ...post, headers: { authorization: `DPoP ${root}` } }),
      ],
      ['something behind the token', 401, () => status('shop', '/orders', { ...post, token: `${root}, x` })],
      [
        'a path of a scope that the token lacks',
        403,
        async () => status('shop', '/orders', { ...post, token: await shop.root('browse') }),
      ],
      [
        'a scope of a client that the graph does not give it',
        403,
        async () => status('shop', '/orders', { ...post, token: await shop.root('browse', 'mobile') }),
      ],
      ['another method', 403, () => status('shop', '/orders', { token: root })],
      ['a path that no scope names', 403, () => status('shop', '/admin', { token: root })],
      [
        'a child at another service',
        403,
        () => status('pay', '/charge', { ...asShop(), token: child('stock.v1') }),
      ],
      ['a root at a callee', 403, () => status('stock.v1', '/reserve', { ...asShop(), token: root })],
      [
        'a child that another service presents',
        403,
        () => status('pay', '/charge', { ...post, token: child('pay'), as: shop.certificateOf('warehouse') }),
      ],
      [
        'a child that the gateway presents',
        403,
        () => status('pay', '/charge', { ...post, token: child('pay') }),
      ],
      [
        'a root that is presented by another than the gateway',
        403,
        () => status('shop', '/orders', { ...post, token: root, as: shop.certificateOf('stranger') }),
      ],
      [
        'a grandchild that the caller of its caller presents',
        403,
        () => status('warehouse', '/pick', { ...asShop(), token: child('stock.v1', 'warehouse') }),
      ],
    ];
    for (const [what, expected, attempt] of refusals) {
      it(`${what}: ${expected}`, async () => {
        expect(await attempt()).to.equal(expected);
        expect(shop.seen).to.deep.equal([]);
      });
    }

    it('a caller without a certificate', async () => {
      const outcome = await shop.call('shop', '/orders', { ...post, token: root, as: 'nobody' }).then(
        ({ status }) => status,
        (error: NodeJS.ErrnoException) => error.code,
      );
      expect(outcome).to.match(/^E/);
    });

    it('two headers with a token', async () => {
      const { chain, key } = shop.certificateOf('gateway');
      const options = {
        host: '127.0.0.1',
        port: shop.inboundPort('shop'),
        cert: chain,
        key,
        ca: shop.ca.cert,
      };
      const line = `Authorization: Bearer ${root}`;
      const lines = [
        'POST /orders HTTP/1.1',
        'Host: x',
        line,
        line,
        'Content-Length: 0',
        'Connection: close',
        '',
        '',
      ];
      const socket = connect(options, () => socket.write(lines.join('\r\n')));
      expect(await text(socket)).to.match(/^HTTP\/1\.1 40[13] /);
      expect(shop.seen).to.deep.equal([]);
    });

    it('a root that is bound to a key, which no proxy of Istio can check', async () => {
      const bound = await boundRoot(shop);
      expect(decodeJwt(bound)).to.have.property('cnf');
      expect(await status('shop', '/items/7', { token: bound })).to.equal(403);
      expect(shop.seen).to.deep.equal([]);
    });
  });

  describe('paths', () => {
    const look = async (path: string) => status('shop', path, { token: await shop.root('browse') });
    it('lets a parameter stand for one segment', async () => {
      expect(await look('/items/7')).to.equal(200);
      expect(await look('/items/7?color=red')).to.equal(200);
      expect(await look('/items/7/8')).to.equal(403);
      expect(await look('/items/')).to.equal(403);
      expect(shop.seen.map(({ path }) => path)).to.deep.equal(['/items/7', '/items/7?color=red']);
    });
    for (const path of [
      '/items/new',
      '/items/NEW',
      '/items/%6eew',
      '/items/new/',
      '/items//new',
      '/items/x/../new',
      '/items%2fnew',
      '/items/x/..%2fnew',
      '/items/new;a=1',
    ])
      it(`leaves ${path} to the scope that names it`, async () => {
        expect(await look(path)).to.equal(403);
        expect(shop.seen).to.deep.equal([]);
      });
    for (const path of ['/items/a%5Cb', '/items/%252e%252e', '/items/%c0%ae', '/items/..%3b'])
      it(`refuses ${path}, which servers read differently`, async () => {
        expect(await look(path)).to.be.oneOf([400, 403]);
        expect(shop.seen).to.deep.equal([]);
      });
    it('sends on what it compared', async () => {
      expect(await look('/x/..//items/./7')).to.equal(200);
      expect(await look('/items%2f8')).to.equal(200);
      expect(shop.seen.map(({ path }) => path)).to.deep.equal(['/items/7', '/items/8']);
    });
  });

  describe('outbound', () => {
    const out = async (address: string, token: string | undefined = root) =>
      (await shop.callOut('shop', address, { method: 'POST', ...(token === '' ? {} : { token }) })).status;
    const charge = `http://${hostOf('pay')}/charge`;

    it('denies a host that is no callee', async () => {
      expect(await out('http://elsewhere.example/charge')).to.equal(502);
      expect(await out('http://other.example/charge')).to.equal(502);
      expect(await out(`http://${hostOf('warehouse')}/pick`)).to.equal(502);
      expect([shop.seen, shop.outside]).to.deep.equal([[], []]);
    });
    it('denies a call for which the token has no child', async () => {
      expect(await out(charge, await shop.root('browse'))).to.equal(403);
      expect(shop.seen).to.deep.equal([]);
    });
    it('denies a call without a token, with that of another service, and with a broken one', async () => {
      expect(await out(charge, '')).to.equal(403);
      expect(await out(charge, child('stock.v1'))).to.equal(403);
      expect(await out(charge, `${root.slice(0, -8)}AAAAAAAA`)).to.equal(403);
      expect(shop.seen).to.deep.equal([]);
    });
    for (const host of [hostOf('pay'), `${hostOf('pay')}:80`, 'pay.shop', 'PAY.shop'])
      it(`knows a callee as ${host}`, async () => {
        const sent = { method: 'POST', token: root, headers: { host } };
        expect((await shop.callOut('shop', 'http://x/charge', sent)).status).to.equal(200);
        expect(tokensSeen()).to.deep.equal({ pay: [`Bearer ${child('pay')}`] });
      });

    it('takes the service’s own token away on the way to every other host that it sees', async () => {
      expect(await out(`http://${FLAGS}/a`)).to.equal(200);
      expect(await out(`http://${hostOf('ads')}/b`)).to.equal(200);
      expect(shop.outside).to.deep.equal([`${FLAGS} /a -`, `${hostOf('ads')} /b -`]);
    });
    it('denies where that token is broken, instead of sending it', async () => {
      expect(await out(`http://${FLAGS}/a`, `${root.slice(0, -8)}AAAAAAAA`)).to.equal(403);
      expect(shop.outside).to.deep.equal([]);
    });
    it('takes it away also beside a service that the graph lets call nobody', async () => {
      const sent = { method: 'POST', token: child('pay') };
      await shop.callOut('pay', `http://${FLAGS}/a`, sent);
      await shop.callOut('pay', 'http://elsewhere.example/b', sent);
      expect(shop.outside).to.deep.equal([`${FLAGS} /a -`, 'elsewhere.example /b -']);
    });
    it('passes other credentials untouched', async () => {
      const { body } = await shop.issuer.token(
        { grant_type: 'client_credentials', scope: 'browse' },
        { as: 'mobile' },
      );
      const credentials = [
        'Basic d2ViOnNlY3JldA==',
        'Bearer ghp_0123456789',
        'Bearer a.b.c',
        `Bearer ${jwt({ alg: 'RS256' }, { iss: 'https://elsewhere.example' })}`,
        `Bearer ${jwt({ alg: 'ES256' }, { iss: shop.issuer.url, aud: hostOf('ads') })}`,
      ];
      expect(body['access_token']).to.be.a('string');
      for (const authorization of credentials)
        expect(
          (await shop.callOut('shop', `http://${FLAGS}/a`, { headers: { authorization } })).status,
        ).to.equal(200);
      expect(shop.outside).to.deep.equal(credentials.map((one) => `${FLAGS} /a ${one}`));
    });

    describe('where the keys of the issuer cannot be had', () => {
      const blind = async (service: ServiceName, address: string, token: string) =>
        (await shop.callOutWithoutKeys(service, address, { method: 'POST', token })).status;
      it('lets no token of the service out', async () => {
        expect(await blind('shop', charge, root)).to.equal(403);
        expect(await blind('kiosk', `http://${hostOf('mirror')}/watch`, await shop.root('note'))).to.equal(
          403,
        );
        expect(await blind('shop', `http://${FLAGS}/a`, root)).to.equal(403);
        expect(await blind('shop', `http://${hostOf('ads')}/a`, root)).to.equal(403);
        expect(await blind('shop', 'http://elsewhere.example/a', root)).to.equal(403);
        expect(await blind('pay', 'http://elsewhere.example/a', child('pay'))).to.equal(403);
        expect([shop.seen, shop.outside]).to.deep.equal([[], []]);
      });
      it('passes other credentials', async () => {
        const authorization = 'Basic d2ViOnNlY3JldA==';
        await shop.callOutWithoutKeys('shop', `http://${FLAGS}/a`, { headers: { authorization } });
        expect(shop.outside).to.deep.equal([`${FLAGS} /a ${authorization}`]);
      });
    });
  });

  it('notes what the user must add', () => {
    const codes = shop.notes.filter(({ service }) => service === 'shop').map(({ code }) => code);
    expect(codes).to.include.members(['unrouted-callee', 'on-demand', 'bound-tokens']);
  });

  it('warns of nothing in the logs of its proxies', () => {
    const lines = shop.envoys.flatMap((envoy) => envoy.log().split('\n'));
    // istiod writes that field, too: proxies before 1.25 know no other.
    const known =
      /global_downstream_max_connections|deprecated option 'envoy.config.rbac.v3.Principal.metadata'|^$/;
    expect(lines.filter((line) => !known.test(line)).join('\n')).to.equal('');
  });
});

async function boundRoot({ issuer }: IstioShop): Promise<string> {
  const signer = await proofSigner();
  const dpop = await signer.proof({
    method: 'POST',
    url: `${issuer.url}/token`,
    now: Math.floor(Date.now() / 1000),
  });
  const asked = { grant_type: 'client_credentials', scope: 'browse' };
  const { body, text } = await issuer.token(asked, { as: 'web', headers: { dpop } });
  return body['access_token'] ?? expect.fail(text);
}

function jwt(header: object, payload: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(payload)}.${Buffer.alloc(64).toString('base64url')}`;
}
