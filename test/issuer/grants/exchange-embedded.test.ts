/** A service fetches the token of a callee whose token is embedded in its own. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { createIssuer, type Issuer } from '../../../src/issuer/index.ts';
import type { KeyRing } from '../../../src/issuer/keys/index.ts';
import { pack, unpack } from '../../../src/token/index.ts';
import { comparable, tokenAt, tokensOf, type Payload } from '../../support/issuer/trees.ts';
import { clientOf, exchange, keysFor, secretsFor } from '../../support/issuer/issue.ts';
import { planOf } from '../../support/compile.ts';
import { NOW, makeSigner, type Json, type Signer } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

/** shop embeds bank, which embeds audit and fetches fraud; shop embeds mail as well. */
const GRAPH = `
waybill: 1
issuer: { url: 'https://tokens.example' }
defaults: { audience: 'https://{name}.example', headers: { profile: go } }
subjects: { login: { issuer: 'https://login.example', audience: app, jwks_uri: 'https://login.example/jwks' } }
claims:
  iban: { from: subject, max_bytes: 64 }
  limit: { from: subject, max_bytes: 64 }
  email: { from: subject, max_bytes: 64 }
  risk: { from: subject, max_bytes: 64 }
  locale: { from: subject, max_bytes: 64 }
clients:
  web: { ${AUTH}, grants: [token_exchange], subjects: [login], calls: { shop: [buy] } }
services:
  shop: { ${AUTH}, scopes: { buy: { calls: { bank: [pay, refund], mail: [send] } } } }
  bank:
    ${AUTH}
    scopes:
      pay: { claims: [iban!], calls: { audit: [write], fraud: { scopes: [look], mode: exchange } } }
      refund: { claims: [limit!] }
  audit: { claims: [email!], scopes: { write: {} } }
  fraud: { claims: [risk!], scopes: { look: {} } }
  mail: { claims: [locale!], scopes: { send: {} } }
`;

const ALICE = {
  iban: 'DE02120300000000202051',
  limit: 500,
  email: 'alice@example.org',
  risk: 'low',
  locale: 'de',
};

describe('A service fetches the token of a callee that it has embedded', () => {
  let provider: Signer;
  let keys: KeyRing;
  let issuer: Issuer;

  before(async () => {
    provider = await makeSigner('ES256', 'provider');
    keys = await keysFor('ES256');
    issuer = issuerOf(GRAPH);
  });

  function issuerOf(graph: string): Issuer {
    const plan = planOf(graph);
    const fetch = async () => Promise.resolve(Response.json({ keys: [provider.publicJwk] }));
    return createIssuer({ plan, keys, secrets: secretsFor(plan), clock: () => NOW, fetch });
  }

  async function rootFor(claims: Json = ALICE): Promise<string> {
    const payload = { iss: 'https://login.example', aud: 'app', sub: 'alice', iat: NOW, exp: NOW + 900 };
    const token = await provider.sign({ ...payload, ...claims }, { typ: 'JWT' });
    const client = clientOf(issuer.plan, 'web');
    return (await issuer.issueFor(client, { token, type: 'id_token' }, { scopes: ['buy'] })).token;
  }

  /** What the issuer itself would have signed with these members, for tests of what it never signs. */
  async function signed(payload: object): Promise<string> {
    const header = { alg: 'ES256', typ: 'at+jwt', kid: keys.signer.kid };
    const input = [header, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    return `${input}.${Buffer.from(await keys.signer.sign(input)).toString('base64url')}`;
  }

  const claimsOf = (compact: string) => decodeJwt<Payload>(compact);

  it("equals the embedded one, with the user's claims at every level and its deferred claims", async () => {
    const root = await rootFor();
    const expected = await comparable(tokenAt(root, 'bank').compact, keys.heldKeys);
    expect(expected).to.deep.include({ iban: ALICE.iban, limit: ALICE.limit });
    expect(expected['held']).to.deep.include({ claims: { risk: 'low' } });
    for (const subjectToken of [root, pack(root)]) {
      const { token } = await exchange(issuer, 'shop', subjectToken, { audiences: ['bank'] });
      const nested = subjectToken === root ? token : unpack(token);
      expect(await comparable(nested, keys.heldKeys)).to.deep.equal(expected);
      expect(tokenAt(nested, 'audit').payload).to.include({ email: ALICE.email });
    }
  });

  it('adds no bytes to the token that embeds it', async () => {
    const root = claimsOf(await rootFor());
    expect(root).to.not.have.any.keys('held', ...Object.keys(ALICE));
  });

  it('continues for callees below it', async () => {
    const { token: bank } = await exchange(issuer, 'shop', await rootFor(), { audiences: ['bank'] });
    const { token: fraud } = await exchange(issuer, 'bank', bank, { audiences: ['fraud'] });
    expect(claimsOf(fraud)).to.include({ risk: 'low', sub: 'login:alice' });
  });

  it('has fewer claims for fewer scopes', async () => {
    const request = { audiences: ['bank'], scopes: ['refund'] };
    const { token } = await exchange(issuer, 'shop', await rootFor(), request);
    expect(tokensOf(token)).to.have.lengthOf(1);
    expect(claimsOf(token))
      .to.include({ limit: 500, scope: 'refund' })
      .and.to.not.have.any.keys('iban', 'email', 'risk', 'locale', 'held');
  });

  it("takes nothing out of another callee's token, whatever a newer graph asks for", async () => {
    const changed = issuerOf(GRAPH.replace('refund: { claims: [limit!] }', 'refund: { claims: [locale] }'));
    const { token } = await exchange(changed, 'shop', await rootFor(), { audiences: ['bank'] });
    expect(claimsOf(token)).to.not.have.property('locale');
    expect(claimsOf(token)).to.include({ iban: ALICE.iban });
  });

  it('is refused if the embedded token has another user, transaction or issuer, or lives longer', async () => {
    const payload = claimsOf(await rootFor());
    const bank = claimsOf(payload.embedded?.['bank'] ?? '');
    const audit = claimsOf(bank.embedded?.['audit'] ?? '');
    const other = [
      { sub: 'login:mallory' },
      { txn: 'A'.repeat(22) },
      { iss: 'https://login.example' },
      { exp: Number(payload.exp) + 1 },
    ];
    const embedding = async (child: object, change: object) =>
      signed({ ...payload, embedded: { bank: await signed({ ...bank, ...child, ...change }) } });
    const right = await embedding({}, {});
    const { token } = await exchange(issuer, 'shop', right, { audiences: ['bank'] });
    expect(claimsOf(token)).to.include({ iban: ALICE.iban }); // the rest of this test is right
    for (const change of other) {
      const deeper = { embedded: { audit: await signed({ ...audit, ...change }) } };
      for (const root of [await embedding({}, change), await embedding(deeper, {})]) {
        const act = () => exchange(issuer, 'shop', root, { audiences: ['bank'] });
        const { message } = await failure('invalid_request', act, root);
        expect(message).to.match(/^The subject token cannot be exchanged: the token for "(bank|audit)" /);
      }
    }
  });

  it('is refused if the outer signature is invalid, whoever signed the embedded token', async () => {
    const root = await rootFor();
    const [header = '', payload = '', signature = ''] = root.split('.');
    const changed = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Json;
    const foreign = claimsOf(await rootFor({ ...ALICE, iban: 'DE00' })).embedded;
    const forged = Buffer.from(JSON.stringify({ ...changed, embedded: foreign })).toString('base64url');
    const token = `${header}.${forged}.${signature}`;
    const act = () => exchange(issuer, 'shop', token, { audiences: ['bank'] });
    expect((await failure('invalid_request', act, token)).message).to.contain('signature');
  });
});
