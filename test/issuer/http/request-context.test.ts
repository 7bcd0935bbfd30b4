/** The context of a request: what a client says of it when it asks for a tree, and a gateway with each swap. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { requestGraph } from '../../support/graphs/request-claims.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { basic, type Answer } from '../../support/http.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const TYPE = 'urn:waybill:context';
const JWT = 'application/jwt';

const PAID = { amount: 1250, currency: 'EUR', gift: true, items: ['a', 'b'] };

let issuer: TestIssuer;

function post(
  path: string,
  as: string,
  form: Record<string, string>,
  accept = 'application/json',
): Promise<Answer> {
  const headers = { authorization: basic(as, secretOf(as)), accept };
  return issuer.token(form, { path, headers });
}

const ask = (form: Record<string, string>, as = 'till'): Promise<Answer> =>
  post('/token', as, { grant_type: 'client_credentials', ...form });

const rich = (object: object | string): string =>
  `[${typeof object === 'string' ? object : JSON.stringify({ type: TYPE, ...object })}]`;

const pay = (details: object | string, as = 'till'): Promise<Answer> =>
  ask({ scope: 'pay', authorization_details: rich(details) }, as);

const exchange = (as: string, token: string, audience: string, more: Record<string, string> = {}) =>
  post('/token', as, {
    grant_type: EXCHANGE,
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
    audience,
    ...more,
  });

const swap = (token: string, context?: object | string, more: Record<string, string> = {}) =>
  post(
    '/introspect',
    'edge',
    {
      token,
      ...(context === undefined
        ? {}
        : { request_context: typeof context === 'string' ? context : JSON.stringify(context) }),
      ...more,
    },
    JWT,
  );

const tokenOf = ({ body }: Answer): string => body['access_token'] as string;

function expectRefused(answer: Answer, error: string, description: RegExp): void {
  expect([answer.status, answer.body['error']], answer.text).to.deep.equal([400, error]);
  expect(answer.body['error_description']).to.match(description);
}

describe('The context of a request', () => {
  before(async () => {
    issuer = await startIssuer((url) => requestGraph(url));
  });
  after(stopIssuers);

  describe('that a client sets', () => {
    it('X4: is in the tokens whose scopes name it, one value in all of them, and in no other', async () => {
      const token = tokenOf(await pay(PAID));
      expect(decodeJwt(token))
        .to.include({ gift: true })
        .and.to.not.have.any.keys('amount', 'currency', 'items');
      const { payload } = tokenAt(token, 'payment');
      expect(payload)
        .to.include({ amount: 1250, currency: 'EUR' })
        .and.to.not.have.any.keys('gift', 'items', 'ip');
    });

    it('X6, RFC 9396 sections 7 and 10: the answer says what was granted; the metadata name the type', async () => {
      const { body } = await pay(PAID);
      expect(body['authorization_details']).to.deep.equal([
        { type: TYPE, gift: true, amount: 1250, currency: 'EUR', items: ['a', 'b'] },
      ]);
      const read = await ask({ scope: 'read', authorization_details: rich(PAID) });
      expect(read.body['authorization_details'], 'no token of the tree has one').to.deep.equal([]);
      const answer = await fetch(`${issuer.url}/.well-known/oauth-authorization-server`);
      expect(await answer.json()).to.deep.include({ authorization_details_types_supported: [TYPE] });
    });

    it('X2: comes as request_details as well, and then the answer is that of RFC 6749', async () => {
      const { body } = await ask({ scope: 'pay', request_details: JSON.stringify(PAID) });
      expect(Object.keys(body)).to.deep.equal(['access_token', 'token_type', 'expires_in', 'scope']);
      expect(tokenAt(body['access_token'] as string, 'payment').payload).to.include({ amount: 1250 });
    });

    it('X2: in both ways at once is refused', async () => {
      const both = { authorization_details: rich({ amount: 1 }), request_details: '{"amount":1}' };
      expectRefused(await ask({ scope: 'pay', ...both }), 'invalid_authorization_details', /not both/);
    });

    const WRONG: readonly (readonly [title: string, members: string, description: RegExp])[] = [
      ['a name twice', '"amount":1,"currency":"EUR","amount":1000000', /a member twice/],
      ['the same name in another spelling', '"amount":1,"currency":"EUR","\\u0061mount":9', /a member twice/],
      ['an unknown name', '"amount":1,"currency":"EUR","secret-word":"x"', /no claim of the request/],
      ['a claim of the client', '"amount":1,"currency":"EUR","tier":"gold"', /no claim of the request/],
      ['what a gateway sets', '"amount":1,"currency":"EUR","ip":"192.0.2.1"', /ip is set by the gateway/],
      ['a text for a number', '"amount":"1250","currency":"EUR"', /amount is not of its type, int/],
      ['a fraction', '"amount":12.5,"currency":"EUR"', /cannot be read/],
      ['a fraction of zero', '"amount":1250.0,"currency":"EUR"', /cannot be read/],
      ['an exponent', '"amount":1e3,"currency":"EUR"', /cannot be read/],
      [
        'a number that no reader keeps',
        '"amount":9007199254740993,"currency":"EUR"',
        /amount is not of its type/,
      ],
      ['null', '"amount":null,"currency":"EUR"', /cannot be read/],
      ['an object', '"amount":{"a":1},"currency":"EUR"', /cannot be read/],
      ['a number in a list', '"amount":1,"currency":"EUR","items":[1]', /cannot be read/],
      ['a value that is not listed', '"amount":1,"currency":"GBP"', /currency is not one of those/],
      [
        'a value over its bound',
        `"amount":1,"currency":"EUR","items":["${'x'.repeat(37)}"]`,
        /items of the request has 41 bytes; at most 40/,
      ],
      ['a missing value', '"amount":1', /payment needs the claim currency/],
      ['a prototype', '"__proto__":{"amount":1}', /cannot be read/],
    ];
    for (const [title, members, description] of WRONG) {
      it(`X1, X2, threat 58: ${title} is refused in either form, under its own code`, async () => {
        const details = await pay(`{"type":"${TYPE}",${members}}`);
        expectRefused(details, 'invalid_authorization_details', description);
        expectRefused(
          await ask({ scope: 'pay', request_details: `{${members}}` }),
          'invalid_request',
          description,
        );
      });
    }

    it('RFC 9396 section 5: another type, several objects and what is no list are refused', async () => {
      for (const details of [
        '[{"type":"other","amount":1}]',
        '[{"amount":1}]',
        '[{"type":["urn:waybill:context"],"amount":1}]',
        '[]',
        '{}',
        `[{"type":"${TYPE}"},{"type":"${TYPE}"}]`,
        `[{"type":"${TYPE}"}] x`,
        'null',
        '[',
        '"',
      ])
        expectRefused(
          await ask({ scope: 'read', authorization_details: details }),
          'invalid_authorization_details',
          /type|list of one|cannot be read/,
        );
    });

    it('is bounded before it is parsed', async () => {
      const long = `{"amount":${' '.repeat(8 * 1024)}1}`;
      expectRefused(
        await ask({ scope: 'pay', request_details: long }),
        'invalid_request',
        /at most 8192 characters/,
      );
      const deep = '['.repeat(8_000);
      expectRefused(await ask({ scope: 'pay', request_details: deep }), 'invalid_request', /cannot be read/);
    });

    it('X2, threat 63: no value and no unknown name of it is in an error or in the log', async () => {
      const before = issuer.logText().length;
      for (const members of [
        '"amount":"hidden-4711","currency":"EUR"',
        '"amount":1,"currency":"hidden-4711"',
        '"hidden-4711":1',
        '"amount":1,"currency":"EUR","items":["hidden-4711 hidden-4711 hidden-4711 hidden-4711"]',
        '"amount":1,"currency":"EUR","amount":"hidden-4711',
      ])
        for (const form of [
          { authorization_details: `[{"type":"${TYPE}",${members}}]` },
          { request_details: `{${members}}` },
        ])
          expect((await ask({ scope: 'pay', ...form })).text).to.not.contain('4711');
      await pay({ ...PAID, items: ['hidden-4711'] });
      expect(issuer.logText().slice(before))
        .to.contain('refused')
        .and.to.contain('issued')
        .and.to.not.contain('4711');
    });

    it('that a tree does not need may be missing; what it needs may not, whatever the form', async () => {
      expect((await ask({ scope: 'read' })).status).to.equal(200);
      expectRefused(await ask({ scope: 'pay' }), 'invalid_request', /payment needs the claim amount/);
    });

    it('threat 61: is not mixed up between requests, which come at once or one after the other', async () => {
      const amounts = Array.from({ length: 12 }, (_, n) => n * 100);
      const answers = await Promise.all(amounts.map((amount) => pay({ ...PAID, amount })));
      expect(answers.map((answer) => tokenAt(tokenOf(answer), 'payment').payload['amount'])).to.deep.equal(
        amounts,
      );
      for (const amount of [7, 8]) {
        const token = tokenOf(await pay({ ...PAID, amount }));
        expect(tokenAt(token, 'payment').payload).to.include({ amount });
      }
    });

    it('X6: makes a tree that is never reused, and no other tree is given for it', async () => {
      const tokens = [
        await ask({ scope: 'read' }),
        await ask({ scope: 'read', request_details: '{"gift":true}' }),
        await ask({ scope: 'read', request_details: '{"gift":true}' }),
        await ask({ scope: 'read' }),
      ].map(tokenOf);
      expect(new Set(tokens).size).to.equal(3);
      expect(tokens[3]).to.equal(tokens[0]);
    });

    it('has its own type where the graph says so', async () => {
      const other = await startIssuer((url) =>
        requestGraph(url, { issuer: ', context_type: https://shop.example/pay' }),
      );
      const token = (type: string) =>
        other.token(
          {
            grant_type: 'client_credentials',
            scope: 'pay',
            authorization_details: JSON.stringify([{ type, amount: 1, currency: 'USD' }]),
          },
          { as: 'till' },
        );
      expect((await token('https://shop.example/pay')).status).to.equal(200);
      expectRefused(
        await token(TYPE),
        'invalid_authorization_details',
        /must be https:\/\/shop\.example\/pay/,
      );
    });
  });

  describe('in an exchange', () => {
    it('X5: comes from the presented token and its `held`, down to the last exchange', async () => {
      const token = tokenOf(await pay(PAID));
      const ledger = await exchange('shop', token, 'ledger');
      expect(decodeJwt(tokenOf(ledger))).to.deep.include({ amount: 1250, items: ['a', 'b'] });
      const archive = await exchange('ledger', tokenOf(ledger), 'archive');
      expect(decodeJwt(tokenOf(archive)))
        .to.include({ currency: 'EUR' })
        .and.to.not.have.property('amount');
      // That of an embedded callee is in the embedded token.
      expect(decodeJwt(tokenOf(await exchange('shop', token, 'payment')))).to.include({ amount: 1250 });
    });

    it('X5, threat 60: a service cannot say anything of the request', async () => {
      const token = tokenOf(await pay(PAID));
      for (const form of [
        { authorization_details: rich({ amount: 1 }) },
        { request_details: '{"amount":1}' },
        { request_context: '{"ip":"192.0.2.1"}' },
        { request_details: 'x' },
      ])
        expectRefused(
          await exchange('shop', token, 'payment', form),
          'invalid_request',
          /A service cannot set/,
        );
    });

    it('a client cannot use the parameter of a gateway, nor a gateway those of a client', async () => {
      expectRefused(await ask({ scope: 'read', request_context: '{}' }), 'invalid_request', /for gateways/);
      const reference = tokenOf(await ask({ scope: 'look' }, 'web'));
      for (const form of [{ authorization_details: '[]' }, { request_details: '{}' }])
        expectRefused(await swap(reference, undefined, form), 'invalid_request', /A client sets it/);
    });
  });

  describe('of an opaque token', () => {
    it('X6: is kept with the grant as far as the tree needs it, and is in every swap', async () => {
      const answer = await pay(PAID, 'web');
      expect(answer.body['authorization_details']).to.deep.equal([
        { type: TYPE, gift: true, amount: 1250, currency: 'EUR', items: ['a', 'b'] },
      ]);
      for (let n = 0; n < 2; n += 1) {
        const { text } = await swap(tokenOf(answer));
        expect(decodeJwt(text)).to.include({ gift: true });
        expect(tokenAt(text, 'payment').payload).to.include({ amount: 1250, currency: 'EUR' });
        expect(decodeJwt(tokenOf(await exchange('shop', text, 'ledger')))).to.include({ amount: 1250 });
      }
    });

    it('X3: the gateway adds what only it knows, for this swap alone', async () => {
      const reference = tokenOf(await ask({ scope: 'look', request_details: '{"amount":5}' }, 'web'));
      const swapped = async (context?: object) => decodeJwt((await swap(reference, context)).text);
      expect(await swapped({ ip: '192.0.2.1' })).to.include({ amount: 5, ip: '192.0.2.1' });
      expect(await swapped({ ip: '2001:db8::1' })).to.include({ ip: '2001:db8::1' });
      expect(await swapped())
        .to.include({ amount: 5 })
        .and.to.not.have.property('ip');
    });

    it('X3, threat 59: what the client set, a gateway cannot change, nor set what the client left out', async () => {
      for (const details of ['{"amount":5}', '{}']) {
        const reference = tokenOf(await ask({ scope: 'look', request_details: details }, 'web'));
        expectRefused(await swap(reference, { amount: 1 }), 'invalid_request', /amount is set by the client/);
      }
    });

    it('threat 94: a wrong context is refused alike for a known token and for an unknown one', async () => {
      const reference = tokenOf(await ask({ scope: 'look' }, 'web'));
      const none = reference.replace(/^wbo_./, (start) => (start === 'wbo_A' ? 'wbo_B' : 'wbo_A'));
      const answers = [await swap(reference, { amount: 1 }), await swap(none, { amount: 1 })];
      expect(answers[1]).to.deep.include({ status: 400, text: answers[0]!.text });
      expect((await swap(none, { ip: '192.0.2.1' })).status).to.equal(204);
    });

    it('X2, X3: a wrong context fails the swap, and says why without its values', async () => {
      const reference = tokenOf(await ask({ scope: 'look' }, 'web'));
      for (const [context, description] of [
        ['{"ip":"1","ip":"2"}', /a member twice/],
        ['{"ip":4711}', /ip is not of its type, string/],
        ['{"other":"4711"}', /no claim of the request/],
        [`{"ip":"${'4711'.repeat(13)}"}`, /ip of the request has 52 bytes; at most 48/],
        ['["4711"]', /cannot be read/],
        ['{', /cannot be read/],
      ] as const) {
        const answer = await swap(reference, context);
        expectRefused(answer, 'invalid_request', description);
        expect(answer.text).to.not.contain('4711');
      }
      expect((await swap(reference, { ip: '192.0.2.1' })).status).to.equal(200);
    });

    it('threat 62: has one txn in all its tokens, those of each swap and each exchange', async () => {
      const reference = tokenOf(await pay(PAID, 'web'));
      const roots = [await swap(reference), await swap(reference, { ip: '192.0.2.1' })].map(
        ({ text }) => text,
      );
      const fetched = await exchange('shop', roots[0] ?? '', 'ledger');
      const all = [...roots.flatMap((root) => [root, tokenAt(root, 'payment').compact]), tokenOf(fetched)];
      expect(new Set(all.map((token) => decodeJwt(token)['txn'])).size).to.equal(1);
    });

    it('X3: a token that is a JWT has no swap, and an introspection sets nothing', async () => {
      const jwt = tokenOf(await ask({ scope: 'read' }));
      expectRefused(
        await swap(jwt, { ip: '192.0.2.1' }),
        'invalid_request',
        /for the swap of an opaque token/,
      );
      const reference = tokenOf(await ask({ scope: 'look' }, 'web'));
      const form = { token: reference, request_context: '{"ip":"192.0.2.1"}' };
      expectRefused(
        await post('/introspect', 'edge', form),
        'invalid_request',
        /for the swap of an opaque token/,
      );
    });

    it('claim-without-value: what gateways must set is missing until the swap, and fails a swap without it', async () => {
      const strict = await startIssuer((url) => requestGraph(url, { ip: 'ip!' }));
      issuer = strict;
      const answer = await ask({ scope: 'look' }, 'web');
      expect(answer.status).to.equal(200);
      const described = await post('/introspect', 'edge', { token: tokenOf(answer) });
      expect(described.body).to.include({ active: true, scope: 'look' });
      expectRefused(await swap(tokenOf(answer)), 'invalid_request', /shop needs the claim ip/);
      expect(decodeJwt((await swap(tokenOf(answer), { ip: '192.0.2.1' })).text)).to.include({
        ip: '192.0.2.1',
      });
    });
  });
});
