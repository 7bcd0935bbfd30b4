import { expect } from 'chai';

import type { Plan } from '../../../src/graph/index.ts';
import type { IssuedTree, Issuer } from '../../../src/issuer/index.ts';
import { planRequest } from '../../../src/planning/request-plan.ts';
import { closeServers } from '../../support/http.ts';
import { clientOf, exchange, issuerFor } from '../../support/issuer/issue.ts';
import { tokenAt, tokensOf } from '../../support/issuer/trees.ts';
import { startProvider, subjectOf, type TestProvider } from '../../support/provider/scripted.ts';
import { planOf } from '../../support/compile.ts';
import { users } from '../../support/graphs/users.ts';
import { NOW, type Json } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';

describe('A tree for a user', () => {
  let provider: TestProvider;
  let plan: Plan;
  let issuer: Issuer;

  before(async () => {
    provider = await startProvider();
    plan = planOf(users({ subjects: { login: subjectOf(provider) } }));
    issuer = await issuerFor(plan, () => NOW);
  });
  after(closeServers);

  async function issueFor(
    claims: Json = {},
    scopes: readonly string[] = ['read'],
    by = issuer,
  ): Promise<IssuedTree> {
    const token = await provider.idToken({ email: 'alice@example.org', ...claims });
    return by.issueFor(clientOf(by.plan, 'web'), { token, type: 'id_token' }, { scopes });
  }

  const root = async (...given: Parameters<typeof issueFor>) =>
    tokenAt((await issueFor(...given)).token).payload;

  /** An issuer whose provider is declared with more. */
  function declared(more: string): Promise<Issuer> {
    return issuerFor(planOf(users({ subjects: { login: subjectOf(provider, more) } })), () => NOW);
  }

  describe('its sub', () => {
    it("RFC 9068 section 5: is the provider's name, a colon and the provider's sub, in the whole tree", async () => {
      const { token, client } = await issueFor({}, ['buy']);
      expect(tokensOf(token)).to.have.lengthOf(3);
      for (const { payload } of tokensOf(token))
        expect(payload).to.include({ sub: 'login:alice', client_id: 'web' });
      expect(client).to.equal('web');
    });

    it('has the prefix that the graph gives, or none for a single provider', async () => {
      expect((await root({}, ['read'], await declared('prefix: eu'))).sub).to.equal('eu:alice');
      const bare = await declared("prefix: ''");
      expect((await root({}, ['read'], bare)).sub).to.equal('alice');
      for (const sub of ['web', 'batch', 'shop', 'mail']) {
        const { message } = await failure('invalid_grant', () => issueFor({ sub }, ['read'], bare));
        expect(message, sub).to.contain('name of a client');
      }
      expect((await root({ sub: 'web' })).sub).to.equal('login:web');
    });

    it('is at most as long as sub_max_bytes says, in UTF-8 with the escapes of JSON, without quotes', async () => {
      const by = await declared('sub_max_bytes: 18B');
      const fits = ['a'.repeat(18), 'ü'.repeat(9), '"'.repeat(9), '€'.repeat(6)];
      for (const sub of fits) expect((await root({ sub }, ['read'], by)).sub).to.equal(`login:${sub}`);
      for (const sub of fits.map((text) => `${text}x`)) {
        const { message } = await failure('invalid_grant', () => issueFor({ sub }, ['read'], by));
        expect(message).to.match(/sub has (19|2[0-9]) bytes; login allows 18/);
      }
      await failure('invalid_grant', () => issueFor({ sub: 'a'.repeat(65) })); // 64 bytes without being told
      expect((await root({ sub: 'a'.repeat(64) })).sub).to.have.lengthOf('login:'.length + 64);
    });

    it('is a text: two numbers or objects could be one', async () => {
      for (const sub of ['', 7, true, null, { id: 'alice' }, ['alice'], undefined]) {
        await failure('invalid_grant', () => issueFor({ sub }));
      }
    });
  });

  describe('its claims', () => {
    const CLAIMS: Json = {
      name: 'Alice',
      email: 'alice@example.org',
      realm_access: { roles: ['buyer', 'vip'] },
      'https://login.example/org': { id: 'acme' },
      phone: '+49 30 1234',
      scopes: 'everything',
    };

    it('go where the graph sends them, each to the services that name it, and no further', async () => {
      const { token } = await issueFor(CLAIMS, ['buy']);
      const carried = (...path: string[]) => {
        const names = ['name', 'email', 'roles', 'org', 'tier', 'phone', 'scopes', 'nonce', 'realm_access'];
        return Object.fromEntries(
          Object.entries(tokenAt(token, ...path).payload).filter(([name]) => names.includes(name)),
        );
      };
      expect(carried()).to.deep.equal({ name: 'Alice', tier: 'gold' });
      expect(carried('mail')).to.deep.equal({ email: 'alice@example.org' });
      expect(carried('crm')).to.deep.equal({ roles: ['buyer', 'vip'], org: { id: 'acme' } });
    });

    it('without a value are left out; null is none', async () => {
      const { token } = await issueFor({ name: null, realm_access: { groups: [] } }, ['buy']);
      expect(tokenAt(token).payload).to.not.have.property('name');
      expect(tokenAt(token, 'crm').payload).to.not.have.any.keys('roles', 'org');
      for (const realm_access of ['roles', ['roles'], null, 7]) {
        expect(
          tokenAt((await issueFor({ realm_access }, ['buy'])).token, 'crm').payload,
        ).to.not.have.property('roles');
      }
    });

    it('that a service needs (`!`) and the user lacks fail the request by name', async () => {
      const { message } = await failure('invalid_request', () => issueFor({ email: undefined }, ['buy']));
      expect(message).to.equal('mail needs the claim email, which has no value here.');
      await issueFor({ email: undefined }, ['read']);
    });

    it('over their bound are refused, naming claim, size and bound', async () => {
      const email = (length: number) => ({ email: 'e'.repeat(length) });
      await issueFor(email(32), ['buy']);
      const { message } = await failure('invalid_grant', () => issueFor(email(33), ['buy']));
      expect(message).to.match(/claim email .* 33 bytes; at most 32/);
      await issueFor(email(33), ['read']); // where nobody gets it, nobody minds
      await issueFor({ name: 'n'.repeat(256) });
      expect((await failure('invalid_grant', () => issueFor({ name: 'n'.repeat(257) }))).message).to.contain(
        'at most 256',
      );
    });

    it('over their bound are refused where they are only kept for later', async () => {
      await issueFor({ role: 'admin' }, ['refund']);
      await failure('invalid_grant', () => issueFor({ role: 'admin', email: 'e'.repeat(40) }, ['refund']));
    });

    it('reach what a service fetches later', async () => {
      const { token } = await issueFor({ role: 'admin' }, ['refund']);
      expect(tokenAt(token).payload).to.have.property('held').and.not.have.property('email');
      const fetched = tokenAt((await exchange(issuer, 'shop', token, { audiences: ['bank'] })).token).payload;
      expect(fetched).to.include({ email: 'alice@example.org', sub: 'login:alice', client_id: 'web' });
    });
  });

  describe('its life', () => {
    it('threat 13: ends with the token of the user, and with its own at the latest', async () => {
      for (const [exp, expected] of [
        [NOW + 3600, NOW + 300],
        [NOW + 300, NOW + 300],
        [NOW + 60, NOW + 60],
        [NOW + 1, NOW + 1],
      ] as const) {
        const tree = await issueFor({ exp }, ['buy']);
        for (const { payload } of tokensOf(tree.token))
          expect(payload).to.include({ iat: NOW, exp: expected });
        expect(tree.expiresIn).to.equal(expected - NOW);
      }
    });

    it('RFC 7519 section 2: is in whole seconds, whatever the provider counts in', async () => {
      const tree = await issueFor({ exp: NOW + 60.75, iat: NOW - 0.5 }, ['buy']);
      expect(tokenAt(tree.token).payload.exp).to.equal(NOW + 60);
      expect(tree.bytes).to.equal(tree.token.length);
      await failure('invalid_grant', () => issueFor({ exp: NOW + 0.9 }));
    });

    it('what is fetched later ends with it', async () => {
      const { token } = await issueFor({ role: 'admin', exp: NOW + 60 }, ['refund']);
      const fetched = await exchange(issuer, 'shop', token, { audiences: ['bank'] });
      expect(tokenAt(fetched.token).payload.exp).to.equal(NOW + 60);
    });
  });

  describe('scopes for some users (`when`)', () => {
    const granted = async (claims: Json, ...scopes: string[]) => (await issueFor(claims, scopes)).scope;

    it('are granted where the claim has one of the values, or holds one in a list', async () => {
      for (const role of ['support', 'admin', ['admin'], ['guest', 'support']]) {
        expect(await granted({ role }, 'read', 'refund'), JSON.stringify(role)).to.equal('read refund');
      }
    });

    it('RFC 6749 section 3.3: are dropped for everyone else, and the answer says what is left', async () => {
      const roles = [
        'guest',
        'Admin',
        'admins',
        ' admin',
        ['guest'],
        [],
        [['admin']],
        {},
        { admin: true },
        0,
        true,
        null,
        undefined,
      ];
      for (const role of roles) {
        const tree = await issueFor({ role }, ['read', 'refund']);
        expect(tree.scope, JSON.stringify(role)).to.equal('read');
        expect(tokenAt(tree.token).payload.scope).to.equal('read');
        expect(tokenAt(tree.token).payload).to.not.have.property('on_demand');
      }
    });

    it('need every claim that is named, of the right type', async () => {
      for (const dept of ['finance', 7, true, ['it', 7]]) {
        expect(await granted({ role: 'admin', dept }, 'read', 'audit')).to.equal('read audit');
      }
      for (const dept of ['7', 'true', 1, undefined]) {
        expect(await granted({ role: 'admin', dept }, 'read', 'audit')).to.equal('read');
      }
      expect(await granted({ role: 'support', dept: 'finance' }, 'read', 'audit')).to.equal('read');
    });

    it('look where `path` says, for a claim that is declared, and by steps for one that is not', async () => {
      const graph = (when: string) =>
        users({ subjects: { login: subjectOf(provider) } }).replace('role: [support, admin]', when);
      const allowed = async (when: string, claims: Json) =>
        (await issueFor(claims, ['read', 'refund'], await issuerFor(planOf(graph(when)), () => NOW))).scope;
      const nested = { realm_access: { roles: ['guest', 'admin'] } };
      expect(await allowed('roles: [admin]', nested)).to.equal('read refund');
      expect(await allowed('roles: [admin]', { roles: ['admin'] }), 'the name alone').to.equal('read');
      expect(await allowed('realm_access.roles: [admin]', nested)).to.equal('read refund');
      expect(await allowed('roles: [admin]', { realm_access: { roles: 'guest' } })).to.equal('read');
      for (const realm_access of [null, 'roles', ['roles'], {}, { roles: null }])
        expect(await allowed('roles: [admin]', { realm_access })).to.equal('read');
      expect(await allowed('org: [shop]', { 'https://login.example/org': 'shop' })).to.equal('read refund');
    });

    it('count for the default scopes as well', async () => {
      expect(await granted({ role: 'admin' })).to.equal('read refund');
      expect(await granted({})).to.equal('read');
    });

    it('where none is left the request is invalid_scope', async () => {
      const { message } = await failure('invalid_scope', () =>
        issueFor({ role: 'guest' }, ['refund', 'audit']),
      );
      expect(message).to.contain('this subject');
    });

    it('are never granted to a client that asks for itself, whatever it says of a user', async () => {
      const web = clientOf(plan, 'web');
      expect((await issuer.issue(web, { scopes: ['read', 'refund', 'audit'] })).scope).to.equal('read');
      await failure('invalid_scope', () => issuer.issue(web, { scopes: ['refund'] }));
      const told = { scopes: ['refund'], subject: { role: 'admin' }, anySubject: true };
      await failure('invalid_scope', () => issuer.issue(web, told));
      const token = await provider.idToken({ role: 'guest' });
      await failure('invalid_scope', () => issuer.issueFor(web, { token, type: 'id_token' }, told));
    });

    it('are planned as for a user who may have them', () => {
      const { scope, root: view } = planRequest(plan, 'web', { scopes: ['refund', 'read'] });
      expect(scope).to.equal('read refund');
      expect(view.calls.map(({ service, mode }) => `${service} ${mode}`)).to.deep.equal(['bank exchange']);
    });
  });

  it('fits or not by what this user brings: another one may have fitted', async () => {
    const graph = (room: string) => `
waybill: 1
issuer: { url: 'https://tokens.example' }
defaults: { audience: 'https://{name}.example', headers: ${room} }
subjects: { login: ${subjectOf(provider)} }
claims: { one: { from: subject, max_bytes: 202 }, two: { from: subject, max_bytes: 202 } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: S }
    grants: [token_exchange]
    subjects: [login]
    calls: { shop: [a, b] }
services:
  shop: { scopes: { a: { claims: [one] }, b: { claims: [two] } } }
`;
    const long = { one: 'x'.repeat(200), two: 'y'.repeat(200) };
    const roomy = await issuerFor(planOf(graph('{ profile: go }')), () => NOW);
    const { bytes } = await issueFor(long, ['a', 'b'], roomy);
    const tight = await issuerFor(planOf(graph(`{ max_line: ${bytes + 23}B }`)), () => NOW);
    await issueFor({ ...long, two: 'y' }, ['a', 'b'], tight);
    const { message } = await failure('invalid_scope', () => issueFor(long, ['a', 'b'], tight));
    expect(message).to.contain(`has ${bytes} bytes; ${bytes - 1} fit`);
    await issueFor({ ...long, one: 'x' }, ['a', 'b'], tight);
  });

  it('plan foresees at least what is issued, held claims counted', async () => {
    const claims = { role: 'admin', name: 'n'.repeat(256), email: 'e'.repeat(30), sub: 's'.repeat(62) };
    for (const scopes of [['refund'], ['read', 'buy', 'refund', 'audit'], ['buy']]) {
      const { token } = await issueFor({ ...claims, dept: 7 }, scopes);
      const { root: view } = planRequest(plan, 'web', { scopes });
      expect(token.length).to.be.at.most(view.bytes?.nested ?? 0);
      expect(token.length).to.be.greaterThan((view.bytes?.nested ?? 0) * 0.8); // and not much more
    }
  });
});
