/** Services that adopt tokens one after the other: some report what they would refuse, some refuse it. */
import { inspect } from 'node:util';

import { expect } from 'chai';
import express from 'express';

import {
  extractor,
  gateway,
  type Decision,
  type Extractor,
  type ExtractorOptions,
} from '../../../src/middleware/index.ts';
import { failure } from '../../support/failure.ts';
import { closeServers, listen, send } from '../../support/http.ts';
import { LOOPBACK, testCa } from '../../support/keys/certificates.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { listenTls, sendTls, stopTlsServers } from '../../support/tls.ts';

const audienceOf = (name: string): string => `https://${name}.fleet.example`;

const graph = (url: string): string => `
waybill: 1
name: fleet
issuer: { url: '${url}' }
defaults: { audience: 'https://{name}.fleet.example', headers: { profile: go } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { front: [buy, look] } }
  edge: { auth: { method: client_secret_basic, secret_env: EDGE }, introspect: [front], calls: {} }
services:
  front: { scopes: { buy: { calls: { orders: [place] } }, look: {} } }
  orders: { scopes: { place: { calls: { payment: [charge] } } } }
  payment: { scopes: { charge: {} } }
`;

describe('mode: report', () => {
  let issuer: TestIssuer;
  let decisions: Decision[];

  before(async () => {
    issuer = await startIssuer(graph);
  });
  beforeEach(() => {
    decisions = [];
  });
  afterEach(async () => {
    await closeServers();
    await stopTlsServers();
  });
  after(stopIssuers);

  const token = async (scope = 'buy'): Promise<string> =>
    (await issuer.token({ grant_type: 'client_credentials', scope }, { as: 'web' })).body[
      'access_token'
    ] as string;

  function extractorOf(name: string, options: Partial<ExtractorOptions> = {}): Extractor {
    return extractor({
      issuer: issuer.url,
      audience: audienceOf(name),
      caller: 'none',
      onDecision: (decision) => decisions.push(decision),
      ...options,
    });
  }

  const told = (): string[] =>
    decisions.map(({ decision, at, audience, error = '', callee = '' }) =>
      [decision, at, audience.replace(/https:\/\/|\.fleet\.example/g, ''), error, callee]
        .filter((part) => part !== '')
        .join(' '),
    );

  /** Answers with what it knows of the request, and with the answer of its callee. */
  async function service(
    name: string,
    mode: 'enforce' | 'report',
    callee?: { readonly name: string; readonly url: string },
  ): Promise<string> {
    const routes = callee === undefined ? {} : { [callee.url]: callee.name };
    const app = express().set('env', 'test');
    app.get('/', extractorOf(name, { mode, routes }).protect(), async ({ waybill }, response) => {
      const below = callee && (await waybill.fetch(callee.url));
      response.json({
        [name]: waybill.verified ? waybill.scopes.join(' ') : 'unverified',
        status: below?.status ?? 'leaf',
        ...((await below?.json()) as object | undefined),
      });
    });
    return listen(app);
  }

  async function fleet(modes: readonly ['enforce' | 'report', 'enforce' | 'report', 'enforce' | 'report']) {
    const payment = await service('payment', modes[2]);
    const orders = await service('orders', modes[1], { name: 'payment', url: payment });
    return service('front', modes[0], { name: 'orders', url: orders });
  }

  const get = async (url: string, sent?: string) =>
    send(url, { headers: sent === undefined ? {} : { authorization: sent } });

  it('a fleet of two services that report and one that enforces serves callers with a token as a strict one does', async () => {
    const found = await get(await fleet(['report', 'report', 'enforce']), `Bearer ${await token()}`);
    expect(JSON.parse(found.text)).to.include({ front: 'buy', orders: 'place', payment: 'charge' });
    expect(told()).to.deep.equal([
      'accepted service front',
      'accepted service orders',
      'accepted service payment',
    ]);
    const [txn, ...more] = new Set(decisions.map((each) => each.txn));
    expect([txn?.length, more]).to.deep.equal([22, []]);
    expect(decisions.map(({ caller }) => caller)).to.deep.equal(['web', 'front', 'orders']);
  });

  it('serves callers without a token up to the first service that enforces, and says where they are', async () => {
    const url = await fleet(['report', 'report', 'enforce']);
    const { status, text } = await get(url);
    const body = JSON.parse(text) as Record<string, unknown>;
    expect([status, body['front'], body['orders'], body['payment']]).to.deep.equal([
      ...[200, 'unverified', 'unverified', undefined],
    ]);
    expect(body['code']).to.equal('token_missing');
    expect(told()).to.deep.equal([
      'reported service front token_missing',
      `reported call front child_missing ${decisions[1]?.callee}`,
      'reported service orders token_missing',
      `reported call orders child_missing ${decisions[3]?.callee}`,
      'refused service payment token_missing',
    ]);
    expect(decisions[1]?.callee).to.match(/^http:\/\/127\.0\.0\.1:\d+$/);
    decisions = [];
    expect((await get(await fleet(['enforce', 'report', 'report']))).status).to.equal(401);
    expect(told()).to.deep.equal(['refused service front token_missing']);
  });

  it('a request whose token has no child for a call is verified, and the call goes without a token', async () => {
    const url = await fleet(['report', 'report', 'report']);
    const { text } = await get(url, `Bearer ${await token('look')}`);
    expect(JSON.parse(text)).to.include({ front: 'look', orders: 'unverified', payment: 'unverified' });
    expect(told().slice(0, 3)).to.deep.equal([
      'accepted service front',
      `reported call front child_missing ${decisions[1]?.callee}`,
      'reported service orders token_missing',
    ]);
    expect(decisions[1]?.txn).to.equal(decisions[0]?.txn);
  });

  it('a child over its budget is reported, and the call goes without it', async () => {
    const options = { mode: 'report', budget: { outbound: 10 } } as const;
    const context = await extractorOf('front', options).authenticate({
      authorization: `Bearer ${await token()}`,
    });
    expect(context.headersFor('orders')).to.deep.equal({});
    expect(told()).to.include('reported call front child_too_large orders');
  });

  it('every kind of refusal is reported with its code, and the request passes', async () => {
    const now = Math.floor(Date.now() / 1000);
    const good = await token();
    const [header, payload = '', signature = ''] = good.split('.');
    const forged = [header, payload, `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`].join(
      '.',
    );
    const cases: readonly [string, string | undefined, Partial<ExtractorOptions>, string?][] = [
      ['token_missing', undefined, {}],
      ['token_malformed', 'Bearer x', {}],
      ['token_signature', `Bearer ${forged}`, {}],
      ['token_audience', `Bearer ${good}`, { audience: audienceOf('orders') }],
      ['scope_insufficient', `Bearer ${good}`, {}, 'look'],
      ['token_presenter', `Bearer ${good}`, { caller: 'mtls' }],
      ['token_too_large', `Bearer ${good}`, { budget: { inbound: 100 } }],
      ['token_expired', `Bearer ${good}`, { clock: () => now + 86_400 }],
      ['issuer_unavailable', `Bearer ${good}`, { jwksUri: 'http://127.0.0.1:1/' }],
      ['invalid_dpop_proof', `DPoP ${good}`, {}],
    ];
    for (const [code, authorization, options, scope] of cases) {
      decisions = [];
      const given = { authorization, ...(scope === undefined ? {} : { scope }) };
      await failure(code as 'usage', () => extractorOf('front', options).authenticate(given));
      const context = await extractorOf('front', { ...options, mode: 'report' }).authenticate(given);
      expect(context.verified, code).to.equal(false);
      expect(decisions.map(({ decision, error }) => [decision, error])).to.deep.equal([
        ['refused', code],
        ['reported', code],
      ]);
      expect(JSON.stringify(decisions)).to.not.include(signature.slice(1));
    }
  });

  it('says of a token that was not verified whose it claims to be, and marks that as unverified', async () => {
    const good = await token();
    const waybill = extractorOf('orders', { mode: 'report' });
    await waybill.authenticate({ authorization: `Bearer ${good}` });
    expect(decisions[0]).to.include({ error: 'token_audience', caller: 'web', unverified: true });
    expect(decisions[0]?.txn).to.have.lengthOf(22);
    decisions = [];
    await extractorOf('front', { mode: 'report' }).authenticate({
      authorization: `Bearer ${good}`,
      scope: 'look',
    });
    expect(decisions[0]).to.include({ error: 'scope_insufficient', caller: 'web', scope: 'look' });
    expect(decisions[0]).to.not.have.property('unverified');
  });

  it('a context that is not verified holds no claim of the request, and whoever reads one meets the refusal', async () => {
    const good = await token();
    const waybill = extractorOf('orders', { mode: 'report' });
    const context = await waybill.authenticate({ authorization: `Bearer ${good}` });
    for (const read of [
      () => context.claims,
      () => context.claims.sub,
      () => context.scopes.includes('place'),
      () => context.child('payment'),
    ])
      await failure('token_audience', read, good);
    expect(context.headersFor('payment')).to.deep.equal({});
    expect(await context.obtainHeaders(audienceOf('payment'))).to.deep.equal({});
    await failure('usage', () => context.fetch('/path'));
    await failure('usage', () => context.fetch(audienceOf('payment'), { headers: { authorization: 'x' } }));
    expect(JSON.stringify(context)).to.equal('{"verified":false}');
    expect(inspect(context, { showHidden: true, depth: 9 })).to.not.include('web');
  });

  it('an error that is no refusal is no less an error', async () => {
    const waybill = extractorOf('front', {
      mode: 'report',
      fetch: () => {
        throw new RangeError('a fault of this service');
      },
    });
    const context = await waybill.authenticate({ authorization: undefined });
    let thrown: unknown;
    await context.fetch(audienceOf('orders')).catch((error: unknown) => (thrown = error));
    expect(thrown).to.be.instanceOf(RangeError);
    await failure('usage', () => waybill.authenticate({ authorization: undefined, scope: '' }));
    await failure('usage', () => extractorOf('front', { mode: 'audit' as 'report' }));
    await failure('usage', () => extractorOf('front', { onDecision: 'log' as never }));
    await failure('usage', () => extractorOf('front', { mode: 'report', onDecision: undefined }));
  });

  it('over mutual TLS the wrong caller is reported, the right one is accepted', async () => {
    const ca = testCa('fleet');
    const waybill = extractorOf('orders', { caller: 'mtls', mode: 'report' });
    const app = express().get('/', waybill.protect(), ({ waybill: { verified } }, response) => {
      response.json({ verified });
    });
    const url = await listenTls(app, ca);
    const front = await extractorOf('front').authenticate({ authorization: `Bearer ${await token()}` });
    const headers = { authorization: `Bearer ${front.child('orders')}` };
    for (const [name, verified] of [
      ['front', true],
      ['payment', false],
    ] as const) {
      const answer = await sendTls(url, ca, { as: ca.issue({ ...LOOPBACK, dns: [name] }), headers });
      expect([answer.status, answer.json['verified']]).to.deep.equal([200, verified]);
    }
    expect(decisions.at(-1)).to.include({ decision: 'reported', error: 'token_presenter', caller: 'front' });
  });

  it('a gateway lets a refused request pass with its own Authorization, without the headers that it always strips', async () => {
    const edge = gateway({
      issuer: issuer.url,
      credentials: { clientId: 'edge', secret: secretOf('edge') },
      mode: 'report',
      onDecision: (decision) => decisions.push(decision),
    });
    const app = express();
    app.use(edge.protect({ audience: audienceOf('front') }), ({ headers }, response) =>
      response.json(headers),
    );
    const url = await listen(app);
    const sent = {
      authorization: 'Bearer session-of-old',
      'x-forwarded-user': 'root',
      'x-waybill-sub': 'root',
    };
    const seen = JSON.parse((await send(url, { headers: sent })).text) as Record<string, string>;
    expect(seen['authorization']).to.equal('Bearer session-of-old');
    expect(seen).to.not.have.any.keys('x-forwarded-user', 'x-waybill-sub');
    expect(JSON.parse((await send(url)).text)).to.not.have.property('authorization');
    const good = await token();
    const accepted = await send(url, { headers: { authorization: `bearer ${good}` } });
    expect(JSON.parse(accepted.text)).to.include({ authorization: `Bearer ${good}` });
    expect(told()).to.deep.equal([
      'reported gateway front token_malformed',
      'reported gateway front token_missing',
      'accepted gateway front',
    ]);
    const swapped = await edge.swap({ audience: audienceOf('front'), headers: [] });
    expect(swapped).to.deep.equal({ token: undefined, headers: [] });
  });
});
