import { expect } from 'chai';

import { secretOf } from '../../support/issuer/issue.ts';
import { basic, sendRaw } from '../../support/http.ts';
import { shop } from '../../support/graphs/shop.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';

const GRANT = { grant_type: 'client_credentials' };
const CHALLENGE = 'Basic realm="waybill", charset="UTF-8"';

describe('Client authentication at the token endpoint', () => {
  let issuer: TestIssuer;

  before(async () => {
    issuer = await startIssuer(shop);
  });
  after(stopIssuers);

  const withHeader = (authorization: string) => issuer.token(GRANT, { headers: { authorization } });
  const post = (client_id: string, client_secret: string) =>
    issuer.token({ ...GRANT, scope: 'place', client_id, client_secret });

  it('RFC 6749 section 2.3.1: client_secret_basic, id and secret form-encoded, with characters that need it', async () => {
    expect(secretOf('web')).to.match(/: 100 % \+ größer/);
    const { status, body } = await withHeader(basic('web', secretOf('web')));
    expect([status, body['token_type'], body['scope']]).to.deep.equal([200, 'Bearer', 'read']);
  });

  it('RFC 6749 section 2.3.1: client_secret_post', async () => {
    const { status, body } = await post('kiosk', secretOf('kiosk'));
    expect([status, body['scope']]).to.deep.equal([200, 'place']);
  });

  it('RFC 9110 section 11.1: the scheme is read in any case', async () => {
    const authorization = basic('web', secretOf('web')).replace('Basic ', 'bASIC  ');
    expect((await withHeader(authorization)).status).to.equal(200);
  });

  it('RFC 6749 section 5.2: a wrong secret and an unknown client get one and the same answer', async () => {
    const answers = await Promise.all([
      withHeader(basic('web', 'guess')),
      withHeader(basic('nobody', 'guess')),
      withHeader(basic('constructor', 'guess')),
      post('kiosk', 'guess'),
      post('nobody', 'guess'),
      post('kiosk', secretOf('web')),
    ]);
    for (const { status, headers, body } of answers) {
      expect(status).to.equal(401);
      expect(headers.get('www-authenticate')).to.equal(CHALLENGE);
      expect(headers.get('cache-control')).to.equal('no-store');
      expect(body).to.deep.equal({
        error: 'invalid_client',
        error_description: 'Unknown client or wrong secret.',
      });
    }
  });

  it('tells a client that proved itself which method is its own, and no one else', async () => {
    const right = await post('web', secretOf('web'));
    expect([right.status, right.body['error']]).to.deep.equal([401, 'invalid_client']);
    expect(right.body['error_description']).to.contain('client_secret_basic');
    expect((await post('web', 'guess')).body['error_description']).to.equal(
      'Unknown client or wrong secret.',
    );
    const other = await withHeader(basic('kiosk', secretOf('kiosk')));
    expect(other.body['error_description']).to.contain('client_secret_post');
  });

  it('RFC 6749 section 2.3: two methods in one request are refused', async () => {
    const { status, body } = await issuer.token(
      { ...GRANT, client_id: 'web', client_secret: secretOf('web') },
      { as: 'web' },
    );
    expect([status, body['error']]).to.deep.equal([400, 'invalid_request']);
  });

  it('a client_id beside Basic is fine where it is the same client, and refused where it is another', async () => {
    expect((await issuer.token({ ...GRANT, client_id: 'web' }, { as: 'web' })).status).to.equal(200);
    const other = await issuer.token({ ...GRANT, client_id: 'kiosk' }, { as: 'web' });
    expect([other.status, other.body['error']]).to.deep.equal([400, 'invalid_request']);
  });

  it('two Authorization headers are refused, even where both are right', async () => {
    const authorization = `Authorization: ${basic('web', secretOf('web'))}\r\n`;
    const body = 'grant_type=client_credentials';
    const answer = await sendRaw(
      issuer.origin,
      `POST /token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${authorization}${authorization}` +
        `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(answer).to.match(/^HTTP\/1\.1 400 /);
    expect(answer).to.contain('"error":"invalid_request"').and.to.contain('more than one Authorization');
  });

  it('answers a request without credentials with what to send', async () => {
    for (const parameters of [GRANT, { ...GRANT, client_id: 'web' }, { ...GRANT, client_secret: 'x' }]) {
      const { status, headers, body } = await issuer.token(parameters);
      expect([status, body['error']]).to.deep.equal([401, 'invalid_client']);
      expect(headers.get('www-authenticate')).to.equal(CHALLENGE);
      expect(body['error_description']).to.contain('client_secret_basic').and.to.contain('client_secret');
    }
  });

  const encoded = (text: string | Buffer) => `Basic ${Buffer.from(text as string).toString('base64')}`;
  const malformed: Readonly<Record<string, string>> = {
    'another scheme': 'Bearer eyJhbGciOiJub25lIn0.e30.x',
    'no credentials': 'Basic',
    'not base64': 'Basic ***',
    'no colon': encoded('web'),
    'no client': encoded(':secret'),
    'no secret': encoded('web:'),
    'a percent sign that encodes nothing': encoded('web:100%'),
    'a comma after it': `${encoded('web:x')}, Basic d2ViOng=`,
    'bytes that are not UTF-8': encoded(Buffer.from([0x77, 0xff, 0x3a, 0x80])),
  };
  for (const [what, authorization] of Object.entries(malformed)) {
    it(`RFC 7617 section 2: Basic with ${what} is invalid_client`, async () => {
      const { status, headers, body } = await withHeader(authorization);
      expect([status, body['error']]).to.deep.equal([401, 'invalid_client']);
      expect(headers.get('www-authenticate')).to.equal(CHALLENGE);
    });
  }

  it('RFC 6749 section 2.3.1: credentials in the address are not looked at', async () => {
    const query = new URLSearchParams({
      client_id: 'kiosk',
      client_secret: secretOf('kiosk'),
      scope: 'place',
    });
    const { status, body } = await issuer.token(GRANT, { path: `/token?${query.toString()}` });
    expect([status, body['error']]).to.deep.equal([401, 'invalid_client']);
  });
});
