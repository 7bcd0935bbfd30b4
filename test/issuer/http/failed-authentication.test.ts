/** Guessing is slowed down (RFC 6749 section 10.10), and what that must not bring about. */
import { expect } from 'chai';

import { addressList } from '../../../src/identity/index.ts';
import { ATTEMPT_LIMITS, createIssuer } from '../../../src/issuer/index.ts';
import { memoryStore } from '../../../src/issuer/stores/index.ts';
import { closeServers, basic, type Answer } from '../../support/http.ts';
import { NAMED, askWith, ca, startCertificateIssuer } from '../../support/issuer/certificates.ts';
import { keysFor, secretOf, secretsFor } from '../../support/issuer/issue.ts';
import { startKeyedIssuer } from '../../support/issuer/keyed.ts';
import { selfSigned } from '../../support/keys/certificates.ts';
import { shop } from '../../support/graphs/shop.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';

const GRANT = { grant_type: 'client_credentials' };
const { client: CLIENT, address: ADDRESS } = ATTEMPT_LIMITS;

async function times<Result>(count: number, act: (index: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let index = 0; index < count; index += 1) results.push(await act(index));
  return results;
}

const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status);
const repeated = (count: number, status: number) => Array<number>(count).fill(status);

describe('Authentication that fails again and again', () => {
  let issuer: TestIssuer;

  beforeEach(async () => {
    issuer = await startIssuer(shop, { issuer: { attempts: ATTEMPT_LIMITS } });
  });
  after(async () => {
    await stopIssuers();
    await closeServers();
  });

  const as = (client: string, secret: string, path = '/token', headers: Record<string, string> = {}) =>
    issuer.token(
      { ...GRANT, token: 'x' },
      { path, headers: { authorization: basic(client, secret), ...headers } },
    );
  const guess = (client: string, count: number, path?: string, headers?: Record<string, string>) =>
    times(count, (index) => as(client, `guess ${index}`, path, headers));

  it('RFC 6585 section 4: is answered 429 with Retry-After, beyond ten failures in a minute', async () => {
    const answers = await guess('web', 20);
    expect(statuses(answers)).to.deep.equal([
      ...repeated(CLIENT.failures, 401),
      ...repeated(20 - CLIENT.failures, 429),
    ]);
    for (const { headers, body } of answers.slice(CLIENT.failures)) {
      expect(Number(headers.get('retry-after'))).to.be.within(1, CLIENT.seconds);
      expect(headers.get('cache-control')).to.equal('no-store');
      expect(headers.has('www-authenticate')).to.equal(false);
      expect(body['error']).to.equal('temporarily_unavailable');
      expect(body['error_description']).to.match(/failed too often. Try again in \d+ seconds/);
    }
  });

  it('a right secret is then refused like a wrong one, and a client that exists like one that does not', async () => {
    await guess('web', CLIENT.failures);
    await guess('nobody', CLIENT.failures);
    const answers = [await as('web', secretOf('web')), await as('web', 'guess'), await as('nobody', 'guess')];
    expect(statuses(answers)).to.deep.equal([429, 429, 429]);
    const texts = new Set(answers.map(({ text }) => text.replace(/(?<!\d)\d+ seconds/, 'N seconds')));
    expect([...texts]).to.have.length(1);
  });

  it('other clients at the same address are served, and what needs no authentication is', async () => {
    await guess('web', 15);
    const kiosk = { ...GRANT, client_id: 'kiosk', client_secret: secretOf('kiosk'), scope: 'place' };
    expect((await issuer.token(kiosk)).status).to.equal(200);
    for (const path of ['/jwks', '/healthz', '/.well-known/oauth-authorization-server'])
      expect((await fetch(`${issuer.url}${path}`)).status).to.equal(200);
  });

  it('RFC 7662 section 2.1, RFC 7009 section 2.1: introspection and revocation count and are counted with', async () => {
    await guess('web', 4, '/introspect');
    await guess('web', 4, '/revoke');
    await guess('web', 2, '/token');
    for (const path of ['/token', '/introspect', '/revoke'])
      expect((await as('web', secretOf('web'), path)).status, path).to.equal(429);
  });

  it('success is not counted, and does not make failures undone', async () => {
    expect(statuses(await times(30, () => as('web', secretOf('web'))))).to.deep.equal(repeated(30, 200));
    await guess('web', CLIENT.failures - 1);
    expect((await as('web', secretOf('web'))).status).to.equal(200);
    await guess('web', 1);
    expect((await as('web', secretOf('web'))).status).to.equal(429);
  });

  it('what names no client, or cannot be read, is refused and not counted', async () => {
    for (let time = 0; time < 15; time += 1) {
      expect((await issuer.token(GRANT)).status).to.equal(401);
      expect((await issuer.token({ ...GRANT, client_id: 'web' })).status).to.equal(401);
      expect((await issuer.token(GRANT, { headers: { authorization: 'Basic ***' } })).status).to.equal(401);
    }
    expect((await as('web', secretOf('web'))).status).to.equal(200);
  });

  it('guesses that come all at once are counted as well', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, (_, index) => as('web', `guess ${index}`)));
    expect(answers.filter(({ status }) => status === 401)).to.have.length(CLIENT.failures);
    expect(answers.filter(({ status }) => status === 429)).to.have.length(60 - CLIENT.failures);
  });

  it('an address that tries many clients is refused whole, after a hundred failures', async () => {
    for (let name = 0; name < ADDRESS.failures / CLIENT.failures; name += 1)
      await guess(`client ${name}`, CLIENT.failures + 2);
    expect((await as('web', secretOf('web'))).status).to.equal(429);
    expect((await as('one more', 'guess')).status).to.equal(429);
  });

  it('is forgotten when its time is over', async () => {
    const limit = { failures: 2, seconds: 1 };
    issuer = await startIssuer(shop, { issuer: { attempts: { client: limit, address: ADDRESS } } });
    await guess('web', 2);
    expect((await as('web', secretOf('web'))).headers.get('retry-after')).to.equal('1');
    const answered = async () => (await as('web', secretOf('web'))).status;
    for (let tries = 0; tries < 200 && (await answered()) === 429; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 25));
    expect(await answered()).to.equal(200);
  });

  it('outlives a reload', async () => {
    const parts = { attempts: ATTEMPT_LIMITS, store: memoryStore() };
    issuer = await startIssuer(shop, { issuer: parts });
    await guess('web', CLIENT.failures);
    const { plan } = issuer;
    const keys = await keysFor(plan.issuer.signing);
    issuer.issuer = createIssuer({ plan, keys, secrets: secretsFor(plan), ...parts });
    expect((await as('web', secretOf('web'))).status).to.equal(429);
  });

  describe('behind a proxy', () => {
    const from = (address: string) => ({ 'x-forwarded-for': address });

    beforeEach(async () => {
      issuer = await startIssuer(shop, {
        issuer: { attempts: ATTEMPT_LIMITS },
        app: { forwardedFrom: addressList(['127.0.0.1']) },
      });
    });

    it('who guesses with the name of a client does not lock it out elsewhere', async () => {
      await guess('web', 15, '/token', from('198.51.100.7'));
      expect((await as('web', secretOf('web'), '/token', from('198.51.100.7'))).status).to.equal(429);
      expect((await as('web', secretOf('web'), '/token', from('198.51.100.8'))).status).to.equal(200);
      const forged = from('198.51.100.8, 198.51.100.7');
      expect((await as('web', secretOf('web'), '/token', forged)).status).to.equal(429);
    });

    it('guessing through a second proxy, which writes its own port, locks out nobody else', async () => {
      issuer = await startIssuer(shop, {
        issuer: { attempts: ATTEMPT_LIMITS },
        app: { forwardedFrom: addressList(['127.0.0.1', '10.0.0.6']) },
      });
      const through = (address: string, port: number) => from(`${address}, 10.0.0.6:${port}`);
      await times(11, (index) => as('web', 'guess', '/token', through('198.51.100.7', 4001 + index)));
      const asked = async (address: string) =>
        (await as('web', secretOf('web'), '/token', through(address, 77))).status;
      expect([await asked('198.51.100.7'), await asked('198.51.100.8')]).to.deep.equal([429, 200]);
    });

    it('the header of anyone else changes nothing', async () => {
      issuer = await startIssuer(shop, { issuer: { attempts: ATTEMPT_LIMITS } });
      const answers = await times(12, (index) => as('web', 'guess', '/token', from(`198.51.100.${index}`)));
      expect(statuses(answers)).to.deep.equal([...repeated(10, 401), 429, 429]);
    });
  });

  describe('by other methods', () => {
    it('RFC 7523 section 3: with assertions, which are counted for the client that they name', async () => {
      const { ask, assertion, ...keyed } = await startKeyedIssuer(ATTEMPT_LIMITS);
      const wrong = async (client: string) => ask(await assertion({ client, key: keyed.orders }));
      const answers = await times(12, () => wrong('web'));
      expect(statuses(answers)).to.deep.equal([...repeated(10, 401), 429, 429]);
      expect((await ask(await assertion(), { scope: 'place' })).status).to.equal(429);
      const app = await assertion({ client: 'app', key: keyed.remote });
      expect((await ask(app, { scope: 'place' })).status).to.equal(200);
    });

    it('RFC 8705 section 2: with certificates', async () => {
      const { url } = await startCertificateIssuer({ issuer: { attempts: ATTEMPT_LIMITS } });
      const answers = await times(12, () => askWith(url, 'dns', selfSigned(NAMED.dns)));
      expect(answers.map(({ status }) => status)).to.deep.equal([...repeated(10, 401), 429, 429]);
      expect((await askWith(url, 'dns', ca.issue(NAMED.dns))).status).to.equal(429);
      expect((await askWith(url, 'email', ca.issue(NAMED.email))).status).to.equal(200);
    });
  });

  it('threat 15: the log has one warning for a block, with its client and address, and no guess', async () => {
    await guess('web', 20);
    const blocked = issuer.logLines().filter(({ msg }) => msg === 'blocked');
    expect(blocked).to.have.length(1);
    expect(blocked[0]).to.include({ level: 40, error: 'too_many_attempts', address: '127.0.0.1' });
    expect(blocked[0]?.['detail']).to.equal('as web from one address');
    expect(issuer.logLines().filter(({ level }) => level >= 40)).to.have.length(CLIENT.failures + 1);
    expect(issuer.logText()).to.not.contain('guess ').and.not.contain(basic('web', 'guess 1').slice(6));
  });
});
