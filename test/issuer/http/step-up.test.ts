/** What the token endpoint answers where another login would give more (RFC 9470). */
import { expect } from 'chai';
import { conditional } from '../../support/graphs/conditional.ts';
import { basic, type Answer } from '../../support/http.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { makeSigner, type Json, type Signer } from '../../support/keys/signer.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

describe('The token endpoint where another login would give more', () => {
  let signer: Signer;
  let issuer: TestIssuer;

  before(async () => {
    signer = await makeSigner('ES256', 'provider');
    const fetch = async () => Promise.resolve(Response.json({ keys: [signer.publicJwk] }));
    const staff = 'provider == "workforce" && "support" in subject.role && auth.age <= 600';
    issuer = await startIssuer((url) => conditional({ url, staff }), { issuer: { fetch } });
  });
  after(stopIssuers);

  const post = (as: string, form: Record<string, string>): Promise<Answer> =>
    issuer.token({ grant_type: EXCHANGE, ...form }, { headers: { authorization: basic(as, secretOf(as)) } });

  async function ask(scope: string, user: Json, as = 'desk'): Promise<Answer> {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      ...{ iss: 'https://workforce.example', sub: 'u', aud: 'app', iat: now, exp: now + 300 },
      ...{ role: ['support'], acr: 'urn:w:pwd', auth_time: now },
      ...user,
    };
    const token = await signer.sign(claims, { typ: 'JWT' });
    const details = JSON.stringify([{ type: 'urn:waybill:context', amount: 101 }]);
    return post(as, {
      subject_token: token,
      subject_token_type: ID_TOKEN,
      scope,
      authorization_details: details,
    });
  }

  it('is 400 with what to ask the provider for, where nothing is granted', async () => {
    const { status, body } = await ask('refund', { auth_time: 1 });
    expect(status).to.equal(400);
    expect(body).to.deep.include({ error: 'insufficient_user_authentication', max_age: 600 });
    expect(body).to.not.have.any.keys('access_token', 'acr_values');
  });

  it('has a member beside the token where something is', async () => {
    const { status, body } = await ask('view pay', {});
    expect(status).to.equal(200);
    expect(body).to.deep.include({
      scope: 'view pay',
      insufficient_user_authentication: { scope: 'pay', acr_values: 'urn:w:2fa urn:w:hw' },
    });
  });

  it('has none where nothing more is to be had', async () => {
    const { status, body } = await ask('view pay', { acr: 'urn:w:2fa' });
    expect(status).to.equal(200);
    expect(body).to.not.have.property('insufficient_user_authentication');
  });

  it('is the same for a service that fetches a token which the tree lacks', async () => {
    const { body } = await ask('pay', { auth_time: 1 });
    const token = (body as { access_token: string }).access_token;
    const fetch = { subject_token: token, subject_token_type: ACCESS_TOKEN, audience: 'payment' };
    const answer = await post('front', fetch);
    expect(answer.status).to.equal(400);
    expect(answer.body).to.deep.include({
      error: 'insufficient_user_authentication',
      acr_values: 'urn:w:2fa urn:w:hw',
      max_age: 300,
    });
  });

  it('threat 106: tells a stranger nothing: not without a client, a valid token of a user, and a scope of the client’s own', async () => {
    const stranger = await issuer.token(
      { grant_type: EXCHANGE, scope: 'refund' },
      { headers: { authorization: basic('desk', 'guessed') } },
    );
    expect([stranger.status, (stranger.body as Json)['error']]).to.deep.equal([401, 'invalid_client']);
    const forged = await makeSigner('ES256', 'provider');
    const bad = await post('desk', {
      subject_token: await forged.sign(
        { iss: 'https://workforce.example', sub: 'u', aud: 'app' },
        { typ: 'JWT' },
      ),
      subject_token_type: ID_TOKEN,
      scope: 'refund',
    });
    expect((bad.body as Json)['error']).to.equal('invalid_request');
    expect((await ask('charge', { auth_time: 1 })).body).to.include({ error: 'invalid_scope' });
    for (const { body } of [stranger, bad]) expect(JSON.stringify(body)).to.not.match(/acr|max_age|urn:w/);
  });
});
