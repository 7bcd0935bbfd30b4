import { expect } from 'chai';
import type { Request, Response } from 'express';
import { pino } from 'pino';

import { readForm } from '../../../src/issuer/http/form.ts';
import { createApp } from '../../../src/issuer/http/index.ts';
import { charactersSearched } from '../../support/counted-work.ts';
import { issuerFor, secretOf } from '../../support/issuer/issue.ts';
import { planOf } from '../../support/compile.ts';
import { ORDERS, shop } from '../../support/graphs/shop.ts';
import { basic, send, type Answer, closeServers, listen } from '../../support/http.ts';
import {
  startIssuer,
  stopIssuers,
  type FormParameters,
  type TestIssuer,
} from '../../support/issuer/start.ts';

const FORM = 'application/x-www-form-urlencoded';
const GRANT = { grant_type: 'client_credentials' };
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

describe('Input at the issuer’s endpoints', () => {
  let issuer: TestIssuer;

  before(async () => {
    issuer = await startIssuer(shop);
  });
  afterEach(closeServers);
  after(stopIssuers);

  const ask = (parameters: FormParameters, type = FORM): Promise<Answer> =>
    issuer.token(parameters, { as: 'web', headers: { 'content-type': type } });
  const refusal = ({ status, body }: Answer) => [status, body['error']];

  describe('the charset of a form', () => {
    for (const charset of ['UTF-8', 'utf8', '"utf-8"', '"UTF-8" ', 'utf-8; charset=klingon']) {
      it(`is accepted as charset=${charset}`, async () => {
        expect((await ask(GRANT, `${FORM}; charset=${charset}`)).status).to.equal(200);
        expect((await ask(GRANT, `Application/X-WWW-Form-Urlencoded;CharSet=${charset}`)).status).to.equal(
          200,
        );
      });
    }

    for (const [what, charset] of [
      ['of another coding', 'iso-8859-1'],
      ['of another coding in quotes', '"klingon"'],
      ['of thousands of blanks', `x${' '.repeat(15_500)}x`],
      ['of thousands of quotes', '"'.repeat(15_500)],
      ['of thousands of equals signs', '='.repeat(15_500)],
    ] as const) {
      it(`is 415 if it is one ${what}`, async () => {
        const answer = await ask(GRANT, `${FORM}; charset=${charset}`);
        expect(refusal(answer)).to.deep.equal([415, 'invalid_request']);
      });
    }

    it('is read without a regular expression', () => {
      const type = `${FORM}; charset=x${' '.repeat(15_500)}x`;
      const request = { headers: { 'content-type': type, 'content-length': '0' } } as Request;
      const told: unknown[] = [];
      const searched = charactersSearched(() => {
        void readForm(() => issuer.plan)(request, {} as Response, (error: unknown) => told.push(error));
      });
      expect(told.map((error) => (error as { status: number }).status)).to.deep.equal([415]);
      expect(searched).to.equal(0);
    });

    it('is ignored for another type, and then there is no form', async () => {
      const answer = await ask(GRANT, `text/plain; charset=x${' '.repeat(15_500)}x`);
      expect(refusal(answer)).to.deep.equal([400, 'invalid_request']);
    });
  });

  describe('the parameters of a token request', () => {
    it('RFC 6749 section 3.3: a scope that repeats 50,000 times is invalid_scope, and is not read', async () => {
      const scope = Array.from({ length: 50_000 }, () => 'place').join('+');
      const answer = await ask(`grant_type=client_credentials&scope=${scope}`);
      expect(refusal(answer)).to.deep.equal([400, 'invalid_scope']);
      expect(answer.body['error_description']).to.contain('16384');
      expect((await ask({ ...GRANT, scope: 'place place place', resource: ORDERS })).status).to.equal(200);
    });

    it('names only ten of thousands of unknown scopes', async () => {
      const scope = Array.from({ length: 2_000 }, (_, index) => `no:${index}`).join(' ');
      const before = issuer.logText().length;
      const answer = await ask({ ...GRANT, scope });
      expect(refusal(answer)).to.deep.equal([400, 'invalid_scope']);
      expect(answer.body['error_description']).to.contain('no:9 and 1990 more');
      expect(issuer.logText().length - before).to.be.below(2_000);
    });

    it('RFC 8707 section 2: each resource is at most as long as an audience of a graph', async () => {
      const resource = `https://${'x'.repeat(2_100)}.example`;
      const single = await ask({ ...GRANT, resource });
      expect(refusal(single)).to.deep.equal([400, 'invalid_target']);
      expect(single.body['error_description']).to.contain('2048');
      const many = Array.from({ length: 60 }, () => ['resource', ORDERS] as const);
      expect(
        (await ask([['grant_type', 'client_credentials'], ['scope', 'place'], ...many])).status,
      ).to.equal(200);
      const mixed = [...many.slice(1), ['resource', resource] as const];
      const answer = await ask([['grant_type', 'client_credentials'], ...mixed]);
      expect(refusal(answer)).to.deep.equal([400, 'invalid_target']);
    });

    it('a client_id or a secret of any length is invalid_client, and is not in the log', async () => {
      const long = 'x'.repeat(100_000);
      const before = issuer.logText().length;
      for (const parameters of [
        { ...GRANT, client_id: long, client_secret: 'guess' },
        { ...GRANT, client_id: 'web', client_secret: long },
        { ...GRANT, client_assertion: long, client_assertion_type: ASSERTION },
        { ...GRANT, client_id: long, client_assertion: 'a.b.c', client_assertion_type: ASSERTION },
      ]) {
        const answer = await issuer.token(parameters);
        expect(refusal(answer)).to.deep.equal([401, 'invalid_client']);
        expect(answer.body['error_description']).to.match(/too long|larger/);
      }
      expect(issuer.logText().length - before).to.be.below(3_000);
    });
  });

  it('RFC 9110 section 12.5.1: Accept of an introspection is bounded before it is read', async () => {
    const introspect = (accept: string) =>
      send(`${issuer.url}/introspect`, {
        method: 'POST',
        body: 'token=x',
        headers: { 'content-type': FORM, authorization: basic('web', secretOf('web')), accept },
      });
    expect((await introspect('application/json, text/*;q=0.5')).status).to.equal(200);
    const answer = await introspect(`"${','.repeat(10_000)}`);
    expect([answer.status, answer.body['error']]).to.deep.equal([400, 'invalid_request']);
  });

  it('X-Forwarded-For is followed over 32 proxies at most, however many it names', async () => {
    const plan = planOf(shop('https://tokens.example'));
    const answering = await issuerFor(plan);
    let asked = 0;
    const forwardedFrom = {
      has() {
        asked += 1;
        return true;
      },
    };
    const app = createApp({ issuer: () => answering, log: pino({ level: 'silent' }), forwardedFrom });
    const url = await listen(app);
    const answer = await send(`${url}/token`, {
      method: 'POST',
      body: 'grant_type=client_credentials',
      headers: {
        'content-type': FORM,
        'x-forwarded-for': Array.from({ length: 2_000 }, () => '1.1.1.1').join(),
      },
    });
    expect(answer.status).to.equal(401);
    expect(asked).to.be.within(1, 64);
  });
});
