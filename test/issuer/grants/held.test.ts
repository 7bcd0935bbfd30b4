import { expect } from 'chai';
import { CompactEncrypt, decodeJwt, decodeProtectedHeader } from 'jose';

import type { Plan } from '../../../src/graph/index.ts';
import { createIssuer, type Issuer } from '../../../src/issuer/index.ts';
import {
  PUBLICATION_LEAD,
  generateKey,
  keyRing,
  rotate,
  type KeyRecord,
  type KeyRing,
} from '../../../src/issuer/keys/index.ts';
import { decryptDeferredClaims, encryptDeferredClaims } from '../../../src/token/index.ts';
import { comparable, tokenAt, tokensOf, type Payload } from '../../support/issuer/trees.ts';
import { clientOf, exchange, secretsFor } from '../../support/issuer/issue.ts';
import { planOf } from '../../support/compile.ts';
import { NOW, makeSigner, type Json, type Signer } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

/** shop → ads on demand → bids on demand; shop → bank, whose token lives for a minute; shop → mail. */
const graph = (ads = 'exchange') => `
waybill: 1
issuer: { url: 'https://tokens.example', lifetime: 5m }
defaults: { audience: 'https://{name}.example', headers: { profile: go } }
subjects: { login: { issuer: 'https://login.example', audience: app, jwks_uri: 'https://login.example/jwks' } }
claims:
  email: { from: subject, max_bytes: 64 }
  role: { from: subject, max_bytes: 64 }
  age: { from: subject, path: birth.age, max_bytes: 8 }
  iban: { from: subject, max_bytes: 64 }
  tier: { from: client, max_bytes: 16 }
  region: { value: eu }
clients:
  web:
    ${AUTH}
    grants: [client_credentials, token_exchange]
    subjects: [login]
    claims: { tier: gold }
    calls: { shop: [buy, read] }
services:
  shop:
    ${AUTH}
    claims: [role]
    scopes:
      read: {}
      buy: { calls: { ads: { scopes: [show], mode: ${ads} }, bank: [pay], mail: [send] } }
  ads:
    ${AUTH}
    claims: [email, role, tier, region]
    scopes: { show: { calls: { bids: { scopes: [place], mode: exchange }, mail: [send] } } }
  bids: { claims: [email, age!], scopes: { place: {} } }
  bank: { lifetime: 1m, claims: [iban!], scopes: { pay: {} } }
  mail: { claims: [email], scopes: { send: {} } }
`;

const ALICE = {
  email: 'alice@example.org',
  role: ['buyer'],
  birth: { age: 41 },
  iban: 'DE02120300000000202051',
};

describe('Claims that a token keeps for later', () => {
  let plan: Plan;
  let provider: Signer;
  let records: KeyRecord[];
  let keys: KeyRing;
  let issuer: Issuer;

  before(async () => {
    plan = planOf(graph());
    provider = await makeSigner('ES256', 'provider');
  });
  beforeEach(async () => {
    records = [await generateKey('ES256', () => NOW)];
    keys = keyRing(records, 'ES256');
    issuer = issuerWith(keys);
  });

  function issuerWith(ring: KeyRing, of = plan): Issuer {
    const fetch = async () => Promise.resolve(Response.json({ keys: [provider.publicJwk] }));
    return createIssuer({ plan: of, keys: ring, secrets: secretsFor(of), clock: () => NOW, fetch });
  }

  async function rootFor(claims: Json = ALICE, scope = 'buy', by = issuer): Promise<string> {
    const payload = {
      iss: 'https://login.example',
      aud: 'app',
      sub: 'alice',
      iat: NOW,
      exp: NOW + 900,
      ...claims,
    };
    const token = await provider.sign(payload, { typ: 'JWT' });
    return (await by.issueFor(clientOf(by.plan, 'web'), { token, type: 'id_token' }, { scopes: [scope] }))
      .token;
  }

  const claimsOf = (compact: string) => decodeJwt<Payload>(compact);
  const heldIn = async (compact: string, ring = keys) =>
    (await decryptDeferredClaims(claimsOf(compact).held, ring.heldKeys)).claims;

  it('are those of the user that a subtree on demand needs and the token lacks, and no others', async () => {
    const root = await rootFor();
    // role is carried, tier is the client's, region is fixed, and iban stands in the token embedded for bank.
    expect(await heldIn(root)).to.deep.equal({ email: ALICE.email, age: 41 });
    expect(claimsOf(root))
      .to.deep.include({ role: ['buyer'] })
      .and.to.not.have.any.keys('email', 'age', 'iban');
    for (const callee of ['bank', 'mail'])
      expect(claimsOf(tokenAt(root, callee).compact)).to.not.have.property('held');
  });

  it('are not there where nothing is on demand, where the user has none of them, and where there is no user', async () => {
    expect(claimsOf(await rootFor(ALICE, 'read'))).to.not.have.property('held');
    const { token } = await issuer.issue(clientOf(plan, 'web'), { scopes: ['read'] });
    expect(claimsOf(token)).to.not.have.property('held');
    expect(claimsOf(await rootFor({ iban: ALICE.iban, birth: {} }))).to.not.have.property('held');
  });

  it('are not there in a tree that a client gets for itself, whatever its graph', async () => {
    const own = issuerWith(keys, planOf(graph().replace('[iban!]', '[iban]')));
    const { token } = await own.issue(clientOf(own.plan, 'web'), { scopes: ['buy'] });
    expect(tokensOf(token).filter(({ payload }) => 'held' in payload)).to.deep.equal([]);
    const { token: ads } = await exchange(own, 'shop', token, { audiences: ['ads'] });
    expect(claimsOf(ads))
      .to.include({ tier: 'gold', region: 'eu' })
      .and.to.not.have.any.keys('email', 'held');
  });

  it('go into what is fetched, and on below it', async () => {
    const root = await rootFor();
    const ads = (await exchange(issuer, 'shop', root, { audiences: ['ads'] })).token;
    expect(claimsOf(ads)).to.deep.include({
      email: ALICE.email,
      role: ['buyer'],
      tier: 'gold',
      region: 'eu',
    });
    expect(claimsOf(ads)).to.not.have.any.keys('age', 'iban');
    expect(await heldIn(ads)).to.deep.equal({ age: 41 });
    expect(claimsOf(tokenAt(ads, 'mail').compact))
      .to.include({ email: ALICE.email })
      .and.not.have.property('held');
    const bids = claimsOf((await exchange(issuer, 'ads', ads, { audiences: ['bids'] })).token);
    expect(bids)
      .to.include({ email: ALICE.email, age: 41, sub: 'login:alice' })
      .and.not.have.property('held');
    const bank = claimsOf((await exchange(issuer, 'shop', root, { audiences: ['bank'] })).token);
    expect(bank).to.include({ iban: ALICE.iban });
  });

  it('make what is fetched equal to what would have been embedded', async () => {
    const embedding = issuerWith(keys, planOf(graph('embed')));
    const embedded = tokenAt(await rootFor(ALICE, 'buy', embedding), 'ads').compact;
    const { token } = await exchange(issuer, 'shop', await rootFor(), { audiences: ['ads'] });
    const got = await comparable(token, keys.heldKeys, 'txn');
    expect(got).to.deep.equal(await comparable(embedded, keys.heldKeys, 'txn'));
    expect(got['held']).to.deep.include({ claims: { age: 41 } });
  });

  it('a claim that is needed below and that the user lacks fails the exchange by its name', async () => {
    const root = await rootFor({ ...ALICE, birth: {} });
    const ads = (await exchange(issuer, 'shop', root, { audiences: ['ads'] })).token;
    const act = () => exchange(issuer, 'ads', ads, { audiences: ['bids'] });
    expect((await failure('invalid_request', act, ads)).message).to.contain('bids needs the claim age');
  });

  it('RFC 7516 section 3.1: are a compact JWE, dir with A256GCM, that shows nothing and is new each time', async () => {
    const [first, second] = [claimsOf(await rootFor()).held ?? '', claimsOf(await rootFor()).held ?? ''];
    expect(first.split('.')).to.have.lengthOf(5);
    expect(decodeProtectedHeader(first)).to.deep.equal({ alg: 'dir', enc: 'A256GCM', kid: records[0]?.kid });
    const opaque = first
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString('latin1'))
      .join(' ');
    for (const value of [ALICE.email, ALICE.iban, 'iban']) expect(opaque).to.not.contain(value);
    expect(first.split('.')[2]).to.not.equal(second.split('.')[2]); // its nonce
    expect(first).to.have.lengthOf(second.length);
  });

  it('RFC 8725 section 3.1: are encrypted with a key of their own, not with the key that signs', async () => {
    const { d = '' } = records[0]?.jwk ?? {};
    const [{ secret, kid }] = keys.heldKeys;
    expect(secret).to.have.lengthOf(32);
    expect(Buffer.from(secret).equals(Buffer.from(d, 'base64url'))).to.equal(false);
    const { held } = claimsOf(await rootFor());
    await failure(
      'token_claims',
      () => decryptDeferredClaims(held, [{ kid, secret: Buffer.from(d, 'base64url') }]),
      held ?? '',
    );
    expect(JSON.stringify(issuer.jwks)).to.not.contain(Buffer.from(secret).toString('base64url'));
  });

  it('survive a rotation: the retired key opens, the new one encrypts', async () => {
    const root = await rootFor();
    const rotated = keyRing(await rotate(records, 'ES256', () => NOW, { now: true }), 'ES256', () => NOW);
    const after = issuerWith(rotated);
    const { token } = await exchange(after, 'shop', root, { audiences: ['ads'] });
    expect(claimsOf(token)).to.include({ email: ALICE.email });
    expect(decodeProtectedHeader(claimsOf(token).held ?? '').kid).to.equal(rotated.signer.kid);
    expect(rotated.signer.kid).to.not.equal(keys.signer.kid);
    expect(await heldIn(token, rotated)).to.deep.equal({ age: 41 });
  });

  it('open after several rotations, and in a process that has not taken up the last one yet', async () => {
    const early = () => NOW - PUBLICATION_LEAD;
    const before = await rotate([], 'ES256', early);
    const after = await rotate(before, 'ES256', () => NOW);
    const muchLater = () => NOW + 2 * PUBLICATION_LEAD;
    const later = await rotate(
      await rotate(after, 'ES256', () => NOW + PUBLICATION_LEAD),
      'ES256',
      muchLater,
    );
    const ring = (some: readonly KeyRecord[], clock = () => NOW) => keyRing(some, 'ES256', clock);
    for (const [issuing, exchanging] of [
      [ring(before), ring(later, muchLater)],
      [ring(after), ring(before)],
    ] as const) {
      const root = await rootFor(ALICE, 'buy', issuerWith(issuing));
      const { token } = await exchange(issuerWith(exchanging), 'shop', root, { audiences: ['ads'] });
      expect(claimsOf(token)).to.include({ email: ALICE.email });
      expect(exchanging.signer.kid).to.not.equal(issuing.signer.kid);
    }
  });

  describe('that cannot be opened', () => {
    /** What the issuer itself signed, with another `held`. */
    async function rootHolding(held: unknown): Promise<string> {
      const payload = { ...claimsOf(await rootFor()), held };
      const header = { alg: 'ES256', typ: 'at+jwt', kid: keys.signer.kid };
      const input = [header, payload]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      return `${input}.${Buffer.from(await keys.signer.sign(input)).toString('base64url')}`;
    }

    it('fail the exchange clearly, as an invalid subject token does (RFC 8693 section 2.2.2)', async () => {
      const [other] = keyRing([await generateKey('ES256', () => NOW)], 'ES256').heldKeys;
      const [own] = keys.heldKeys;
      const right = await encryptDeferredClaims({ claims: { email: 'mallory@example.org' } }, own);
      const [head = '', key = '', iv = '', text = '', tag = ''] = right.split('.');
      const broken: readonly (readonly [title: string, held: unknown])[] = [
        ['of another key', await encryptDeferredClaims({ claims: { email: 'm' } }, other)],
        [
          'of another key under this id',
          await encryptDeferredClaims({ claims: { email: 'm' } }, { ...other, kid: own.kid }),
        ],
        ['altered', [head, key, iv, `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`, tag].join('.')],
        ['cut', [head, key, iv, text].join('.')],
        ['no JWE', 'held'],
        ['empty', ''],
        ['an object', { email: 'mallory@example.org' }],
        ['too long', `${right}${'A'.repeat(64 * 1024)}`],
      ];
      for (const [title, held] of broken) {
        const root = await rootHolding(held);
        const act = () => exchange(issuer, 'shop', root, { audiences: ['ads'] });
        const { message } = await failure('invalid_request', act, root);
        expect(message, title).to.equal(
          'The subject token cannot be exchanged: the claim held cannot be opened.',
        );
      }
      const { token } = await exchange(issuer, 'shop', await rootHolding(right), { audiences: ['ads'] });
      expect(claimsOf(token)).to.include({ email: 'mallory@example.org' }); // the rest of this test is right
    });

    it('in a form of a later version, or with parts of another kind', async () => {
      const [{ kid, secret }] = keys.heldKeys;
      const heldWith = async (typ: string | undefined, text: unknown) =>
        new CompactEncrypt(Buffer.from(JSON.stringify(text)))
          .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid, ...(typ === undefined ? {} : { typ }) })
          .encrypt(secret);
      const second = { claims: { email: 'a@example.org', age: 1 }, met: ['one'], step_up: ['two'] };
      const fetched = async (held: string) =>
        exchange(issuer, 'shop', await rootHolding(held), { audiences: ['ads'] });
      const { token } = await fetched(await heldWith('held+2', second));
      expect(claimsOf(token)).to.include({ email: 'a@example.org' });
      for (const [typ, text] of [
        ['held+3', second],
        ['held+2', { ...second, claims: [] }],
        ['held+2', { ...second, met: 'one' }],
        ['held+2', { ...second, step_up: [1] }],
        ['held+2', { email: 'a@example.org' }],
        [undefined, 'text'],
        [undefined, []],
        [undefined, null],
      ] as const)
        await failure('invalid_request', () => heldWith(typ, text).then(fetched));
    });

    it('never stand above what the token itself says', async () => {
      const held = await encryptDeferredClaims(
        { claims: { role: ['admin'], sub: 'login:mallory', email: 'm' } },
        keys.heldKeys[0],
      );
      const { token } = await exchange(issuer, 'shop', await rootHolding(held), { audiences: ['ads'] });
      expect(claimsOf(token)).to.deep.include({ role: ['buyer'], sub: 'login:alice' });
    });
  });
});
