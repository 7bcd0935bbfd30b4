/** Every error that the token endpoint has, each with what brings it about and with the headers that belong to it. */
import { expect } from 'chai';

import { ATTEMPT_LIMITS } from '../../../src/issuer/index.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { basic } from '../../support/http.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { users } from '../../support/graphs/users.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const TYPE = 'urn:ietf:params:oauth:token-type:';

/** A provider whose keys nobody can have. */
const AWAY = `{ issuer: 'https://login.example', audience: app, jwks_uri: 'http://127.0.0.1:1/jwks' }`;

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Of that provider, as far as anyone can see without its keys. */
const UNKNOWABLE = [part({ alg: 'ES256', kid: 'k' }), part({ iss: 'https://login.example' }), 'AAAA'].join(
  '.',
);

interface Row {
  readonly title: string;
  readonly answer: readonly [status: number, error: string];
  readonly form: Readonly<Record<string, string>>;
  readonly as?: string;
  readonly secret?: string;
}

const rows: readonly Row[] = [
  {
    title: 'RFC 6749 section 5.2: invalid_request, where a parameter is missing',
    answer: [400, 'invalid_request'],
    form: { scope: 'read' },
  },
  {
    title: 'RFC 6749 section 5.2: invalid_client, where authentication fails',
    answer: [401, 'invalid_client'],
    form: { grant_type: 'client_credentials' },
    secret: 'guess',
  },
  {
    title: 'RFC 6749 section 5.2, RFC 7523 section 3.1: invalid_grant, for an invalid assertion',
    answer: [400, 'invalid_grant'],
    form: { grant_type: BEARER, assertion: 'x' },
  },
  {
    title: 'RFC 6749 section 5.2: unauthorized_client, for a grant that is not the client’s',
    answer: [400, 'unauthorized_client'],
    form: { grant_type: BEARER, assertion: 'x' },
    as: 'batch',
  },
  {
    title: 'RFC 6749 section 5.2: unsupported_grant_type',
    answer: [400, 'unsupported_grant_type'],
    form: { grant_type: 'password' },
  },
  {
    title: 'RFC 6749 section 5.2: invalid_scope',
    answer: [400, 'invalid_scope'],
    form: { grant_type: 'client_credentials', scope: 'fly' },
  },
  {
    title: 'RFC 8707 section 2: invalid_target, for a resource that is not there',
    answer: [400, 'invalid_target'],
    form: { grant_type: 'client_credentials', scope: 'read', resource: 'https://nowhere.example' },
  },
  {
    title: 'RFC 8693 section 2.2.2: invalid_request, for an invalid subject token',
    answer: [400, 'invalid_request'],
    form: { grant_type: EXCHANGE, subject_token: 'x', subject_token_type: `${TYPE}id_token` },
  },
  {
    title:
      'RFC 6749 section 4.1.2.1: temporarily_unavailable, where the keys of a provider cannot be fetched',
    answer: [503, 'temporarily_unavailable'],
    form: { grant_type: EXCHANGE, subject_token: UNKNOWABLE, subject_token_type: `${TYPE}id_token` },
  },
];

describe('Errors of the token endpoint', () => {
  let issuer: TestIssuer;

  before(async () => {
    issuer = await startIssuer((url) => users({ url, subjects: { login: AWAY } }), {
      issuer: { attempts: ATTEMPT_LIMITS },
    });
  });
  after(stopIssuers);

  async function expectError({ answer, form, as = 'web', secret = secretOf(as) }: Omit<Row, 'title'>) {
    const [status, error] = answer;
    const { headers, body, ...received } = await issuer.token(form, {
      headers: { authorization: basic(as, secret) },
    });
    expect([received.status, body['error']], received.text).to.deep.equal([status, error]);
    expect(body['error_description']).to.match(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
    expect(headers.get('content-type')).to.equal('application/json');
    expect([headers.get('cache-control'), headers.get('pragma')]).to.deep.equal(['no-store', 'no-cache']);
    expect(headers.has('www-authenticate')).to.equal(status === 401);
    expect(headers.has('retry-after')).to.equal(status === 503 || status === 429);
  }

  for (const { title, ...row } of rows) it(title, async () => expectError(row));

  it('RFC 8693 section 2.2.2: invalid_target, for a callee that is not there', async () => {
    const { body } = await issuer.token({ grant_type: 'client_credentials', scope: 'read' }, { as: 'web' });
    const form = {
      grant_type: EXCHANGE,
      subject_token: body['access_token'] ?? '',
      subject_token_type: `${TYPE}access_token`,
      audience: 'nobody',
    };
    await expectError({ answer: [400, 'invalid_target'], form, as: 'shop' });
  });

  it('RFC 6585 section 4: temporarily_unavailable with 429, after too many failures', async () => {
    const guess = { form: { grant_type: 'client_credentials' }, as: 'mobile', secret: 'guess' };
    for (let time = 0; time < ATTEMPT_LIMITS.client.failures; time += 1)
      await expectError({ answer: [401, 'invalid_client'], ...guess });
    await expectError({ answer: [429, 'temporarily_unavailable'], ...guess });
  });
});
