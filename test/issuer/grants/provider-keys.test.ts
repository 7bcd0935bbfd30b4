/** The keys of a provider: where they come from, when they are away, when they change. */
import type { ServerResponse } from 'node:http';

import { expect } from 'chai';
import type { JWK } from 'jose';

import type { Issuer } from '../../../src/issuer/index.ts';
import { closeServers, listen } from '../../support/http.ts';
import { clientOf, issuerFor } from '../../support/issuer/issue.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { startProvider, subjectOf, type TestProvider } from '../../support/provider/scripted.ts';
import { planOf } from '../../support/compile.ts';
import { utf16 } from '../../support/files.ts';
import { users } from '../../support/graphs/users.ts';
import { pkcs1Padded, unitRsa } from '../../support/keys/weak-keys.ts';
import { NOW, makeSigner } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';

const METADATA = '/.well-known/openid-configuration';
const wallClock = Date.now;

describe('The keys of a provider', () => {
  let provider: TestProvider;
  let issuer: Issuer;

  beforeEach(async () => {
    provider = await startProvider();
    issuer = await issuerOf();
  });
  afterEach(async () => {
    Date.now = wallClock;
    await closeServers();
  });

  async function issuerOf(more = ''): Promise<Issuer> {
    return issuerFor(planOf(users({ subjects: { login: subjectOf(provider, more) } })), () => NOW);
  }

  async function subOf(by = issuer, token?: string) {
    const subject = { token: token ?? (await provider.idToken()), type: 'id_token' } as const;
    const tree = await by.issueFor(clientOf(by.plan, 'web'), subject, { scopes: ['read'] });
    return tokenAt(tree.token).payload.sub;
  }

  async function unavailable(by = issuer): Promise<string> {
    const token = await provider.idToken();
    const { message, detail } = await failure('provider_unavailable', () => subOf(by, token), token);
    expect(message).to.equal('The keys of the provider login cannot be fetched at the moment.');
    return detail ?? '';
  }

  /** jose counts the age of keys on the wall clock. */
  function later(seconds: number): void {
    Date.now = () => wallClock() + seconds * 1000;
  }

  /** Answers a path with this, once or for good. */
  function answer(path: string, with_: (response: ServerResponse) => void): void {
    provider.intercept = ({ url }, response) => {
      if (url !== path) return false;
      with_(response);
      return true;
    };
  }

  const json =
    (body: unknown, status = 200) =>
    (response: ServerResponse) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

  it('OpenID Connect Discovery section 4: are found by discovery, or at jwks_uri, and then kept', async () => {
    for (let round = 0; round < 3; round++) expect(await subOf()).to.equal('login:alice');
    expect(provider.requests).to.deep.equal([METADATA, '/jwks']);
    provider.requests.length = 0;
    const direct = await issuerOf(`jwks_uri: '${provider.url}/jwks'`);
    for (let round = 0; round < 3; round++) await subOf(direct);
    expect(provider.requests).to.deep.equal(['/jwks']);
  });

  it('are asked for once, however many users come at a time', async () => {
    const subs = await Promise.all(Array.from({ length: 20 }, () => subOf()));
    expect(new Set(subs)).to.deep.equal(new Set(['login:alice']));
    expect(provider.requests).to.deep.equal([METADATA, '/jwks']);
  });

  it('the path of an issuer stays before the well-known part', async () => {
    const origin = await listen((request, response) => {
      const found: Record<string, unknown> = {
        [`/realms/a${METADATA}`]: { issuer: `${origin}/realms/a`, jwks_uri: `${provider.url}/jwks` },
      };
      json(found[request.url ?? ''] ?? {}, request.url === `/realms/a${METADATA}` ? 200 : 404)(response);
    });
    const plan = planOf(users({ subjects: { login: subjectOf({ url: `${origin}/realms/a` }) } }));
    const token = await provider.idToken({ iss: `${origin}/realms/a` });
    expect(await subOf(await issuerFor(plan, () => NOW), token)).to.equal('login:alice');
  });

  describe('that are away', () => {
    it('are a failure of ours, not of the token, and are asked for again by the next one', async () => {
      for (const path of [METADATA, '/jwks']) {
        const by = await issuerOf();
        answer(path, json({}, 500));
        expect(await unavailable(by)).to.contain(`${provider.url}${path} answered 500`);
        answer(path, (response) => response.destroy());
        expect(await unavailable(by)).to.contain('could not be reached');
        provider.intercept = undefined;
        expect(await subOf(by)).to.equal('login:alice');
      }
    });

    it('do no harm while the ones that are known are fresh; then nothing is taken', async () => {
      await subOf();
      provider.intercept = (_request, response) => {
        json({}, 503)(response);
        return true;
      };
      later(500);
      expect(await subOf()).to.equal('login:alice');
      later(700);
      await unavailable();
      provider.intercept = undefined;
      expect(await subOf()).to.equal('login:alice');
    });

    it('an unknown key id that cannot be looked up takes nothing from those that are known', async () => {
      await subOf();
      const stranger = await makeSigner('ES256', 'stranger');
      const claims = { iss: provider.url, sub: 'alice', aud: 'app', iat: NOW, exp: NOW + 60 };
      const token = await stranger.sign(claims, { typ: 'JWT' });
      later(31);
      answer('/jwks', json({}, 503));
      await failure('provider_unavailable', () => subOf(issuer, token), token);
      expect(await subOf()).to.equal('login:alice');
    });

    it('may have moved: discovery begins anew', async () => {
      await subOf();
      const elsewhere = await listen((_request, response) => json({ keys: provider.keys })(response));
      provider.metadata = { jwks_uri: `${elsewhere}/keys` };
      answer('/jwks', json({}, 404));
      later(700);
      await unavailable();
      expect(await subOf()).to.equal('login:alice');
    });

    it('are waited for within a deadline, the body as well', async function () {
      this.timeout(180_000);
      const silent = await listen(() => undefined);
      const stalling = await listen((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).write('{"keys":');
      });
      const begun = performance.now();
      await Promise.all(
        [silent, stalling].map(async (address) => unavailable(await issuerOf(`jwks_uri: '${address}'`))),
      );
      expect(performance.now() - begun).to.be.within(4_000, 8_000);
    });
  });

  describe('and what else a provider may publish', () => {
    it('metadata of another issuer, or with an address that is not safe, is not used', async () => {
      const trap = await startProvider();
      const cases: readonly object[] = [
        { issuer: 'https://login.example' },
        { issuer: `${provider.url}/` },
        { issuer: undefined },
        { jwks_uri: 'http://login.example/jwks' },
        { jwks_uri: 'file:///etc/passwd' },
        { jwks_uri: '/jwks' },
        { jwks_uri: `${trap.url.replace('http://', 'http://admin:word@')}/jwks` },
        { jwks_uri: [`${trap.url}/jwks`] },
        { jwks_uri: undefined },
      ];
      for (const metadata of cases) {
        answer(METADATA, json({ issuer: provider.url, jwks_uri: `${provider.url}/jwks`, ...metadata }));
        await unavailable(await issuerOf());
      }
      for (const body of [null, [], 'text', 7]) {
        answer(METADATA, json(body));
        await unavailable(await issuerOf());
      }
      expect(trap.requests).to.deep.equal([]);
      expect(provider.requests).to.not.include('/jwks');
    });

    it('RFC 8259 section 8.1: documents that begin with a byte order mark are read', async () => {
      const marked = (body: unknown) => (response: ServerResponse) =>
        void response.end(`\ufeff${JSON.stringify(body)}`);
      provider.intercept = ({ url }, response) => {
        const metadata = { issuer: provider.url, jwks_uri: `${provider.url}/jwks` };
        marked(url === METADATA ? metadata : { keys: provider.keys })(response);
        return true;
      };
      expect(await subOf(await issuerOf())).to.equal('login:alice');
    });

    it('the log names documents in UTF-16, and says what to do', async () => {
      const documents = utf16(JSON.stringify({ issuer: provider.url, keys: [] }));
      expect(documents).to.have.lengthOf(4);
      for (const path of [METADATA, '/jwks'])
        for (const bytes of documents) {
          answer(path, (response) => response.end(bytes));
          expect(await unavailable(await issuerOf())).to.contain(
            `${provider.url}${path} did not answer in JSON: it is UTF-16, not UTF-8; save it as UTF-8`,
          );
        }
    });

    it('a redirect is not followed', async () => {
      const trap = await startProvider();
      for (const path of [METADATA, '/jwks']) {
        answer(path, (response) => response.writeHead(302, { location: `${trap.url}${path}` }).end());
        expect(await unavailable(await issuerOf())).to.contain('302');
      }
      expect(trap.requests).to.deep.equal([]);
    });

    it('a key set that is none is the failure of the provider, not of the user', async () => {
      for (const body of [{}, { keys: {} }, { keys: 'none' }, { keys: [7] }, [], null, 'text']) {
        answer('/jwks', json(body));
        await unavailable(await issuerOf());
      }
      answer('/jwks', (response) => response.end('<html>maintenance</html>'));
      await unavailable(await issuerOf());
    });

    it('threat 11: a key set of more keys than any provider has is not used', async () => {
      const own = provider.keys;
      const filled = (count: number) =>
        Array.from({ length: count }, (_, index) => ({ ...provider.keys[0], kid: `other ${index}` }));
      answer('/jwks', json({ keys: [...filled(99), ...own] }));
      expect(await subOf(await issuerOf())).to.equal('login:alice');
      answer('/jwks', json({ keys: [...filled(100), ...own] }));
      expect(await unavailable(await issuerOf())).to.contain('101 keys, the limit is 100');
    });

    it('a key that cannot verify is the failure of the provider as well', async () => {
      const { kid } = provider.signer;
      for (const broken of [
        { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid },
        { kty: 'EC', crv: 'P-256', kid },
      ]) {
        provider.keys = [broken];
        await unavailable(await issuerOf());
      }
    });

    it('a key with which anyone can sign is ignored; the others serve', async () => {
      const weak = { ...unitRsa(), kid: 'weak' } as JWK;
      provider.keys = [provider.signer.publicJwk, weak];
      const by = await issuerOf();
      const [, payload] = (await provider.idToken()).split('.');
      const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid: 'weak' })).toString('base64url');
      const input = `${header}.${payload}`;
      const forged = `${input}.${pkcs1Padded(input).toString('base64url')}`;
      const { message } = await failure('invalid_grant', () => subOf(by, forged), forged);
      expect(message).to.contain('no key of its issuer');
      expect(await subOf(by)).to.equal('login:alice');
    });

    it('OpenID Connect Core section 10.1: a token without kid is of the one key that fits, and of none of several', async () => {
      const { kid: _kid, ...bare } = provider.signer.publicJwk;
      const unnamed = await provider.idToken({}, { kid: undefined });
      for (const keys of [[bare], [provider.signer.publicJwk]]) {
        provider.keys = keys;
        expect(await subOf(await issuerOf(), unnamed)).to.equal('login:alice');
      }
      provider.keys = [provider.signer.publicJwk, (await makeSigner('ES256', 'other')).publicJwk];
      const several = await issuerOf();
      const { message } = await failure('invalid_grant', () => subOf(several, unnamed), unnamed);
      expect(message).to.contain('names no key (kid), and several keys of its issuer match');
    });

    it('threat 11: an answer over 256 KiB is cut, an endless one as well', async function () {
      this.timeout(180_000);
      for (const path of [METADATA, '/jwks']) {
        answer(
          path,
          json({
            issuer: provider.url,
            jwks_uri: `${provider.url}/jwks`,
            keys: provider.keys,
            more: 'x'.repeat(300_000),
          }),
        );
        expect(await unavailable(await issuerOf())).to.contain('more than 262144 bytes');
        let written = 0;
        answer(path, (response) => {
          const pour = () => {
            while (!response.destroyed && response.write('x'.repeat(65_536))) written += 65_536;
          };
          response.on('drain', pour);
          pour();
        });
        const begun = performance.now();
        expect(await unavailable(await issuerOf())).to.contain('more than 262144 bytes');
        expect(performance.now() - begun).to.be.below(3_000);
        expect(written).to.be.below(64 * 1024 * 1024);
      }
    });
  });

  describe('that change', () => {
    it('are not replaced by a set without a usable key', async () => {
      const { publicJwk } = provider.signer;
      const { kid } = publicJwk;
      const stranger = await makeSigner('ES256', 'stranger');
      const claims = { iss: provider.url, sub: 'alice', aud: 'app', iat: NOW, exp: NOW + 60 };
      const token = await stranger.sign(claims, { typ: 'JWT' });
      const unusable: readonly (readonly unknown[])[] = [
        [],
        [{ ...publicJwk, use: 'enc' }],
        [{ ...publicJwk, alg: 'ES384' }],
        [{ kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid }],
        [{ kty: 'oct', k: 'AAAA', kid }],
        [{ ...unitRsa(), kid }],
      ];
      for (const keys of unusable) {
        const by = await issuerOf();
        provider.keys = [publicJwk];
        await subOf(by);
        provider.keys = [...keys] as JWK[];
        later(31);
        const { detail } = await failure('provider_unavailable', () => subOf(by, token), token);
        expect(detail).to.contain('publishes no usable key');
        expect(await subOf(by), JSON.stringify(keys)).to.equal('login:alice');
        Date.now = wallClock;
      }
    });

    it('expire with their age, whatever the provider publishes then', async () => {
      await subOf();
      provider.keys = [];
      later(599);
      expect(await subOf()).to.equal('login:alice');
      later(601);
      expect(await unavailable()).to.contain('publishes no usable key');
      provider.metadata = { jwks_uri: undefined };
      expect(await unavailable()).to.contain('no usable jwks_uri');
      provider.metadata = {};
      provider.keys = [provider.signer.publicJwk];
      expect(await subOf()).to.equal('login:alice');
    });

    it('a new key is picked up, half a minute after the last fetch; the old one ends with it', async () => {
      await subOf();
      const old = await provider.idToken();
      const next = await makeSigner('ES256', 'provider-2');
      provider.signer = next;
      provider.keys = [next.publicJwk];
      await failure('invalid_grant', () => subOf());
      expect(provider.requests).to.have.lengthOf(2); // an unknown key id alone brings no flood of requests
      later(31);
      expect(await subOf()).to.equal('login:alice');
      const { message } = await failure('invalid_grant', () => subOf(issuer, old), old);
      expect(message).to.contain('no key of its issuer');
    });

    it('threat 7: a key that says what it is for serves nothing else', async () => {
      const other = (await makeSigner('ES256', 'other')).publicJwk;
      for (const more of [{ use: 'enc' }, { alg: 'ES384' }, { key_ops: ['sign'] }]) {
        provider.keys = [{ ...provider.signer.publicJwk, ...more }, other];
        await failure('invalid_grant', async () => subOf(await issuerOf()));
      }
      const { kty, crv, x, y, kid } = provider.signer.publicJwk as Record<string, string>;
      provider.keys = [{ kty, crv, x, y, kid } as JWK]; // many providers say no more
      expect(await subOf(await issuerOf())).to.equal('login:alice');
    });
  });
});
