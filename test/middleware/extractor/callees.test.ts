import { expect } from 'chai';

import type { ExtractorOptions, RequestContext } from '../../../src/middleware/index.ts';
import { AUDIENCE, NOW, type Json } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';
import { closeServers, listen } from '../../support/http.ts';
import { extractorFor, startCallee, startService } from '../services.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/issuer/scripted.ts';

describe('the tokens for the calls of a request', () => {
  let issuer: ScriptedIssuer;

  beforeEach(async () => {
    issuer = await startScriptedIssuer();
  });
  afterEach(closeServers);

  async function contextOf(
    overrides: Json,
    options: Partial<ExtractorOptions> = {},
  ): Promise<RequestContext> {
    const authorization = `Bearer ${await issuer.token(overrides)}`;
    return extractorFor(issuer, options).authenticate({ authorization });
  }

  function tokenFor(aud: string | string[], overrides: Json = {}): Promise<string> {
    return issuer.token({
      aud,
      scope: 'charge',
      act: { sub: 'spiffe://boutique.example/checkout' },
      ...overrides,
    });
  }

  const PAYMENT = 'https://payment.boutique.example';

  it('are found by name and by address', async () => {
    const payment = await tokenFor(PAYMENT);
    const context = await contextOf({ embedded: { payment } });
    expect(context.child('payment')).to.equal(payment);
    expect(context.headersFor('payment')).to.deep.equal({ authorization: `Bearer ${payment}` });
    expect(context.headersFor(`${PAYMENT}/charge`)).to.deep.equal({ authorization: `Bearer ${payment}` });
    expect(context.headersFor(new URL(PAYMENT))).to.deep.equal({ authorization: `Bearer ${payment}` });
  });

  it('are found by the longest audience, on whole segments', async () => {
    const [site, api, admin] = await Promise.all(
      ['', '/api', '/api/admin'].map((path) => tokenFor(PAYMENT + path)),
    );
    const context = await contextOf({ embedded: { site, api, admin } });
    const expected: [path: string, token: string | undefined][] = [
      ['/', site],
      ['/apis', site],
      ['/api', api],
      ['/api/x', api],
      ['/api/admins', api],
      ['/api/admin/x', admin],
      ['/api/admin/../x', api],
    ];
    for (const [path, token] of expected) {
      expect(context.headersFor(PAYMENT + path).authorization, path).to.equal(`Bearer ${token}`);
    }
  });

  it('are found by route first, to a name or to an audience', async () => {
    const [ads, payment] = await Promise.all([tokenFor('https://ads.boutique.example'), tokenFor(PAYMENT)]);
    const routes = { 'http://ads:8080': 'ads', 'http://ads:8080/pay': PAYMENT, [`${PAYMENT}/ads`]: 'ads' };
    const context = await contextOf({ embedded: { ads, payment } }, { routes });
    expect(context.headersFor('http://ads:8080/x').authorization).to.equal(`Bearer ${ads}`);
    expect(context.headersFor('http://ads:8080/pay/x').authorization).to.equal(`Bearer ${payment}`);
    expect(context.headersFor(`${PAYMENT}/ads/1`).authorization).to.equal(`Bearer ${ads}`);
    await failure('child_missing', () => context.headersFor('http://ads:9090/x'));
  });

  it('do not fall through to an audience where the callee of a route has none', async () => {
    const context = await contextOf(
      { embedded: { payment: await tokenFor(PAYMENT) } },
      { routes: { [PAYMENT]: 'ads' } },
    );
    await failure('child_missing', () => context.headersFor(PAYMENT));
  });

  it('are missing for a callee that the token does not name, and the parent never stands in', async () => {
    const context = await contextOf({ embedded: { payment: await tokenFor(PAYMENT) } });
    const names = ['ledger', 'constructor', '__proto__', 'toString', ''];
    for (const name of names) await failure('child_missing', () => context.headersFor(name));
    for (const address of [
      'https://ledger.boutique.example',
      AUDIENCE,
      'https://payment.boutique.example.evil.example',
    ]) {
      await failure('child_missing', () => context.headersFor(address));
    }
  });

  it('are refused for what is no address of a callee', async () => {
    const context = await contextOf({ embedded: { payment: await tokenFor(PAYMENT) } });
    const addresses = [
      'https://user@payment.boutique.example',
      'ftp://payment.boutique.example',
      `${PAYMENT}/..%2fx`,
      ':',
    ];
    for (const address of addresses) await failure('usage', () => context.headersFor(address));
  });

  it('are an error where the callee is on demand, even below another callee', async () => {
    const payment = await tokenFor(PAYMENT);
    const context = await contextOf({ embedded: { payment }, on_demand: { fraud: `${PAYMENT}/fraud` } });
    for (const callee of ['fraud', `${PAYMENT}/fraud/check`]) {
      const error = await failure('child_on_demand', () => context.headersFor(callee));
      expect(error.message).to.include('fraud').and.to.include('on demand').and.to.include('credentials');
    }
    expect(context.headersFor(`${PAYMENT}/frauds`).authorization).to.equal(`Bearer ${payment}`);
  });

  it('are an error where two callees have one audience, unless asked by name', async () => {
    const [a, b] = await Promise.all([tokenFor(PAYMENT), tokenFor(PAYMENT, { scope: 'refund' })]);
    const context = await contextOf({ embedded: { a, b } });
    await failure('child_ambiguous', () => context.headersFor(PAYMENT));
    expect(context.child('b')).to.equal(b);
  });

  it('are the inbound token for the other audiences that it names itself', async () => {
    const forwarded = 'https://flags.boutique.example';
    const token = await issuer.token({ aud: [AUDIENCE, forwarded] });
    const waybill = extractorFor(issuer, { routes: { 'http://flags:80': forwarded } });
    const context = await waybill.authenticate({ authorization: `Bearer ${token}` });
    for (const address of [`${forwarded}/evaluate`, 'http://flags/evaluate']) {
      expect(context.headersFor(address).authorization).to.equal(`Bearer ${token}`);
    }
    await failure('child_missing', () => context.headersFor(AUDIENCE));
    await failure('child_missing', () => context.headersFor('https://payment.boutique.example'));
  });

  it('are never the inbound token where that carries others', async () => {
    const forwarded = 'https://flags.boutique.example';
    const context = await contextOf({
      aud: [AUDIENCE, forwarded],
      embedded: { payment: await tokenFor(PAYMENT) },
    });
    await failure('child_foreign', () => context.headersFor(forwarded));
  });

  it('belong to every audience of a child, the longest prefix before the others', async () => {
    const [older, below] = ['https://billing.boutique.example', `${PAYMENT}/ledger`];
    const payment = await tokenFor([PAYMENT, older]);
    const ledger = await tokenFor([below, 'https://ledger.boutique.example']);
    const context = await contextOf({ embedded: { payment, ledger } });
    for (const address of [PAYMENT, `${older}/charge`, `${PAYMENT}/charge`])
      expect(context.headersFor(address).authorization).to.equal(`Bearer ${payment}`);
    for (const address of [`${below}/1`, 'https://ledger.boutique.example'])
      expect(context.headersFor(address).authorization).to.equal(`Bearer ${ledger}`);
    await failure('child_missing', () => context.headersFor('https://flags.boutique.example'));
  });

  it('belong to the child whose first audience it is, before one that may be forwarded there', async () => {
    const flagsAt = 'https://flags.boutique.example';
    const flags = await tokenFor(flagsAt);
    const context = await contextOf({
      embedded: { payment: await tokenFor([PAYMENT, flagsAt]), flags },
    });
    expect(context.headersFor(flagsAt).authorization).to.equal(`Bearer ${flags}`);
  });

  it('are fetched for every audience of a callee on demand', async () => {
    const audiences = [PAYMENT, 'https://billing.boutique.example'];
    const context = await contextOf({ on_demand: { payment: audiences } });
    for (const audience of audiences)
      await failure('child_on_demand', () => context.headersFor(`${audience}/charge`));
  });

  it('are none of the audiences of the service itself, however many it has', async () => {
    const own = [AUDIENCE, 'https://checkout.older.example'];
    const token = await issuer.token({ aud: own });
    const context = await extractorFor(issuer, { audience: own }).authenticate({
      authorization: `Bearer ${token}`,
    });
    for (const audience of own) await failure('child_missing', () => context.headersFor(audience));
  });

  describe('an attack', () => {
    const foreign: Record<string, Json> = {
      'of another transaction': { txn: 'T2' },
      'of another subject': { sub: 'login:mallory' },
      'that outlives its parent': { exp: NOW + 301 },
    };
    for (const [what, overrides] of Object.entries(foreign)) {
      it(`with a child ${what} is refused even under the issuer's signature`, async () => {
        const payment = await tokenFor(PAYMENT, overrides);
        const context = await contextOf({ embedded: { payment } });
        await failure('child_foreign', () => context.child('payment'), payment);
        await failure('child_foreign', () => context.headersFor(PAYMENT), payment);
      });
    }

    it('that grafts a child into a parent fails at the signature of the parent', async () => {
      const stolen = await tokenFor(PAYMENT, { txn: 'T2', sub: 'login:mallory' });
      const parent = await issuer.token({ embedded: { payment: await tokenFor(PAYMENT) } });
      const [header = '', payload = '', signature = ''] = parent.split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Json;
      const grafted = Buffer.from(JSON.stringify({ ...claims, embedded: { payment: stolen } })).toString(
        'base64url',
      );
      const waybill = extractorFor(issuer);
      await waybill.authenticate({ authorization: `Bearer ${parent}` });
      const authorization = `Bearer ${header}.${grafted}.${signature}`;
      await failure('token_signature', () => waybill.authenticate({ authorization }), stolen);
    });

    it('that mixes up two requests at once gets each its own children', async () => {
      const waybill = extractorFor(issuer);
      const users = Array.from({ length: 10 }, (_, index) => ({
        sub: `login:user${index}`,
        txn: `T${index}`,
      }));
      await Promise.all(
        users.map(async (user) => {
          const payment = await tokenFor(PAYMENT, user);
          const authorization = `Bearer ${await issuer.token({ ...user, embedded: { payment } })}`;
          for (let times = 0; times < 3; times += 1) {
            const context = await waybill.authenticate({ authorization });
            expect(context.headersFor(PAYMENT).authorization).to.equal(`Bearer ${payment}`);
            expect(context.claims.sub).to.equal(user.sub);
          }
        }),
      );
    });

    it('with a child that is no token is refused by name and by address', async () => {
      const context = await contextOf({ embedded: { payment: 'a.b.c', email: 'x' } });
      await failure('token_malformed', () => context.child('payment'));
      await failure('token_malformed', () => context.headersFor(PAYMENT));
    });
  });

  it('end with their own exp, while the request is still running', async () => {
    let now = NOW;
    const payment = await tokenFor(PAYMENT, { exp: NOW + 30 });
    const context = await contextOf({ embedded: { payment } }, { clock: () => now });
    now += 29;
    expect(context.child('payment')).to.equal(payment);
    now += 1;
    for (const ask of [
      () => context.child('payment'),
      () => context.headersFor(PAYMENT),
      () => context.fetch(PAYMENT),
    ]) {
      await failure('token_expired', ask, payment);
    }
  });

  it('end with the exp of the inbound token where that is forwarded', async () => {
    let now = NOW;
    const context = await contextOf({ aud: [AUDIENCE, PAYMENT] }, { clock: () => now });
    now += 300;
    await failure('token_expired', () => context.headersFor(PAYMENT));
  });

  it('keep their budgets, to the byte and by callee', async () => {
    const payment = await tokenFor(PAYMENT);
    const bytes = payment.length;
    const within = async (outbound: NonNullable<ExtractorOptions['budget']>['outbound']) =>
      contextOf({ embedded: { payment } }, { budget: { outbound } });
    for (const outbound of [bytes, { payment: bytes }, { email: 1 }])
      expect((await within(outbound)).headersFor('payment')).to.have.keys(['authorization']);
    for (const outbound of [bytes - 1, { payment: bytes - 1 }]) {
      const context = await within(outbound);
      const error = await failure('child_too_large', () => context.headersFor('payment'), payment);
      expect(error.message)
        .to.include('payment')
        .and.to.include(`${bytes} bytes`)
        .and.to.include(`${bytes - 1} bytes`);
    }
  });

  describe('sent with fetch', () => {
    it("reach the callee, from an Express handler, as the callee's own token", async () => {
      const callee = await startCallee();
      const payment = await tokenFor(`${callee}/payment`);
      const service = await startService(
        extractorFor(issuer),
        { scope: 'order:place' },
        async (request, response) => {
          const answer = await request.waybill.fetch(`${callee}/payment/charge`, {
            method: 'POST',
            body: '{}',
          });
          response.json(await answer.json());
        },
      );
      const authorization = `Bearer ${await issuer.token({ embedded: { payment } })}`;
      const response = await fetch(service, { headers: { authorization } });
      expect(await response.json()).to.deep.equal({
        path: '/payment/charge',
        authorization: `Bearer ${payment}`,
      });
    });

    it('keep the other headers of init', async () => {
      const callee = await listen((request, response) => response.end(request.headers['x-trace']));
      const context = await contextOf({ embedded: { payment: await tokenFor(callee) } });
      const response = await context.fetch(callee, { headers: [['X-Trace', '7']] });
      expect(await response.text()).to.equal('7');
    });

    it('are not sent at all where the child is missing, on demand, too large, or the header is set already', async () => {
      let asked = 0;
      const callee = await listen((_request, response) => {
        asked += 1;
        response.end();
      });
      const missing = await contextOf({});
      await failure('child_missing', () => missing.fetch(callee));
      const onDemand = await contextOf({ on_demand: { payment: callee } });
      await failure('child_on_demand', () => onDemand.fetch(callee));
      const embedded = { payment: await tokenFor(callee) };
      const small = await contextOf({ embedded }, { budget: { outbound: 10 } });
      await failure('child_too_large', () => small.fetch(callee));
      const context = await contextOf({ embedded });
      await failure('usage', () => context.fetch(callee, { headers: { AUTHORIZATION: 'Basic YTpi' } }));
      await failure('usage', () => context.fetch('/charge'));
      await failure('usage', () => context.fetch(new Request(callee) as unknown as URL));
      expect(asked).to.equal(0);
    });

    it('name the address that is none, and `routes`, without query, fragment and user name', async () => {
      const context = await contextOf({});
      const addresses: readonly (readonly [address: string, shown: string])[] = [
        ['/charge?card=s3cret', '"/charge"'],
        ['payment/charge#s3cret', '"payment/charge"'],
        ['/charge?by=s3cret@shop.example', '"/charge"'],
        ['https://ann:s3cret@payment:port/charge', '"payment:port/charge"'],
        ['https://ann:s3/cret@payment/charge', '"payment/charge"'],
        ['https://ann:s3?cret@payment/charge', '"https:"'],
        ['https://ann:s3#cret@payment/charge', '"https:"'],
      ];
      for (const [address, shown] of addresses) {
        const error = await failure('usage', () => context.fetch(address));
        expect(error.message).to.equal(
          `fetch takes an absolute address, not ${shown}: the audience of the callee or an entry of \`routes\``,
        );
      }
      const long = await failure('usage', () => context.fetch(`/${'x'.repeat(10_000)}`));
      expect(long.message.length).to.be.below(400);
    });

    it('are not sent to an address whose path a server could read as that of another service', async () => {
      const reached: (string | undefined)[] = [];
      const site = await listen((request, response) => {
        reached.push(request.url);
        response.end();
      });
      const [charge, admin] = [await tokenFor(`${site}/charge`), await tokenFor(`${site}/admin`)];
      const context = await contextOf({ embedded: { charge, admin } });
      for (const path of [
        '..;/admin',
        '..%3b/admin',
        '.;x/../..;/admin',
        '%252e%252e/admin',
        '..\\admin',
        'a%00',
      ])
        await failure('usage', () => context.fetch(`${site}/charge/${path}`));
      expect(reached).to.deep.equal([]);
      await context.fetch(`${site}/charge/card;v=1/eur`);
      expect(reached).to.deep.equal(['/charge/card;v=1/eur']);
    });

    it('do not follow a redirect, unless the author says so', async () => {
      const evil = await startCallee();
      const callee = await listen((_request, response) =>
        response.writeHead(307, { location: `${evil}/steal` }).end(),
      );
      const context = await contextOf({ embedded: { payment: await tokenFor(callee) } });
      for (const init of [{}, { redirect: undefined } as unknown as RequestInit]) {
        expect((await context.fetch(callee, init)).status).to.equal(307);
      }
      const followed = await context.fetch(callee, { redirect: 'follow' });
      expect(await followed.json()).to.deep.equal({ path: '/steal', authorization: null });
    });
  });
});
