import { connect } from 'node:net';
import { once } from 'node:events';
import { inspect } from 'node:util';

import { expect } from 'chai';

import { refusal } from '../../../src/middleware/index.ts';
import { NOW, makeSigner, type Json } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';
import { closeServers, listen } from '../../support/http.ts';
import { extractorFor, startService } from '../services.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/issuer/scripted.ts';

describe('a protected route', () => {
  let issuer: ScriptedIssuer;

  beforeEach(async () => {
    issuer = await startScriptedIssuer();
  });
  afterEach(closeServers);

  async function ask(
    service: string,
    authorization?: string,
  ): Promise<{ response: Response; problem: Json }> {
    const response = await fetch(service, authorization === undefined ? {} : { headers: { authorization } });
    return { response, problem: (await response.json()) as Json };
  }

  function expectProblem(response: Response, problem: Json, status: number, code: string): void {
    expect(response.status, JSON.stringify(problem)).to.equal(status);
    expect(response.headers.get('content-type')).to.equal('application/problem+json');
    expect(response.headers.get('cache-control')).to.equal('no-store');
    expect(problem).to.include({ type: 'about:blank', status, code });
    expect(problem['title']).to.be.a('string');
    expect(problem['detail']).to.be.a('string');
  }

  it('lets a valid token pass and gives the handler its claims', async () => {
    const service = await startService(extractorFor(issuer), { scope: 'order:place' });
    const { response, problem } = await ask(service, `Bearer ${await issuer.token()}`);
    expect(response.status).to.equal(200);
    expect(problem).to.deep.equal({ sub: 'login:alice', scopes: ['order:place', 'order:read'] });
  });

  it('RFC 9110 section 11.1: takes the scheme in any case', async () => {
    const service = await startService(extractorFor(issuer));
    for (const scheme of ['bearer', 'BEARER', 'bEaReR ']) {
      expect((await ask(service, `${scheme} ${await issuer.token()}`)).response.status).to.equal(200);
    }
  });

  it('RFC 6750 section 3.1, RFC 9449 section 7.2: answers 401 with challenges without error code where there is no token', async () => {
    const service = await startService(extractorFor(issuer));
    for (const authorization of [undefined, 'Basic YTpi', 'Bearerx y']) {
      const { response, problem } = await ask(service, authorization);
      expectProblem(response, problem, 401, 'token_missing');
      expect(response.headers.get('www-authenticate')).to.equal(
        'Bearer, DPoP algs="ES256 Ed25519 PS256 RS256"',
      );
    }
  });

  it('RFC 6750 section 3.1: answers 403 insufficient_scope, with the scopes that it needs', async () => {
    const service = await startService(extractorFor(issuer), { scope: ['order:place', 'order:refund'] });
    const { response, problem } = await ask(service, `Bearer ${await issuer.token()}`);
    expectProblem(response, problem, 403, 'scope_insufficient');
    const challenge = response.headers.get('www-authenticate');
    expect(challenge).to.match(
      /^Bearer error="insufficient_scope", error_description="[^"]+", scope="order:place order:refund"$/,
    );
  });

  const bad: Record<string, [code: string, overrides: Json, header: Json]> = {
    'an expired one': ['token_expired', { exp: NOW }, {}],
    'one from the future': ['token_not_yet_valid', { iat: NOW + 60 }, {}],
    'an ID token': ['token_type', {}, { typ: 'JWT' }],
    'one for another service': ['token_audience', { aud: 'https://payment.boutique.example' }, {}],
    'one of another issuer': ['token_issuer', { iss: 'https://evil.example' }, {}],
    'one without a transaction': ['token_claims', { txn: undefined }, {}],
    'one with a transaction that is no text in Unicode': ['token_claims', { txn: 'T\ud800' }, {}],
    'one with a transaction of 257 characters': ['token_claims', { txn: 'T'.repeat(257) }, {}],
    'one with an address for its key': ['token_malformed', {}, { jku: 'https://evil.example/jwks' }],
  };
  for (const [what, [code, overrides, header]] of Object.entries(bad)) {
    it(`RFC 6750 section 3.1: answers 401 invalid_token to ${what}, and does not repeat the token`, async () => {
      const service = await startService(extractorFor(issuer));
      const token = await issuer.token(overrides, header);
      const { response, problem } = await ask(service, `Bearer ${token}`);
      expectProblem(response, problem, 401, code);
      expect(response.headers.get('www-authenticate')).to.match(
        /^Bearer error="invalid_token", error_description="[^"]+"$/,
      );
      for (const part of token.split('.'))
        expect(JSON.stringify([...response.headers, problem])).to.not.include(part);
    });
  }

  it('RFC 6750 section 2: looks for no token in the address', async () => {
    const service = await startService(extractorFor(issuer));
    const response = await fetch(`${service}?access_token=${await issuer.token()}`);
    expect([response.status, response.headers.get('www-authenticate')]).to.deep.equal([
      401,
      'Bearer, DPoP algs="ES256 Ed25519 PS256 RS256"',
    ]);
  });

  it('answers 401 to a token by another key with the same key id', async () => {
    const service = await startService(extractorFor(issuer));
    const mallory = await makeSigner('ES256', issuer.signer.kid);
    const { response, problem } = await ask(service, `Bearer ${await mallory.sign({ sub: 'login:admin' })}`);
    expectProblem(response, problem, 401, 'token_signature');
  });

  it('answers 401 to text that is no token, in neither coding', async () => {
    const service = await startService(extractorFor(issuer));
    for (const text of ['x', 'a.b.c', '====', 'a b', '{"payload":""}']) {
      const { response, problem } = await ask(service, `Bearer ${text}`);
      expectProblem(response, problem, 401, 'token_malformed');
    }
    for (const text of ['wb1~', 'wb1~AAAA', 'wb1~====']) {
      const { response, problem } = await ask(service, `Bearer ${text}`);
      expectProblem(response, problem, 401, 'token_packed');
    }
    expect(issuer.requests).to.deep.equal([]);
  });

  it('threat 12, RFC 6750 section 3.1: answers 400 invalid_request to two Authorization headers, whichever comes first', async () => {
    const service = await startService(extractorFor(issuer));
    const good = `Authorization: Bearer ${await issuer.token()}`;
    for (const lines of [
      [good, 'authorization: Bearer x'],
      ['AUTHORIZATION: Basic YTpi', good],
      [good, good],
    ]) {
      const answer = await rawRequest(service, lines);
      expect(answer).to.match(/^HTTP\/1.1 400 /);
      expect(answer).to.match(/www-authenticate: Bearer error="invalid_request"/i);
      expect(answer).to.include('token_repeated');
    }
  });

  it('threat 12: answers 400 to two tokens that a proxy joined into one header', async () => {
    const service = await startService(extractorFor(issuer));
    const token = await issuer.token();
    const { response, problem } = await ask(service, `Bearer ${token}, Bearer ${token}`);
    expectProblem(response, problem, 400, 'token_repeated');
  });

  it('threat 15, RFC 6585 section 5: answers 431 to a token of 60 kB before it reads any of it', async () => {
    const service = await startService(extractorFor(issuer));
    const { response, problem } = await ask(service, `Bearer ${'x'.repeat(60_000)}`);
    expectProblem(response, problem, 431, 'token_too_large');
    expect(problem['title']).to.equal('Request Header Fields Too Large');
    expect(problem['detail']).to.include('60000 bytes').and.to.include('32768 bytes');
    expect(issuer.requests).to.deep.equal([]);
  });

  it('counts its inbound budget to the byte', async () => {
    const token = await issuer.token();
    const exact = await startService(extractorFor(issuer, { budget: { inbound: token.length } }));
    expect((await ask(exact, `Bearer ${token}`)).response.status).to.equal(200);
    const short = await startService(extractorFor(issuer, { budget: { inbound: token.length - 1 } }));
    expect((await ask(short, `Bearer ${token}`)).response.status).to.equal(431);
  });

  it('takes a token over the default where its budget allows', async () => {
    const service = await startService(extractorFor(issuer, { budget: { inbound: 64 * 1024 } }));
    const token = await issuer.token({ note: 'x'.repeat(40_000) });
    expect((await ask(service, `Bearer ${token}`)).response.status).to.equal(200);
  });

  it('leaves the errors of the handler to Express', async () => {
    const service = await startService(extractorFor(issuer), {}, (request, response) => {
      response.json(request.waybill.child('payment'));
    });
    const response = await fetch(service, { headers: { authorization: `Bearer ${await issuer.token()}` } });
    expect(response.status).to.equal(500);
  });

  it("works on Node's own server too", async () => {
    const protect = extractorFor(issuer).protect();
    const service = await listen((request, response) =>
      protect(request, response, () => response.end('passed')),
    );
    const response = await fetch(service, { headers: { authorization: `Bearer ${await issuer.token()}` } });
    expect(await response.text()).to.equal('passed');
    expect((await fetch(service)).status).to.equal(401);
  });
});

describe('authenticating without a framework', () => {
  let issuer: ScriptedIssuer;

  beforeEach(async () => {
    issuer = await startScriptedIssuer();
  });
  afterEach(closeServers);

  it('gives the context of a token, and throws what refusal() makes an answer of', async () => {
    const waybill = extractorFor(issuer);
    const context = await waybill.authenticate({
      authorization: `Bearer ${await issuer.token()}`,
      scope: 'order:place',
    });
    expect(context.claims.txn).to.equal('T1');
    const error = await failure('token_missing', () => waybill.authenticate({ authorization: undefined }));
    expect(refusal(error)).to.deep.include({ status: 401 });
    const repeated = await failure('token_repeated', () =>
      waybill.authenticate({ authorization: ['Bearer a', 'Bearer b'] }),
    );
    expect(refusal(repeated)).to.deep.include({ status: 400 });
    expect(refusal(new Error('else'))).to.equal(undefined);
  });

  it('shows no token where the context or its claims are logged', async () => {
    const child = await issuer.token({ aud: 'https://payment.boutique.example' });
    const token = await issuer.token({ embedded: { payment: child }, held: 'a.b.c' });
    const context = await extractorFor(issuer).authenticate({ authorization: `Bearer ${token}` });
    for (const text of [inspect(context, { depth: 9, showHidden: true }), JSON.stringify(context)]) {
      expect(text).to.include('login:alice');
      for (const part of [...token.split('.'), ...child.split('.')]) expect(text).to.not.include(part);
      expect(text).to.not.include('held');
    }
  });
});

/** A request as bytes, since `fetch` would not send two headers of one name. */
async function rawRequest(service: string, lines: readonly string[]): Promise<string> {
  const { hostname, port, pathname } = new URL(service);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.end(
    [`GET ${pathname} HTTP/1.1`, `Host: ${hostname}`, 'Connection: close', ...lines, '', ''].join('\r\n'),
  );
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}
