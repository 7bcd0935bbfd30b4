import { expect } from 'chai';
import { decodeJwt } from 'jose';

import type { Plan } from '../../../src/graph/index.ts';
import { createIssuer, type Issuer } from '../../../src/issuer/index.ts';
import { generateKey, keyRing } from '../../../src/issuer/keys/index.ts';
import { clientOf, exchange, issuerFor, keysFor, secretsFor } from '../../support/issuer/issue.ts';
import { tokenAt, tokensOf, type Payload } from '../../support/issuer/trees.ts';
import { planOf } from '../../support/compile.ts';
import { AUDIENCES, store } from '../../support/graphs/store.ts';
import { NOW, forge, makeSigner } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';

describe('A service fetches the token of a callee', () => {
  let now: number;
  let plan: Plan;
  let issuer: Issuer;

  before(() => {
    plan = planOf(store());
  });
  beforeEach(async () => {
    now = NOW;
    issuer = await issuerFor(plan, () => now);
  });

  async function rootFor(...scopes: string[]): Promise<string> {
    return (await issuer.issue(clientOf(plan, 'web'), { scopes })).token;
  }

  const claimsOf = (compact: string) => decodeJwt<Payload>(compact);

  it('RFC 8693 section 2.1: by name, by audience (RFC 8707), by both; each repeated', async () => {
    const root = await rootFor('look');
    for (const request of [
      { audiences: ['ads'] },
      { resources: [AUDIENCES.ads] },
      { audiences: ['ads'], resources: [AUDIENCES.ads] },
      { audiences: ['ads', 'ads'], resources: [AUDIENCES.ads, AUDIENCES.ads] },
    ]) {
      const { token, entry, caller, client, scope } = await exchange(issuer, 'shop', root, request);
      expect(claimsOf(token).aud).to.equal(AUDIENCES.ads);
      expect({ entry, caller, client, scope }).to.deep.equal({
        entry: 'ads',
        caller: 'shop',
        client: 'web',
        scope: 'show track',
      });
    }
  });

  it('RFC 8693 section 2.2.2: a callee that is not named, or named in two ways, is refused', async () => {
    const root = await rootFor('look', 'buy');
    await failure('invalid_request', () => exchange(issuer, 'shop', root, {}), root);
    for (const request of [
      { audiences: ['ads', 'payment'] },
      { resources: [AUDIENCES.ads, AUDIENCES.payment] },
      { audiences: ['ads'], resources: [AUDIENCES.payment] },
      { audiences: ['ads'], resources: ['https://nobody.example'] },
      { audiences: ['ads', 'nobody'] },
      { audiences: ['nobody'] },
      { audiences: ['toString'] },
      { audiences: [AUDIENCES.ads] },
      { resources: ['ads'] },
      { resources: [`${AUDIENCES.ads}/`] },
      { audiences: ['shop'] },
    ]) {
      await failure('invalid_target', () => exchange(issuer, 'shop', root, request), root);
    }
  });

  it('RFC 8417 section 2.2: keeps txn, sub and client_id, names the service as the presenter, and makes an id of its own', async () => {
    const root = await rootFor('look');
    const before = claimsOf(root);
    const [first, second] = [
      claimsOf((await exchange(issuer, 'shop', root, { audiences: ['ads'] })).token),
      claimsOf((await exchange(issuer, 'shop', root, { audiences: ['ads'] })).token),
    ];
    for (const after of [first, second]) {
      expect(after).to.include({ iss: before.iss, sub: 'web', client_id: 'web', txn: before.txn });
      expect(after.act).to.deep.equal({ sub: 'spiffe://example/shop' });
      expect(after.jti).to.match(new RegExp(`^${before.txn}\\.[\\w-]{11}\\.0$`));
      expect(after).to.not.have.any.keys('cnf', 'may_act');
    }
    expect(first.jti).to.not.equal(second.jti);
  });

  it('gives the whole subtree, every id with the same branch, counted in pre-order', async () => {
    const root = await rootFor('look');
    const { token, tokens, bytes } = await exchange(issuer, 'shop', root, { audiences: ['ads'] });
    const tree = tokensOf(token);
    expect(tree.map(({ path }) => path.join('/'))).to.deep.equal(['', 'pictures']);
    expect({ tokens, bytes }).to.deep.equal({ tokens: 2, bytes: token.length });
    const [, branch] = (tree[0]?.payload.jti ?? '').split('.');
    const { txn } = claimsOf(root);
    expect(tree.map(({ payload }) => payload.jti)).to.deep.equal([
      `${txn}.${branch}.0`,
      `${txn}.${branch}.1`,
    ]);
    expect(tree[1]?.payload.act).to.deep.equal({ sub: 'spiffe://example/ads' });
    expect(tree[0]?.payload.on_demand).to.deep.equal({ bids: AUDIENCES.bids });
  });

  it('carries the claims that the graph says, those of the client and fixed ones', async () => {
    const { token } = await exchange(issuer, 'shop', await rootFor('look'), { audiences: ['ads'] });
    expect(claimsOf(token)).to.include({ tier: 'gold', region: 'eu' });
    expect(tokenAt(token, 'pictures').payload).to.not.have.any.keys('tier', 'region');
  });

  it('goes on below what was fetched, under the same transaction', async () => {
    const root = await rootFor('look');
    const ads = (await exchange(issuer, 'shop', root, { audiences: ['ads'] })).token;
    const bids = claimsOf((await exchange(issuer, 'ads', ads, { audiences: ['bids'] })).token);
    expect(bids).to.include({ aud: AUDIENCES.bids, scope: 'place', txn: claimsOf(root).txn, tier: 'gold' });
    expect(bids.act).to.deep.equal({ sub: 'spiffe://example/ads' });
    expect(bids.jti?.split('.')[1]).to.not.equal(claimsOf(ads).jti?.split('.')[1]);
  });

  it('gives an embedded callee too: its token may end before that of its caller', async () => {
    const root = await rootFor('buy');
    now += 100;
    expect(claimsOf(tokenAt(root, 'payment').compact).exp).to.be.below(now);
    const { token, expiresIn } = await exchange(issuer, 'shop', root, { audiences: ['payment'] });
    expect(expiresIn).to.equal(60);
    expect(tokenAt(token).payload).to.include({ scope: 'charge refund', exp: now + 60 });
    expect(tokenAt(token, 'bank').payload).to.include({ scope: 'pay return', exp: now + 60 });
  });

  it('threat 13: never outlives the token that was shown, nor a life of the graph', async () => {
    const root = await rootFor('look');
    const { exp = 0 } = claimsOf(root);
    for (const later of [0, 100, 299]) {
      now = NOW + later;
      const { token, expiresIn } = await exchange(issuer, 'shop', root, { audiences: ['ads'] });
      for (const { payload } of tokensOf(token)) expect(payload).to.include({ iat: now, exp });
      expect(expiresIn).to.equal(exp - now);
    }
    now = exp;
    const error = await failure(
      'invalid_request',
      () => exchange(issuer, 'shop', root, { audiences: ['ads'] }),
      root,
    );
    expect(error.message).to.contain('expired');
  });

  it('RFC 8693 section 2.1: scope narrows, and the subtree with it; it never widens (threat 6)', async () => {
    const root = await rootFor('look', 'buy');
    const one = await exchange(issuer, 'shop', root, { audiences: ['ads'], scopes: ['track'] });
    expect(claimsOf(one.token))
      .to.include({ scope: 'track' })
      .and.to.not.have.any.keys('embedded', 'on_demand');
    const both = await exchange(issuer, 'shop', root, {
      audiences: ['ads'],
      scopes: ['track', 'show', 'track'],
    });
    expect(both.scope).to.equal('show track');
    const buying = await rootFor('buy');
    expect((await exchange(issuer, 'shop', buying, { audiences: ['ads'] })).scope).to.equal('track');
    for (const scopes of [['show'], ['track', 'show'], ['place'], ['look'], ['toString']]) {
      const request = { audiences: ['ads'], scopes };
      const { message } = await failure(
        'invalid_scope',
        () => exchange(issuer, 'shop', buying, request),
        buying,
      );
      expect(message).to.match(/It gives: track\.$/);
    }
  });

  it('threat 6: a callee that the scopes of the token do not call is refused', async () => {
    const looking = await rootFor('look');
    for (const audience of ['payment', 'bank', 'bids', 'pictures']) {
      await failure(
        'invalid_target',
        () => exchange(issuer, 'shop', looking, { audiences: [audience] }),
        looking,
      );
    }
    expect((await exchange(issuer, 'shop', looking, { audiences: ['flags'] })).scope).to.equal('evaluate');
  });

  it('threat 6: a callee that takes the token forwarded, or gets none, is no target', async () => {
    const root = await rootFor('note');
    expect(claimsOf(root).aud).to.deep.equal(['https://kiosk.example', 'https://log.example']);
    for (const audience of ['log', 'queue']) {
      await failure('invalid_target', () => exchange(issuer, 'kiosk', root, { audiences: [audience] }), root);
      const resources = [`https://${audience}.example`];
      await failure('invalid_target', () => exchange(issuer, 'kiosk', root, { resources }), root);
    }
  });

  it("threat 3: another service's token is refused, its children's and a forwarded one as well", async () => {
    const root = await rootFor('look');
    const ads = (await exchange(issuer, 'shop', root, { audiences: ['ads'] })).token;
    const note = await rootFor('note');
    for (const [service, token, audience] of [
      ['ads', root, 'bids'],
      ['ads', root, 'ads'],
      ['shop', ads, 'ads'],
      ['shop', ads, 'bids'],
      ['ads', tokenAt(ads, 'pictures').compact, 'bids'],
      ['log', note, 'log'], // it is among the audiences, but the token was made for kiosk
    ] as const) {
      const error = await failure(
        'invalid_request',
        () => exchange(issuer, service, token, { audiences: [audience] }),
        token,
      );
      expect(error.message).to.contain(`not for ${service}`);
    }
  });

  it('threats 7 and 9: a forged, altered or foreign token is refused as a bad request (RFC 8693 section 2.2.2)', async () => {
    const root = await rootFor('buy');
    const look = claimsOf(await rootFor('look'));
    const [header, payload, signature] = root.split('.') as [string, string, string];
    const [{ kid }] = issuer.jwks.keys as [{ kid: string }];
    const foreign = await makeSigner('ES256', kid);
    const other = await makeSigner('ES256', 'other');
    const json = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const forged = {
      altered: `${header}.${json(look)}.${signature}`,
      'without signature': `${header}.${payload}.`,
      none: forge({ alg: 'none', typ: 'at+jwt', kid }, look, ''),
      HS256: forge({ alg: 'HS256', typ: 'at+jwt', kid }, look),
      'signed by another key of that id': await foreign.sign(look),
      'signed by a key of another issuer': await other.sign({ ...look, iss: 'https://other.example' }),
      'with a key of its own': forge({ alg: 'ES256', typ: 'at+jwt', kid, jwk: foreign.publicJwk }, look),
      'no token at all': 'opaque-reference',
      empty: '',
    };
    for (const [title, token] of Object.entries(forged)) {
      const act = () => exchange(issuer, 'shop', token, { audiences: ['ads'] });
      const { message } = await failure('invalid_request', act, token.includes('.') ? token : root);
      expect(message, title).to.match(/^The subject token cannot be exchanged: .+\.$/);
    }
  });

  it('threat 8: what our own key signed as something else is no subject token', async () => {
    const record = await generateKey('ES256', () => NOW);
    const keys = keyRing([record], 'ES256');
    const own = createIssuer({ plan, keys, secrets: secretsFor(plan), clock: () => now });
    const payload = claimsOf((await own.issue(clientOf(plan, 'web'), { scopes: ['look'] })).token);
    for (const typ of ['JWT', undefined, 'token-introspection+jwt', 'client-authentication+jwt']) {
      const header = { alg: 'ES256', ...(typ === undefined ? {} : { typ }), kid: record.kid };
      const input = [header, payload]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      const token = `${input}.${Buffer.from(await keys.signer.sign(input)).toString('base64url')}`;
      const error = await failure(
        'invalid_request',
        () => exchange(own, 'shop', token, { audiences: ['ads'] }),
        token,
      );
      expect(error.message).to.contain('not an access token');
    }
  });

  it('a token of the same keys under another issuer URL is refused', async () => {
    const elsewhere = await issuerFor(planOf(store({ url: 'https://stage.example' })), () => now);
    const { token } = await elsewhere.issue(clientOf(elsewhere.plan, 'web'), { scopes: ['look'] });
    const error = await failure(
      'invalid_request',
      () => exchange(issuer, 'shop', token, { audiences: ['ads'] }),
      token,
    );
    expect(error.message).to.contain('not issued by https://tokens.example');
  });

  it('a token larger than any that is issued is not even looked at', async () => {
    const token = `${await rootFor('look')}${'A'.repeat(256 * 1024)}`;
    const error = await failure('invalid_request', () =>
      exchange(issuer, 'shop', token, { audiences: ['ads'] }),
    );
    expect(error.message).to.contain('bytes');
    expect(error.message).to.have.length.below(200);
  });

  it('keeps to the budget of its own way: what stands before the callee, and what it accepts', async () => {
    const [p, q] = ['p'.repeat(100), 'q'.repeat(100)];
    // Each scope of the entry brings one scope below; both together are a longer token.
    const graph = (way: string, room: string) => `
waybill: 1
issuer: { url: 'https://tokens.example' }
defaults: { headers: { profile: go } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: S }, calls: { shop: [one, two] } }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: S }
    scopes:
      one: { calls: { d: { scopes: [${p}], mode: exchange, ${way} } } }
      two: { calls: { d: { scopes: [${q}], mode: exchange } } }
  d: { ${room} scopes: { ${p}: {}, ${q}: {} } }
`;
    const fetched = async (way: string, room: string, ...scopes: readonly string[]) => {
      const by = await issuerFor(planOf(graph(way, room)), () => now);
      const { token } = await by.issue(clientOf(by.plan, 'web'), { scopes });
      return exchange(by, 'shop', token, { audiences: ['d'] });
    };
    const { bytes } = await fetched('', '', 'one', 'two');
    const line = (room: number) => `{ max_line: ${room + 'Authorization: Bearer \r\n'.length}B }`;
    for (const [way, room] of [
      [`via: [${line(bytes - 1)}]`, ''],
      ['', `headers: ${line(bytes - 1)},`],
    ] as const) {
      await fetched(way, room, 'one');
      const { message } = await failure('invalid_scope', () => fetched(way, room, 'one', 'two'));
      expect(message).to.contain(`The token for shop -> d has ${bytes} bytes; ${bytes - 1} fit`);
    }
    await fetched(`via: [${line(bytes)}]`, `headers: ${line(bytes)},`, 'one', 'two');
  });

  describe('from a graph that has changed since', () => {
    /** An issuer with the same keys and another graph. */
    async function changed(
      ...changes: readonly (readonly [from: string | RegExp, to: string])[]
    ): Promise<Issuer> {
      const text = changes.reduce((before, [from, to]) => before.replace(from, to), store());
      const after = planOf(text);
      const keys = await keysFor('ES256');
      return createIssuer({ plan: after, keys, secrets: secretsFor(after), clock: () => now });
    }

    const WITHOUT_LOOK = [
      [/look: \{.*\}\n/, ''],
      ['shop: [look, buy]', 'shop: [buy]'],
      ['[show, track]', '[track]'],
    ] as const;

    it('a scope that it lost gives nothing, those that it kept still do', async () => {
      const without = await changed(...WITHOUT_LOOK);
      const both = await rootFor('look', 'buy');
      expect((await exchange(without, 'shop', both, { audiences: ['ads'] })).scope).to.equal('track');
      const act = () => exchange(without, 'shop', both, { audiences: ['ads'], scopes: ['show'] });
      await failure('invalid_scope', act, both);
    });

    it('a token of which no scope is left gives nothing, not even what every scope calls', async () => {
      const without = await changed(...WITHOUT_LOOK);
      const looking = await rootFor('look');
      for (const audience of ['ads', 'flags']) {
        const act = () => exchange(without, 'shop', looking, { audiences: [audience] });
        expect((await failure('invalid_request', act, looking)).message).to.contain('scopes');
      }
    });

    it('a call that became `none` is no target any more, one that is new is', async () => {
      const looking = await rootFor('look');
      const none = await changed([
        /ads: \{ scopes: \[(.*?)\], mode: exchange \}/g,
        'ads: { scopes: [$1], mode: none }',
      ]);
      await failure('invalid_target', () => exchange(none, 'shop', looking, { audiences: ['ads'] }), looking);
      const more = await changed(['{ flags: [evaluate] }', '{ flags: [evaluate], bank: [pay] }']);
      expect((await exchange(more, 'shop', looking, { audiences: ['bank'] })).scope).to.equal('pay');
    });

    it('the client that the token was issued to must still be there', async () => {
      const gone = await changed(['  web:\n', '  portal:\n']);
      const looking = await rootFor('look');
      const act = () => exchange(gone, 'shop', looking, { audiences: ['ads'] });
      expect((await failure('invalid_request', act, looking)).message).to.contain('client');
    });
  });
});
