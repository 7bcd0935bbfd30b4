import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { secretOf } from '../../support/issuer/issue.ts';
import { tokensOf, type Payload } from '../../support/issuer/trees.ts';
import { basic, type Answer } from '../../support/http.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { AUDIENCES, store } from '../../support/graphs/store.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TYPE = 'urn:ietf:params:oauth:token-type:';

describe('Token exchange by a service, over HTTP', () => {
  let issuer: TestIssuer;
  let root: string;

  beforeEach(async () => {
    issuer = await startIssuer((url) => store({ url }));
    const { body } = await issuer.token({ grant_type: 'client_credentials', scope: 'look' }, { as: 'web' });
    root = body['access_token'] as string;
  });
  after(stopIssuers);

  type Parameters = Readonly<Record<string, string | undefined>>;

  /** As shop, for ads; what a parameter is set to replaces it, undefined takes it out. */
  function ask(parameters: Parameters = {}, as = 'shop'): Promise<Answer> {
    const all: Parameters = {
      grant_type: EXCHANGE,
      subject_token: root,
      subject_token_type: `${TYPE}access_token`,
      audience: 'ads',
      ...parameters,
    };
    const given = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined);
    return issuer.token(given, { as });
  }

  async function refused(parameters: Parameters, error: string, about: RegExp, as?: string): Promise<void> {
    const { status, body, text } = await ask(parameters, as);
    expect([status, body['error']], text).to.deep.equal([400, error]);
    expect(body['error_description']).to.match(about);
    expect(text).to.not.contain(root.split('.')[2]);
  }

  it('RFC 8693 section 2.2.1: the answer has the token, its type, its life and its scope, and is not stored', async () => {
    const { status, headers, body } = await ask();
    expect(status).to.equal(200);
    expect(headers.get('cache-control')).to.equal('no-store');
    const { access_token: token = '', expires_in: seconds, ...rest } = body;
    expect(rest).to.deep.equal({
      issued_token_type: `${TYPE}access_token`,
      token_type: 'Bearer',
      scope: 'show track',
    });
    expect(Number(seconds)).to.be.within(1, 300);
    expect(decodeJwt(token)).to.deep.include({ aud: AUDIENCES.ads, act: { sub: 'spiffe://example/shop' } });
  });

  it('RFC 8707 section 2: `resource` names the callee as well, and may be repeated with `audience`', async () => {
    expect((await ask({ audience: undefined, resource: AUDIENCES.ads })).status).to.equal(200);
    expect((await ask({ resource: AUDIENCES.ads })).status).to.equal(200);
    await refused({ resource: AUDIENCES.payment }, 'invalid_target', /shop/);
    const both = await issuer.token(
      [
        ['grant_type', EXCHANGE],
        ['subject_token', root],
        ['subject_token_type', `${TYPE}jwt`],
        ['audience', 'ads'],
        ['audience', 'payment'],
      ],
      { as: 'shop' },
    );
    expect(both.body['error']).to.equal('invalid_target');
  });

  it('RFC 8693 section 2.1: what a request lacks, or has too much, is named', async () => {
    await refused({ subject_token: undefined }, 'invalid_request', /subject_token/);
    await refused({ subject_token_type: undefined }, 'invalid_request', /subject_token_type/);
    await refused({ audience: undefined }, 'invalid_request', /audience.*resource/);
    await refused({ audience: '' }, 'invalid_request', /audience.*resource/);
    for (const name of ['actor_token', 'actor_token_type']) {
      await refused({ [name]: root }, 'invalid_request', /Actor tokens/);
    }
  });

  it('RFC 8693 section 3: types that are not those of an access token are refused, known or not', async () => {
    for (const type of ['id_token', 'refresh_token', 'saml2', 'saml1', 'ACCESS_TOKEN', '']) {
      await refused({ subject_token_type: `${TYPE}${type}` }, 'invalid_request', /subject_token_type/);
      await refused({ requested_token_type: `${TYPE}${type}` }, 'invalid_request', /requested_token_type/);
    }
    for (const type of ['access_token', 'jwt']) {
      const { body } = await ask({
        subject_token_type: `${TYPE}${type}`,
        requested_token_type: `${TYPE}${type}`,
      });
      expect(body['issued_token_type']).to.equal(`${TYPE}${type}`);
    }
  });

  it('RFC 8693 section 2.2.2: an invalid subject token is invalid_request, a callee invalid_target', async () => {
    const [header, payload] = root.split('.');
    await refused({ subject_token: `${header}.${payload}.AAAA` }, 'invalid_request', /signature/);
    await refused({ subject_token: 'a.b.c' }, 'invalid_request', /cannot be exchanged/);
    await refused({ audience: 'payment' }, 'invalid_target', /no such service/);
    await refused({ scope: 'show place' }, 'invalid_scope', /do(es)? not give these at ads: place/);
  });

  it('threat 6: a service without credentials, a wrong secret, or the name of another get nothing', async () => {
    const [parameters, wrong] = [
      { grant_type: EXCHANGE, subject_token: root },
      basic('shop', secretOf('ads')),
    ];
    for (const options of [{ headers: { authorization: wrong } }, { as: 'bank' }, { as: 'nobody' }, {}]) {
      const { status, body } = await issuer.token(parameters, options);
      expect([status, body['error']]).to.deep.equal([401, 'invalid_client']);
    }
    await refused({}, 'invalid_request', /not for payment/, 'payment');
  });

  it('a client that shows a token of ours is refused: our issuer is nobody who logs users in', async () => {
    await refused({}, 'unauthorized_client', /token_exchange/, 'web');
  });

  it('RFC 6749 section 5.2: a service has no other grant', async () => {
    await refused({ grant_type: 'client_credentials' }, 'unauthorized_client', /shop is a service/);
    await refused(
      { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: root },
      'unauthorized_client',
      /clients/,
    );
  });

  it('a subject token that is larger than any header is read, one beyond the body is not', async () => {
    const { status, body } = await ask({ subject_token: `${root}${'A'.repeat(300_000)}` });
    expect([status, body['error']]).to.deep.equal([400, 'invalid_request']);
    expect((await ask({ subject_token: 'A'.repeat(320 * 1024) })).status).to.equal(413);
  });

  it('the log has one line for an exchange, with the service that asked; for a refusal too', async () => {
    const { body } = await ask();
    await ask({ audience: 'nobody' });
    const [, issued, refusal] = issuer.logLines();
    const token = body['access_token'] ?? '';
    expect(issued).to.deep.include({
      msg: 'issued',
      client: 'web',
      caller: 'shop',
      entry: 'ads',
      scopes: 'show track',
      txn: decodeJwt<Payload>(root).txn,
      tokens: 2,
      bytes: token.length,
    });
    expect(issuer.logLines()[0]).to.not.have.property('caller');
    expect(refusal).to.include({ level: 40, msg: 'refused', error: 'invalid_target', client: 'shop' });
  });

  it('threat 15: nothing of a token or a secret is in the log, whatever was asked', async () => {
    const issued = [root, (await ask()).body['access_token'] as string];
    const guess = 'a-guess-that-must-not-be-kept';
    for (const name of [
      'audience',
      'resource',
      'scope',
      'subject_token_type',
      'requested_token_type',
      'actor_token',
    ]) {
      await ask({ [name]: root });
      if (name !== 'scope') await ask({ [name]: guess }); // a scope that is refused is named
    }
    for (const subject_token of [`${root}x`, root.slice(0, -4), guess, `${root}.${root}`])
      await ask({ subject_token });
    await ask({}, 'ads');
    await ask({}, 'web');
    await issuer.token(
      { grant_type: EXCHANGE, subject_token: root },
      { headers: { authorization: basic('shop', guess) } },
    );
    const text = issuer.logText();
    expect(issuer.logLines().filter(({ level }) => level >= 50)).to.deep.equal([]);
    for (const secret of [guess, secretOf('shop'), secretOf('web')]) expect(text).to.not.contain(secret);
    for (const { compact } of issued.flatMap((token) => tokensOf(token))) {
      const [, payload = '', signature = ''] = compact.split('.');
      expect(text).to.not.contain(signature);
      for (let at = 0; at + 24 <= payload.length; at += 24)
        expect(text).to.not.contain(payload.slice(at, at + 24));
    }
  });
});
