import { expect } from 'chai';

import { issuerFor, secretOf } from '../../support/issuer/issue.ts';
import { tokensOf } from '../../support/issuer/trees.ts';
import { ADMIN, ORDERS, shop } from '../../support/graphs/shop.ts';
import { basic, sendRaw } from '../../support/http.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';

const GRANT = { grant_type: 'client_credentials' };

describe('The log of the issuer', () => {
  let issuer: TestIssuer;

  beforeEach(async () => {
    issuer = await startIssuer(shop);
  });
  after(stopIssuers);

  it('threat 18: has one line for a tree: client, scope, entry, txn, tokens, bytes, the digest of the graph', async () => {
    const { body } = await issuer.token({ ...GRANT, scope: 'place', resource: ORDERS }, { as: 'web' });
    const root = body['access_token'] as string;
    const lines = issuer.logLines();
    expect(lines).to.have.lengthOf(1);
    expect(lines[0]).to.deep.include({
      level: 30,
      msg: 'issued',
      client: 'web',
      scopes: 'place',
      entry: 'orders',
      txn: tokensOf(root)[0]?.payload.txn,
      tokens: 3,
      bytes: root.length,
      graph: issuer.plan.digest,
    });
  });

  it('has one line for a refusal: the code, the reason, and the client once it is known', async () => {
    await issuer.token({ ...GRANT, scope: 'fly' }, { as: 'web' });
    await issuer.token(GRANT, { headers: { authorization: basic('web', 'guess') } });
    await issuer.token(GRANT, { headers: { authorization: basic('nobody', 'guess') } });
    const [scope, secret, unknown] = issuer.logLines();
    expect(issuer.logLines()).to.have.lengthOf(3);
    expect(scope).to.include({ level: 40, msg: 'refused', error: 'invalid_scope', client: 'web' });
    expect(secret).to.include({ level: 40, error: 'invalid_client', detail: 'wrong secret for web' });
    expect(unknown).to.include({ level: 40, error: 'invalid_client', detail: 'no client with a secret' });
  });

  it('a fault of our own is an error in the log and a 500 that tells nothing', async () => {
    const broken = await issuerFor(issuer.plan);
    issuer.issuer = {
      ...broken,
      issue: async () => Promise.reject(new Error('the disk is full of secrets')),
    };
    const { status, text } = await issuer.token(GRANT, { as: 'web' });
    expect(status).to.equal(500);
    expect(JSON.parse(text)).to.have.property('error', 'server_error');
    expect(text).to.not.contain('disk');
    expect(issuer.logLines()[0]).to.deep.include({ level: 50, msg: 'failed', client: 'web' });
    expect(issuer.logText()).to.contain('the disk is full');
  });

  it('threat 15: over successes and failures of every kind holds no token, no secret and no Authorization value', async () => {
    const secrets = ['web', 'kiosk'].map(secretOf);
    const guess = 'a-guess-that-must-not-be-kept';
    const headers = [
      basic('web', secretOf('web')),
      basic('web', guess),
      basic('nobody', guess),
      `Basic ${guess}`,
    ];
    const issued: string[] = [];
    for (const more of [{}, { scope: 'place', resource: ORDERS }, { scope: 'manage' }]) {
      const { body } = await issuer.token({ ...GRANT, ...more }, { as: 'web' });
      issued.push(body['access_token'] as string);
    }
    const token = issued[0] as string;
    for (const authorization of [...headers, `Bearer ${token}`]) {
      await issuer.token({ ...GRANT, scope: 'fly' }, { headers: { authorization } });
    }
    const post = (client_secret: string) =>
      issuer.token({ ...GRANT, scope: 'place', client_id: 'kiosk', client_secret });
    await post(guess);
    await post(secretOf('kiosk'));
    for (const parameters of [
      { ...GRANT, client_secret: secretOf('web') },
      { ...GRANT, scope: token },
      { ...GRANT, resource: token },
      { ...GRANT, resource: ADMIN },
      { ...GRANT, scope: 'read manage' },
      { ...GRANT, scope: 'read place cancel', resource: ORDERS },
      { grant_type: token },
      { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: token },
      { ...GRANT, padding: guess.repeat(16_000) },
      `grant_type=client_credentials&${encodeURIComponent(token)}=1&${encodeURIComponent(token)}=2`,
    ]) {
      await issuer.token(parameters, { as: 'web' });
    }
    await issuer.token('{}', { as: 'web', headers: { 'content-type': 'application/json' } });
    await issuer.token('x', { as: 'web', headers: { 'content-encoding': 'br' } });
    await sendRaw(
      issuer.origin,
      `POST /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ${headers[0]}\r\nAuthorization: ${headers[1]}\r\nContent-Length: 0\r\n\r\n`,
    );
    const text = issuer.logText();
    expect(issuer.logLines().filter(({ msg }) => msg === 'issued')).to.have.lengthOf(4);
    expect(issuer.logLines().filter(({ msg }) => msg === 'refused')).to.have.lengthOf(19);
    expect(issuer.logLines().filter(({ msg }) => msg === 'failed')).to.deep.equal([]);
    for (const secret of [...secrets, guess, ...headers.map((header) => header.slice('Basic '.length))]) {
      expect(text).to.not.contain(secret);
      expect(text).to.not.contain(encodeURIComponent(secret));
    }
    for (const { compact } of issued.flatMap((root) => tokensOf(root))) {
      const [, payload, signature] = compact.split('.') as [string, string, string];
      expect(text).to.not.contain(signature);
      for (let at = 0; at + 24 <= payload.length; at += 24)
        expect(text).to.not.contain(payload.slice(at, at + 24));
    }
  });
});
