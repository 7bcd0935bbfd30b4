/** The extractor fetches what is on demand: from an issuer that a test can bend. */
import { expect } from 'chai';

import { NOW, type Json } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';
import { ADS, CREDENTIALS, PAYMENT, SECRET, granted, json, openDesk, type Desk } from './exchanging.ts';
import { closeServers, listen } from '../../support/http.ts';
import { extractorFor, startCallee } from '../services.ts';

describe('a token that is on demand', () => {
  let desk: Desk;

  beforeEach(async () => {
    desk = await openDesk();
  });
  afterEach(closeServers);

  describe('is desk.asked for', () => {
    it('RFC 8693 section 2.1: with the token that the service received, by name, as the service itself', async () => {
      const inbound = await desk.issuer.token({ on_demand: { ads: ADS } });
      const waybill = extractorFor(desk.issuer, { credentials: CREDENTIALS });
      const context = await waybill.authenticate({ authorization: `Bearer ${inbound}` });
      const { authorization } = await context.obtainHeaders('ads');
      expect(authorization)
        .to.match(/^Bearer ey/)
        .and.not.contain(inbound);
      expect(desk.asked.map(({ form }) => form)).to.deep.equal([
        {
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: inbound,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          audience: 'ads',
        },
      ]);
    });

    it('RFC 6749 section 2.3.1: with id and secret form-encoded in Basic, or in the body where that is said', async () => {
      await (await desk.contextOf()).obtainHeaders('ads');
      const basic = desk.asked[0]?.authorization?.replace('Basic ', '') ?? '';
      const [id, secret] = Buffer.from(basic, 'base64')
        .toString()
        .split(':')
        .map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
      expect([id, secret]).to.deep.equal(['check out', SECRET]);
      const post = { ...CREDENTIALS, method: 'client_secret_post' } as const;
      await (await desk.contextOf({}, { credentials: post })).obtainHeaders('ads');
      expect(desk.asked[1]?.authorization).to.equal(undefined);
      expect(desk.asked[1]?.form).to.include({ client_id: 'check out', client_secret: SECRET });
    });

    it('by fetch, by address, by route, and by name', async () => {
      const callee = await startCallee();
      const options = { routes: { 'http://ads:8080': 'ads' } };
      const context = await desk.contextOf({ on_demand: { ads: ADS, site: callee } }, options);
      for (const address of ['ads', `${ADS}/banner`, new URL(ADS), 'http://ads:8080/x']) {
        expect((await context.obtainHeaders(address)).authorization).to.match(/^Bearer /);
      }
      expect(desk.asked.map(({ form }) => form['audience'])).to.deep.equal(['ads']);
      desk.answer = async (response) => granted(response, await desk.tokenFor(callee));
      const sent = (await (await context.fetch(`${callee}/x`)).json()) as Json;
      expect(sent['path']).to.equal('/x');
      expect(desk.asked.map(({ form }) => form['audience'])).to.deep.equal(['ads', 'site']);
    });

    it('at the endpoint that discovery names (RFC 8414), or the one that the author does', async () => {
      await (await desk.contextOf()).obtainHeaders('ads');
      expect(desk.issuer.requests).to.deep.equal([
        '/.well-known/oauth-authorization-server',
        '/jwks',
        '/.well-known/oauth-authorization-server',
        '/token',
      ]);
      desk.issuer.requests.length = 0;
      const own = { jwksUri: `${desk.issuer.url}/jwks`, tokenEndpoint: `${desk.issuer.url}/token` };
      await (await desk.contextOf({}, own)).obtainHeaders('ads');
      expect(desk.issuer.requests).to.deep.equal(['/jwks', '/token']);
    });

    it('without credentials not at all: the call fails closed', async () => {
      const callee = await startCallee();
      const authorization = `Bearer ${await desk.issuer.token({ on_demand: { ads: callee } })}`;
      const context = await extractorFor(desk.issuer).authenticate({ authorization });
      for (const act of [
        () => context.fetch(callee),
        () => context.obtainHeaders('ads'),
        () => context.child('ads'),
      ]) {
        const { message } = await failure('child_on_demand', act);
        expect(message).to.contain('credentials');
      }
      expect(desk.asked).to.deep.equal([]);
    });

    it('by no synchronous method: they say which ones to use', async () => {
      const context = await desk.contextOf();
      for (const act of [
        () => context.child('ads'),
        () => context.headersFor('ads'),
        () => context.headersFor(ADS),
      ]) {
        expect(act).to.throw().with.property('code', 'child_on_demand');
        expect(act).to.throw(/use fetch or obtainHeaders/);
      }
      expect(desk.asked).to.deep.equal([]);
    });

    it('only where the token names it: a callee that is neither embedded nor on demand is missing', async () => {
      const context = await desk.contextOf();
      await failure('child_missing', () => context.obtainHeaders('bank'));
      await failure('child_missing', () => context.obtainHeaders('https://bank.boutique.example'));
      expect(desk.asked).to.deep.equal([]);
    });
  });

  describe('is fetched once', () => {
    it('however many calls wait for it', async () => {
      const context = await desk.contextOf();
      const got = await Promise.all(Array.from({ length: 50 }, () => context.obtainHeaders('ads')));
      expect(new Set(got.map(({ authorization }) => authorization)).size).to.equal(1);
      expect(desk.asked).to.have.lengthOf(1);
    });

    it('for several requests with one token, and for each callee and each token by itself', async () => {
      const waybill = extractorFor(desk.issuer, { credentials: CREDENTIALS });
      const one = `Bearer ${await desk.issuer.token({ on_demand: { ads: ADS, payment: PAYMENT } })}`;
      const other = `Bearer ${await desk.issuer.token({ on_demand: { ads: ADS }, sub: 'login:bob', txn: 'T2' })}`;
      const first = await (await waybill.authenticate({ authorization: one })).obtainHeaders('ads');
      expect(await (await waybill.authenticate({ authorization: one })).obtainHeaders('ads')).to.deep.equal(
        first,
      );
      expect(desk.asked).to.have.lengthOf(1);
      await (await waybill.authenticate({ authorization: one })).obtainHeaders('payment');
      desk.answer = async (response) =>
        granted(response, await desk.tokenFor('ads', { sub: 'login:bob', txn: 'T2' }));
      const bobs = await (await waybill.authenticate({ authorization: other })).obtainHeaders('ads');
      expect(desk.asked).to.have.lengthOf(3);
      expect(bobs).to.not.deep.equal(first); // threat 3
    });

    it('until shortly before it ends', async () => {
      desk.answer = async (response, { form }) =>
        granted(response, await desk.tokenFor(form['audience'] ?? '', { exp: desk.now + 60 }));
      const context = await desk.contextOf();
      const first = await context.obtainHeaders('ads');
      desk.now += 54;
      expect(await context.obtainHeaders('ads')).to.deep.equal(first);
      desk.now += 1;
      expect(await context.obtainHeaders('ads')).to.not.deep.equal(first);
      expect(desk.asked).to.have.lengthOf(2);
    });

    it('where it ends too soon to be kept, for those who wait at the time', async () => {
      desk.answer = async (response) => granted(response, await desk.tokenFor('ads', { exp: desk.now + 4 }));
      const context = await desk.contextOf();
      await Promise.all([context.obtainHeaders('ads'), context.obtainHeaders('ads')]);
      expect(desk.asked).to.have.lengthOf(1);
      await context.obtainHeaders('ads');
      expect(desk.asked).to.have.lengthOf(2);
    });

    it('as long as there is room; the one that was used least makes it', async () => {
      const context = await desk.contextOf({}, { cache: { exchanged: 1 } });
      for (const callee of ['ads', 'ads', 'payment', 'payment', 'ads']) await context.obtainHeaders(callee);
      expect(desk.asked.map(({ form }) => form['audience'])).to.deep.equal(['ads', 'payment', 'ads']);
    });

    it('and a failure is not kept: all who waited hear of it, the next call asks again', async () => {
      const right = desk.answer;
      desk.answer = (response) => json(response, 503, { error: 'server_error' });
      const context = await desk.contextOf();
      const outcomes = await Promise.allSettled([context.obtainHeaders('ads'), context.obtainHeaders('ads')]);
      expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
      expect(desk.asked).to.have.lengthOf(1);
      desk.answer = right;
      await context.obtainHeaders('ads');
    });

    it('and caches a refusal for five seconds, but not that the service is unknown', async () => {
      const right = desk.answer;
      desk.answer = (response) => json(response, 400, { error: 'invalid_target' });
      const context = await desk.contextOf();
      for (let times = 0; times < 100; times += 1) {
        const { message } = await failure('exchange_refused', () => context.obtainHeaders('ads'));
        expect(message).to.equal('the issuer gave no token for ads: invalid_target');
      }
      expect(desk.asked).to.have.lengthOf(1);
      desk.answer = right;
      desk.now += 4;
      await failure('exchange_refused', () => context.obtainHeaders('ads'));
      desk.now += 1;
      await context.obtainHeaders('ads');
      for (const [status, error] of [
        [400, 'invalid_client'],
        [401, 'invalid_client'],
      ] as const) {
        desk.answer = (response) => json(response, status, { error });
        await failure('exchange_refused', () => context.obtainHeaders('payment'));
      }
      desk.answer = right;
      await context.obtainHeaders('payment');
    });
  });

  describe('comes in place of an embedded one', () => {
    const child = (exp: number) => desk.tokenFor('ads', { exp });

    it('that has expired, and of no other', async () => {
      const context = await desk.contextOf({
        on_demand: undefined,
        embedded: { ads: await child(NOW + 60) },
      });
      const embedded = context.headersFor('ads');
      expect(await context.obtainHeaders(ADS)).to.deep.equal(embedded);
      desk.now += 60;
      await failure('token_expired', () => context.headersFor('ads'));
      expect(await context.obtainHeaders(ADS)).to.not.deep.equal(embedded);
      expect(desk.asked.map(({ form }) => form['audience'])).to.deep.equal(['ads']);
    });

    it('without credentials it stays expired', async () => {
      const embedded = { ads: await child(NOW + 60) };
      const authorization = `Bearer ${await desk.issuer.token({ embedded })}`;
      const context = await extractorFor(desk.issuer, { clock: () => desk.now }).authenticate({
        authorization,
      });
      desk.now += 60;
      await failure('token_expired', () => context.obtainHeaders('ads'));
    });

    it('not once the token of the request has expired itself: nothing could be fetched with it', async () => {
      const forwarded = 'https://log.boutique.example';
      const context = await desk.contextOf({ aud: ['https://checkout.boutique.example', forwarded] });
      desk.now += 300;
      for (const callee of ['ads', forwarded])
        await failure('token_expired', () => context.obtainHeaders(callee));
      expect(desk.asked).to.deep.equal([]);
    });
  });

  it('keeps the budget of its callee, or is not sent', async () => {
    let calls = 0;
    const callee = await listen((_request, response) => void response.end(String(++calls)));
    desk.answer = async (response) =>
      granted(response, await desk.tokenFor(callee, { pad: 'x'.repeat(40_000) }));
    for (const outbound of [1000, { ads: 1000 }, { other: 100_000 }, undefined]) {
      const context = await desk.contextOf({ on_demand: { ads: callee } }, { budget: { outbound } });
      await failure('child_too_large', () => context.fetch(callee));
    }
    expect(calls).to.equal(0);
    const roomy = await desk.contextOf({ on_demand: { ads: callee } }, { budget: { outbound: 100_000 } });
    expect((await roomy.obtainHeaders('ads')).authorization).to.have.length.greaterThan(40_000);
  });
});
