/** What goes wrong while a token is fetched, and what the service then hears. */
import type { ServerResponse } from 'node:http';

import { expect } from 'chai';

import { isWaybillError, type ErrorCode, type WaybillError } from '../../../src/errors.ts';
import type { ExtractorOptions } from '../../../src/middleware/index.ts';
import { forge, makeSigner, NOW, type Json } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';
import { ADS, CREDENTIALS, PAYMENT, SECRET, granted, json, openDesk, type Desk } from './exchanging.ts';
import { closeServers, listen } from '../../support/http.ts';
import { extractorFor, startCallee } from '../services.ts';
import { startScriptedIssuer } from '../../support/issuer/scripted.ts';

describe('a token that cannot be fetched', () => {
  let desk: Desk;

  beforeEach(async () => {
    desk = await openDesk();
  });
  afterEach(closeServers);

  /** The error of a call for ads; it holds nothing of a token and nothing of the secret. */
  async function fails(
    code: ErrorCode,
    options: Partial<ExtractorOptions> = {},
    inbound: Json = {},
  ): Promise<WaybillError> {
    let given = '';
    const { answer } = desk;
    desk.answer = (response, asked) => {
      given = asked.form['subject_token'] ?? '';
      return answer(response, asked);
    };
    const context = await desk.contextOf(inbound, options);
    const error = await failure(code, () => context.obtainHeaders('ads'));
    const told = whole(error);
    for (const part of given.split('.').slice(1)) expect(told).to.not.contain(part);
    for (const secret of [
      SECRET,
      encodeURIComponent(SECRET),
      Buffer.from(SECRET).toString('base64').slice(0, 12),
    ]) {
      expect(told).to.not.contain(secret);
    }
    desk.answer = answer;
    return error;
  }

  /** Everything that a log could write of an error, its causes as well. */
  function whole(error: unknown): string {
    if (!(error instanceof Error)) return String(error);
    const detail = isWaybillError(error) ? (error.detail ?? '') : '';
    return `${error.stack ?? ''} ${error.message} ${detail} ${JSON.stringify(error)} ${error.cause === undefined ? '' : whole(error.cause)}`;
  }

  describe('because the issuer refuses', () => {
    it("RFC 6749 section 5.2: names the callee and the issuer's reason", async () => {
      desk.answer = (response) =>
        json(response, 400, {
          error: 'invalid_target',
          error_description: 'The scopes call no such service.',
        });
      const { message } = await fails('exchange_refused');
      expect(message).to.equal(
        'the issuer gave no token for ads: invalid_target, The scopes call no such service.',
      );
    });

    it('names the status where there is no reason, or none that fits into a line of text', async () => {
      for (const [status, body] of [
        [401, {}],
        [400, null],
        [400, []],
        [400, { error: 7, error_description: { a: 1 } }],
        [400, { error: 'bad\u001b[2J', error_description: 'x'.repeat(501) }],
        [404, 'not found'],
        [307, { error: '' }],
      ] as const) {
        desk.answer = (response) => json(response, status, body);
        const { message } = await fails('exchange_refused');
        expect(message).to.equal(`the issuer gave no token for ads: status ${status}`);
      }
    });

    it('with a wrong secret: invalid_client', async () => {
      desk.answer = (response) => json(response, 401, { error: 'invalid_client' });
      expect((await fails('exchange_refused')).message).to.contain('invalid_client');
    });
  });

  describe('because the issuer is away', () => {
    it('is a failure that may pass: the status, or that nobody listens', async () => {
      for (const status of [429, 500, 502, 503]) {
        desk.answer = (response) => json(response, status, { error: 'temporarily_unavailable' });
        expect((await fails('issuer_unavailable')).detail).to.contain(String(status));
      }
      desk.answer = (response) => response.destroy();
      expect((await fails('issuer_unavailable')).detail).to.contain('/token could not be reached');
      const nobody = { tokenEndpoint: 'http://127.0.0.1:1/token' };
      expect((await fails('issuer_unavailable', nobody)).detail).to.contain('127.0.0.1:1');
    });

    it('is reported within the deadline, whatever part of the answer is late', async () => {
      const late: readonly ((response: ServerResponse) => unknown)[] = [
        () => undefined,
        (response) => response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders(),
        (response) => {
          const drip = setInterval(() => response.write(' '), 20);
          response.on('close', () => clearInterval(drip));
        },
      ];
      for (const answer of late) {
        desk.answer = answer;
        const begun = performance.now();
        await fails('issuer_unavailable', { timeout: 200.5 });
        expect(performance.now() - begun).to.be.within(150, 2_000);
      }
    });

    it('one deadline holds for all who wait', async () => {
      desk.answer = () => undefined;
      const context = await desk.contextOf({}, { timeout: 200 });
      const begun = performance.now();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 5 }, () => context.obtainHeaders('ads')),
      );
      expect(outcomes.every(({ status }) => status === 'rejected')).to.equal(true);
      expect(performance.now() - begun).to.be.below(2_000);
      expect(desk.asked).to.have.lengthOf(1);
    });
  });

  describe('because the answer is wrong', () => {
    it('is no JSON, has no token, or redirects: refused, and the redirect is not followed', async () => {
      const trap = await startCallee();
      let trapped = 0;
      const location = await listen((_request, response) => void response.end(String(++trapped)));
      for (const answer of [
        (response: ServerResponse) => response.end('<html>welcome</html>'),
        (response: ServerResponse) => response.end(),
        (response: ServerResponse) => json(response, 200, null),
        (response: ServerResponse) => json(response, 200, []),
        (response: ServerResponse) => json(response, 200, { access_token: 7 }),
        (response: ServerResponse) => json(response, 200, { id_token: 'x' }),
        (response: ServerResponse) => response.writeHead(302, { location }).end(),
        (response: ServerResponse) => response.writeHead(307, { location }).end(),
        (response: ServerResponse) => response.writeHead(308, { location: `${trap}/token` }).end(),
      ]) {
        desk.answer = answer;
        await fails('exchange_refused');
      }
      expect(trapped).to.equal(0);
    });

    it('threat 11: is larger than 256 KiB, or has no end', async () => {
      desk.answer = (response) => json(response, 200, { access_token: 'x'.repeat(300_000) });
      await fails('issuer_metadata');
      desk.answer = (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const pour = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
        };
        response.on('drain', pour);
        pour();
      };
      const begun = performance.now();
      await fails('issuer_metadata');
      expect(performance.now() - begun).to.be.below(3_000);
    });

    it('threat 3: is a token of another callee, user, transaction or issuer, or outlives the one that was shown', async () => {
      const wrong: readonly Json[] = [
        { aud: PAYMENT },
        { aud: 'https://checkout.boutique.example' },
        { aud: `${ADS}/` },
        { aud: [PAYMENT, ADS] },
        { sub: 'login:mallory' },
        { txn: 'T2' },
        { iss: 'https://other.example' },
        { exp: NOW + 301 },
      ];
      for (const claims of wrong) {
        desk.answer = async (response) => granted(response, await desk.tokenFor('ads', claims));
        const { message } = await fails('child_foreign');
        expect(message).to.contain('ads');
      }
      desk.answer = (response, { form }) => granted(response, form['subject_token'] ?? '');
      await fails('child_foreign'); // threat 5: the service's own token is never sent in its place
    });

    it('is no token that could be read', async () => {
      const other = await makeSigner();
      for (const [code, token] of [
        ['token_malformed', 'opaque'],
        ['token_malformed', 'a.b.c'],
        ['token_malformed', await other.sign('[]')],
        ['token_claims', forge({ alg: 'none' }, {}, 'x')],
      ] as const) {
        desk.answer = (response) => granted(response, token);
        await fails(code);
      }
    });

    it('is never kept', async () => {
      const right = desk.answer;
      const context = await desk.contextOf();
      desk.answer = async (response) => granted(response, await desk.tokenFor('payment'));
      await failure('child_foreign', () => context.obtainHeaders('ads'));
      desk.answer = right;
      expect((await context.obtainHeaders('ads')).authorization).to.match(/^Bearer ey/);
    });
  });

  describe('because nobody knows where', () => {
    it('a failed discovery is forgotten, and the next call asks again', async () => {
      const { intercept } = desk.issuer;
      const context = await desk.contextOf();
      desk.issuer.intercept = (_request, response) => {
        response.writeHead(503).end();
        return true;
      };
      await failure('issuer_unavailable', () => context.obtainHeaders('ads'));
      expect(desk.asked).to.deep.equal([]);
      desk.issuer.intercept = intercept;
      await context.obtainHeaders('ads');
      await context.obtainHeaders('payment');
      expect(desk.asked).to.have.lengthOf(2);
      expect(desk.issuer.asked('/.well-known/oauth-authorization-server')).to.equal(3); // for keys, failed, found
    });

    it('RFC 8414 section 3.3: metadata of another issuer, or with an address that is not safe, gets no secret', async () => {
      const trap = await startScriptedIssuer();
      for (const metadata of [
        { issuer: 'https://other.example' },
        { token_endpoint: 'http://tokens.example/token' },
        { token_endpoint: '/token' },
        { token_endpoint: undefined },
        { token_endpoint: 7 },
        { token_endpoint: trap.url.replace('http://', 'http://a:b@') },
      ]) {
        desk.issuer.metadata = { token_endpoint: `${trap.url}/token`, ...metadata };
        await fails('issuer_metadata', { jwksUri: `${desk.issuer.url}/jwks` });
      }
      expect(trap.requests).to.deep.equal([]);
      expect(desk.asked).to.deep.equal([]);
    });
  });

  it('nothing is sent to the callee', async () => {
    let calls = 0;
    const callee = await listen((_request, response) => void response.end(String(++calls)));
    desk.answer = (response) => json(response, 400, { error: 'invalid_target' });
    const context = await desk.contextOf({ on_demand: { ads: callee } });
    await failure('exchange_refused', () => context.fetch(callee, { method: 'POST', body: '{}' }));
    expect(calls).to.equal(0);
  });

  it('is a slip in the options, and the service does not start', async () => {
    const refused: readonly (readonly [options: object, says: RegExp])[] = [
      [{ credentials: { clientId: 'checkout' } }, /credentials\.secret/],
      [{ credentials: { secret: SECRET } }, /credentials\.clientId/],
      [{ credentials: { ...CREDENTIALS, clientId: '' } }, /credentials\.clientId/],
      [{ credentials: { ...CREDENTIALS, method: 'none' } }, /credentials\.method/],
      [{ credentials: { ...CREDENTIALS, method: 'private_key_jwt' } }, /no option "secret"/],
      [{ credentials: { ...CREDENTIALS, client_id: 'x' } }, /no option "client_id"/],
      [{ credentials: 'checkout' }, /takes an object/],
      [{ credentials: null }, /takes an object/],
      [{ tokenEndpoint: 'http://tokens.example/token' }, /tokenEndpoint/],
      [{ cache: { exchanged: 0 } }, /cache\.exchanged/],
      [{ cache: { exchanges: 1 } }, /no option "exchanges"/],
    ];
    for (const [options, says] of refused) {
      const error = await failure('usage', () => extractorFor(desk.issuer, options));
      expect(error.message).to.match(says).and.not.contain(SECRET);
    }
  });
});
