/** What the token endpoint answers where a user's token says more than a tree can. */
import { expect } from 'chai';

import { closeServers } from '../../support/http.ts';
import { APP, startProvider, subjectOf, type TestProvider } from '../../support/provider/scripted.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { users } from '../../support/graphs/users.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';

describe("A user's token that says more than a tree can", () => {
  let provider: TestProvider;
  let issuer: TestIssuer;

  before(async () => {
    provider = await startProvider();
    const subjects = { login: subjectOf(provider) };
    issuer = await startIssuer((url) => users({ url, subjects }));
  });
  after(async () => {
    await stopIssuers();
    await closeServers();
  });

  async function answers(members: string): Promise<{ error: unknown; description: unknown }[]> {
    const now = Math.floor(Date.now() / 1000);
    const standard = `"iss":"${provider.url}","sub":"alice","aud":"${APP}","iat":${now},"exp":${now + 60}`;
    const token = await provider.signer.sign(`{${standard},${members}}`, { typ: 'JWT' });
    const forms = [
      { grant_type: TOKEN_EXCHANGE, subject_token: token, subject_token_type: ID_TOKEN },
      { grant_type: JWT_BEARER, assertion: token },
    ];
    return Promise.all(
      forms.map(async (form) => {
        const { status, body } = await issuer.token({ ...form, scope: 'read' }, { as: 'web' });
        expect(status).to.equal(400);
        return { error: body['error'], description: body['error_description'] };
      }),
    );
  }

  it('RFC 8693 section 2.2.2 and RFC 7521 section 4.1.1: is an invalid grant if it is delegated', async () => {
    const [exchanged, asserted] = await answers('"act":{"sub":"helpdesk"}');
    expect([exchanged?.error, asserted?.error]).to.deep.equal(['invalid_request', 'invalid_grant']);
    expect(exchanged?.description).to.match(/delegated .* Use a token without act, or set .*act: ignore/);
    expect(exchanged?.description).to.equal(asserted?.description).and.not.contain('helpdesk');
  });

  it('names the claim whose number a token would change, and not the number', async () => {
    const [exchanged, asserted] = await answers('"name":{"id":9007199254740993}');
    expect([exchanged?.error, asserted?.error]).to.deep.equal(['invalid_request', 'invalid_grant']);
    expect(exchanged?.description).to.contain('The claim name of this subject').and.not.match(/\d/);
  });
});
