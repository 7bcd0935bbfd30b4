/** Which tokens of which providers are taken for a user's. */
import { createPublicKey } from 'node:crypto';

import { expect } from 'chai';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

import type { Plan } from '../../../src/graph/index.ts';
import type { Issuer, SubjectToken } from '../../../src/issuer/index.ts';
import { closeServers } from '../../support/http.ts';
import { clientOf, issuerFor } from '../../support/issuer/issue.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { API, APP, startProvider, subjectOf, type TestProvider } from '../../support/provider/scripted.ts';
import { planOf } from '../../support/compile.ts';
import { users } from '../../support/graphs/users.ts';
import { NOW, forge, makeSigner, type Json } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';

describe("A user's token", () => {
  let now: number;
  let provider: TestProvider;
  let partner: TestProvider;

  before(async () => {
    provider = await startProvider();
    partner = await startProvider();
  });
  beforeEach(() => {
    now = NOW;
  });
  after(closeServers);

  function planFor(more = '', audience: string = APP, web?: readonly string[]): Plan {
    const subjects = { login: subjectOf(provider, more, audience), partner: subjectOf(partner) };
    return planOf(users({ subjects, ...(web ? { web } : {}) }));
  }

  async function issuerOf(plan = planFor()): Promise<Issuer> {
    return issuerFor(plan, () => now);
  }

  async function subOf(issuer: Issuer, token: string, type: SubjectToken['type'] = 'jwt', client = 'web') {
    const tree = await issuer.issueFor(clientOf(issuer.plan, client), { token, type }, { scopes: ['read'] });
    return tokenAt(tree.token).payload.sub;
  }

  async function refused(
    issuer: Issuer,
    token: string,
    about: RegExp,
    type: SubjectToken['type'] = 'jwt',
    client = 'web',
  ) {
    const { message } = await failure('invalid_grant', () => subOf(issuer, token, type, client), token);
    expect(message)
      .to.match(about)
      .and.match(/^The user's token is not accepted: .+\.$/);
  }

  describe('and its provider', () => {
    it('is found by iss, among the providers that the client lists', async () => {
      const issuer = await issuerOf(planFor('', APP, ['login']));
      expect(await subOf(issuer, await provider.idToken())).to.equal('login:alice');
      await refused(issuer, await partner.idToken(), /web may not exchange/);
      const both = await issuerOf();
      expect(await subOf(both, await partner.idToken())).to.equal('partner:alice');
      await refused(both, await partner.idToken(), /mobile may not exchange/, 'jwt', 'mobile');
    });

    it('OpenID Connect Core section 2: of several that are one issuer’s, is the one whose audience it names', async () => {
      const subjects = {
        login: subjectOf(provider),
        mobile_login: subjectOf(provider, '', 'mobile-app'),
        api: subjectOf(provider, 'token_types: [access_token]', API),
      };
      const issuer = await issuerOf(planOf(users({ subjects })));
      expect(await subOf(issuer, await provider.idToken())).to.equal('login:alice');
      expect(await subOf(issuer, await provider.idToken({ aud: 'mobile-app' }))).to.equal(
        'mobile_login:alice',
      );
      expect(await subOf(issuer, await provider.accessToken())).to.equal('api:alice');
      expect(await subOf(issuer, await provider.accessToken({ aud: [API, 'x'] }))).to.equal('api:alice');
      await refused(issuer, await provider.idToken({ aud: 'neither' }), /aud/);
      await refused(issuer, await provider.idToken({ aud: undefined }), /aud/);
      const both = { aud: [APP, 'mobile-app'], azp: APP };
      await refused(issuer, await provider.idToken(both), /aud names more than one provider of web/);
    });

    it('threat 9: another provider cannot speak for it', async () => {
      const issuer = await issuerOf();
      const claims = { iss: provider.url, sub: 'alice', aud: APP, iat: NOW, exp: NOW + 60 };
      await refused(issuer, await partner.signer.sign(claims, { typ: 'JWT' }), /signature/);
      const kid = provider.signer.kid;
      const twin = await makeSigner('ES256', kid);
      await refused(issuer, await twin.sign(claims, { typ: 'JWT' }), /signature/);
      for (const iss of [
        `${provider.url}/`,
        provider.url.toUpperCase(),
        '',
        7,
        null,
        undefined,
        [provider.url],
      ]) {
        await refused(issuer, await provider.idToken({ iss }), /web may not exchange/);
      }
    });

    it('our own issuer is never one, though a plan says so', async () => {
      const plan = planFor();
      const issuer = await issuerOf(plan);
      const own = await issuer.issueFor(
        clientOf(plan, 'web'),
        { token: await provider.idToken(), type: 'id_token' },
        { scopes: ['read'] },
      );
      await refused(issuer, own.token, /web may not exchange/);
      const web = clientOf(plan, 'web');
      const [login] = web.subjects;
      if (!login) throw new Error('web has no provider');
      const subjects = [{ ...login, issuer: plan.issuer.url, audience: 'https://shop.example' }];
      const act = () =>
        issuer.issueFor({ ...web, subjects }, { token: own.token, type: 'jwt' }, { scopes: ['read'] });
      expect((await failure('invalid_grant', act, own.token)).message).to.contain('may not exchange');
    });
  });

  describe('that is an ID token', () => {
    it('OpenID Connect Core section 3.1.3.7: is accepted from the client that it was issued to only', async () => {
      const issuer = await issuerOf();
      for (const claims of [
        {},
        { aud: [APP] },
        { azp: APP },
        { aud: [APP, 'other'], azp: APP },
        { aud: ['other', APP], azp: APP },
      ]) {
        expect(await subOf(issuer, await provider.idToken(claims), 'id_token')).to.equal('login:alice');
      }
      for (const [claims, about] of [
        [{ aud: 'other' }, /aud/],
        [{ aud: ['other'] }, /aud/],
        [{ aud: undefined }, /aud/],
        [{ aud: [] }, /aud/],
        [{ aud: `${APP} ` }, /aud/],
        [{ azp: 'other' }, /another client/],
        [{ aud: [APP, 'other'], azp: 'other' }, /another client/],
        [{ aud: ['other', APP] }, /no azp/],
        [{ aud: [APP, 'other'] }, /no azp/],
        [{ azp: '' }, /another client/],
        [{ azp: [APP] }, /another client/],
        [{ azp: null }, /another client/],
      ] as const) {
        await refused(issuer, await provider.idToken(claims), about);
      }
    });

    it('is taken for the authorized parties that the graph names, and then for no other', async () => {
      const issuer = await issuerOf(planFor('authorized_parties: [ios, android]', 'backend'));
      expect(await subOf(issuer, await provider.idToken({ aud: 'backend', azp: 'ios' }))).to.equal(
        'login:alice',
      );
      await refused(issuer, await provider.idToken({ aud: 'backend', azp: 'tv' }), /another client/);
      await refused(issuer, await provider.idToken({ aud: 'backend', azp: 'backend' }), /another client/);
      await refused(issuer, await provider.idToken({ aud: 'backend' }), /another client/);
      await refused(issuer, await provider.idToken({ aud: 'ios', azp: 'ios' }), /aud/);
    });
  });

  describe('that is an access token', () => {
    it('RFC 9068 section 4: has the type at+jwt, in either spelling, and the audience', async () => {
      const issuer = await issuerOf(planFor('', API));
      for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT', 'Application/AT+JWT']) {
        expect(await subOf(issuer, await provider.accessToken({}, { typ }), 'access_token')).to.equal(
          'login:alice',
        );
      }
      await refused(issuer, await provider.accessToken({ aud: 'https://other.example' }), /aud/);
    });

    it('threat 8: without its type it is none, and no ID token either', async () => {
      const issuer = await issuerOf(planFor('', API));
      for (const typ of ['JWT', 'jwt', undefined]) {
        for (const claims of [{}, { client_id: undefined }, { scope: undefined, client_id: API }]) {
          await refused(issuer, await provider.accessToken(claims, { typ }), /without its typ/);
        }
      }
    });

    it('is taken of any client of the provider, or of those that the graph names', async () => {
      const any = await issuerOf(planFor('', API));
      expect(await subOf(any, await provider.accessToken({ client_id: 'whoever' }))).to.equal('login:alice');
      const pinned = await issuerOf(planFor('authorized_parties: [app]', API));
      for (const claims of [{}, { client_id: undefined, azp: APP }]) {
        expect(await subOf(pinned, await provider.accessToken(claims))).to.equal('login:alice');
      }
      for (const claims of [
        { client_id: 'other' },
        { client_id: 'other', azp: APP },
        { client_id: null, azp: APP },
        { client_id: undefined },
        { client_id: null, azp: 'x' },
      ]) {
        await refused(pinned, await provider.accessToken(claims), /another client/);
      }
    });
  });

  it('threat 8: is of the kind that the client says, of a kind that the graph takes, and of no other', async () => {
    const issuer = await issuerOf();
    await refused(issuer, await provider.idToken(), /subject_token_type/, 'access_token');
    await refused(issuer, await provider.accessToken({ aud: APP }), /subject_token_type/, 'id_token');
    const ids = await issuerOf(planFor('token_types: [id_token]'));
    expect(await subOf(ids, await provider.idToken())).to.equal('login:alice');
    await refused(ids, await provider.accessToken({ aud: APP }), /may not exchange/);
    const accesses = await issuerOf(planFor('token_types: [access_token]'));
    await refused(accesses, await provider.idToken(), /may not exchange/);
    for (const typ of [
      'logout+jwt',
      'token-introspection+jwt',
      'client-authentication+jwt',
      'dpop+jwt',
      'secevent+jwt',
      '',
      7,
      {},
    ]) {
      await refused(issuer, await provider.idToken({}, { typ }), /typ/);
    }
    await refused(issuer, await provider.idToken({ events: {} }), /something else/);
    await refused(
      issuer,
      await provider.idToken({ token_introspection: { active: true } }),
      /something else/,
    );
  });

  describe('and its signature', () => {
    const claimsOf = (): Json => ({ iss: provider.url, sub: 'alice', aud: APP, iat: NOW, exp: NOW + 60 });

    it('threat 7: HS256 with the public key as its secret, none, and a stripped signature are refused', async () => {
      const issuer = await issuerOf();
      const { kid, publicJwk } = provider.signer;
      const pem = createPublicKey({ key: { ...publicJwk }, format: 'jwk' }).export({
        type: 'spki',
        format: 'pem',
      });
      for (const secret of [
        Buffer.from(pem),
        Buffer.from(JSON.stringify(publicJwk)),
        Buffer.from(publicJwk.x ?? '', 'base64url'),
      ]) {
        const token = await new SignJWT(claimsOf()).setProtectedHeader({ alg: 'HS256', kid }).sign(secret);
        await refused(issuer, token, /algorithm/);
      }
      await refused(issuer, forge({ alg: 'none', kid }, claimsOf(), ''), /algorithm|signature|not a JWT/);
      await refused(issuer, forge({ alg: 'ES256', kid }, claimsOf(), ''), /signature|not a JWT/);
      const [header, payload] = (await provider.idToken()).split('.');
      await refused(issuer, `${header}.${payload}.`, /signature|not a JWT/);
    });

    it('is of an algorithm that the graph takes from this provider', async () => {
      const rsa = await makeSigner('RS256', 'rsa');
      const ed = await makeSigner('Ed25519', 'ed');
      const es384 = await makeSigner('ES384', 'es384');
      provider.keys = [provider.signer.publicJwk, rsa.publicJwk, ed.publicJwk, es384.publicJwk];
      const any = await issuerOf();
      for (const signer of [rsa, ed])
        expect(await subOf(any, await signer.sign(claimsOf(), { typ: 'JWT' }))).to.equal('login:alice');
      await refused(any, await es384.sign(claimsOf(), { typ: 'JWT' }), /algorithm/);
      const only = await issuerOf(planFor('algorithms: [ES256]'));
      expect(await subOf(only, await provider.idToken())).to.equal('login:alice');
      for (const signer of [rsa, ed])
        await refused(only, await signer.sign(claimsOf(), { typ: 'JWT' }), /algorithm/);
    });

    it('EdDSA, the older name of Ed25519 (RFC 9864 section 2.2), is taken where Ed25519 is', async () => {
      const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
      provider.keys = [
        provider.signer.publicJwk,
        { ...(await exportJWK(publicKey)), kid: 'eddsa', alg: 'EdDSA' },
      ];
      const token = await new SignJWT(claimsOf())
        .setProtectedHeader({ alg: 'EdDSA', kid: 'eddsa' })
        .sign(privateKey);
      expect(await subOf(await issuerOf(), token)).to.equal('login:alice');
      await refused(await issuerOf(planFor('algorithms: [ES256]')), token, /algorithm/);
    });

    it('threat 9: a key, or the address of one, in the header is not looked at', async () => {
      const issuer = await issuerOf();
      const evil = await makeSigner('ES256', 'evil');
      const trap = await startProvider();
      trap.keys = [evil.publicJwk];
      for (const header of [
        { jwk: evil.publicJwk },
        { jku: `${trap.url}/jwks` },
        { x5u: `${trap.url}/cert` },
        { jwk: evil.publicJwk, kid: provider.signer.kid },
        { kid: '../../../dev/null' },
        { kid: undefined },
      ]) {
        await refused(issuer, await evil.sign(claimsOf(), { typ: 'JWT', ...header }), /key|signature/);
      }
      expect(trap.requests).to.deep.equal([]);
    });
  });

  it('RFC 7519 section 4.1: is of now: not expired, not from the future, with both times', async () => {
    const issuer = await issuerOf();
    for (const [claims, about] of [
      [{ exp: NOW }, /expired/],
      [{ exp: NOW - 1 }, /expired/],
      [{ exp: undefined }, /exp/],
      [{ exp: 'tomorrow' }, /exp/],
      [{ iat: NOW + 6 }, /future/],
      [{ iat: undefined }, /iat/],
      [{ iat: '0' }, /iat/],
      [{ nbf: NOW + 6 }, /nbf/],
    ] as const) {
      await refused(issuer, await provider.idToken(claims), about);
    }
    const endless = `{"iss":"${provider.url}","sub":"alice","aud":"${APP}","iat":${NOW},"exp":1e400}`;
    await refused(issuer, await provider.signer.sign(endless, { typ: 'JWT' }), /exp or iat is not a number/);
    for (const claims of [{ iat: NOW + 5 }, { nbf: NOW + 5 }, { exp: NOW + 1 }]) {
      expect(await subOf(issuer, await provider.idToken(claims))).to.equal('login:alice');
    }
    const token = await provider.idToken({ exp: NOW + 100 });
    now = NOW + 100;
    await refused(issuer, token, /expired/);
  });

  it('that is none is refused before any key is fetched', async () => {
    const issuer = await issuerOf();
    const asked = provider.requests.length;
    const broken = [
      '',
      'x',
      'a.b.c',
      '..',
      `${forge({ alg: 'ES256' }, 'not json')}`,
      forge('x', {}),
      forge({ alg: 'ES256' }, '[]'),
    ];
    for (const token of broken) await refused(issuer, token, /not a JWT|may not exchange/);
    await refused(issuer, await provider.idToken({ picture: 'x'.repeat(16 * 1024) }), /larger than 16384/);
    const jwe = 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA';
    await refused(issuer, jwe, /not a JWT|may not exchange/);
    expect(provider.requests).to.have.lengthOf(asked);
  });

  describe('that is delegated (RFC 8693 section 4.1)', () => {
    const ACT = { sub: 'helpdesk', iss: 'https://login.example' };

    it('L10: is refused, whatever its act looks like: the tree would name the user alone', async () => {
      const issuer = await issuerOf(planFor('', API));
      for (const act of [ACT, { sub: 'a', act: { sub: 'b' } }, {}, 'helpdesk', [], 0, false, null, '']) {
        const token = await provider.accessToken({ act });
        await refused(issuer, token, /delegated .*`act: ignore` for the provider login in the graph/);
      }
      expect(await subOf(issuer, await provider.accessToken())).to.equal('login:alice');
    });

    it('counts as its user if the graph ignores act for this provider', async () => {
      const subjects = {
        login: subjectOf(provider, 'act: ignore'),
        partner: subjectOf(partner, 'act: refuse'),
      };
      const issuer = await issuerOf(planOf(users({ subjects })));
      expect(await subOf(issuer, await provider.idToken({ act: ACT }))).to.equal('login:alice');
      await refused(issuer, await partner.idToken({ act: ACT }), /provider partner/);
    });

    it('may_act does not make it one: it says who could be given such a token', async () => {
      const issuer = await issuerOf();
      expect(await subOf(issuer, await provider.idToken({ may_act: ACT }))).to.equal('login:alice');
    });
  });
});
