/** What a claim allows of a user's values: its type, and the values that it lists. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';

import type { Issuer } from '../../../src/issuer/index.ts';
import { planOf } from '../../support/compile.ts';
import { failure } from '../../support/failure.ts';
import { clientOf, exchange, issuerFor } from '../../support/issuer/issue.ts';
import { NOW, makeSigner, type Signer } from '../../support/keys/signer.ts';

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

const graph = (claim: string, token = 'jwt', use = 'c'): string => `waybill: 1
issuer: { url: 'https://tokens.example' }
defaults: { audience: 'https://{name}.example', headers: { profile: go } }
subjects: { login: { issuer: 'https://login.example', audience: app, jwks_uri: 'https://login.example/jwks' } }
claims: { c: { ${claim} } }
clients:
  web: { ${AUTH}, token: ${token}, grants: [token_exchange], subjects: [login], calls: { shop: [read] } }
services:
  shop: { ${AUTH}, scopes: { read: { claims: [${use}], calls: { ads: { scopes: [show], mode: exchange } } } } }
  ads: { scopes: { show: { claims: [${use}] } } }
`;

describe("A user's value of a claim", () => {
  let provider: Signer;

  before(async () => {
    provider = await makeSigner('ES256', 'provider');
  });

  const issuerOf = (text: string): Promise<Issuer> =>
    issuerFor(planOf(text), () => NOW, {
      fetch: async () => Promise.resolve(Response.json({ keys: [provider.publicJwk] })),
    });

  async function carried(issuer: Issuer, c: unknown): Promise<unknown> {
    const claims = { iss: 'https://login.example', aud: 'app', sub: 'u', iat: NOW, exp: NOW + 60, c };
    const token = await provider.sign(claims, { typ: 'JWT' });
    const user = { token, type: 'id_token' } as const;
    const tree = await issuer.issueFor(clientOf(issuer.plan, 'web'), user, { scopes: ['read'] });
    const root = tree.opaque
      ? await issuer.introspect(
          { kind: 'service', service: issuer.plan.services.get('shop')! },
          { token: tree.token, form: 'token' },
        )
      : { active: true, token: tree.token };
    return decodeJwt('token' in root ? (root.token ?? '') : '')['c'];
  }

  for (const [claim, allowed, missing] of [
    ['type: int', [0, -1, 9007199254740991], [1.5, '1', true, [1], { a: 1 }]],
    ['type: bool', [true, false], ['true', 1, [true]]],
    ['type: string', ['', 'x'], [1, ['x'], true]],
    ['type: strings', [[], ['a', 'b']], ['a', [1], [['a']], { 0: 'a' }]],
    ['type: string, values: [a, b]', ['a'], ['c', 'A', 'a ', ['a']]],
    ['type: int, values: [1, 2]', [2], [3, '2']],
    ['type: strings, values: [a, b]', [['b', 'a'], []], [['a', 'c'], 'a']],
    ['values: [a, 1]', ['a', 1, ['a', 1]], ['c', '1', ['a', 'c']]],
  ] as const)
    it(`with \`${claim}\` is carried if it fits, and counts as missing if not`, async () => {
      for (const form of ['jwt', 'opaque']) {
        const issuer = await issuerOf(graph(`from: subject, ${claim}`, form));
        const all = async (values: readonly unknown[]) =>
          Promise.all(values.map((value) => carried(issuer, value)));
        expect(await all(allowed), form).to.deep.equal(allowed);
        expect(await all(missing), form).to.deep.equal(missing.map(() => undefined));
        const strict = await issuerOf(graph(`from: subject, ${claim}`, form, 'c!'));
        for (const value of missing) await failure('invalid_request', () => carried(strict, value));
      }
    });

  it('is bounded by its type and by the listed values where it has no `max_bytes`', async () => {
    const bounds = [
      ['from: subject', 256],
      ['from: subject, type: int', 17],
      ['from: subject, type: bool', 5],
      ['from: subject, type: string, values: [ab, größe]', 7],
      ['from: subject, type: strings, values: [a]', 256],
      ['from: subject, type: int, max_bytes: 3', 3],
      ['from: request, type: int', 17],
      ['from: client', undefined],
    ] as const;
    for (const [claim, bytes] of bounds)
      expect(planOf(graph(claim)).claims.get('c')?.maxBytes, claim).to.equal(bytes);
    const short = await issuerOf(graph('from: subject, type: int, max_bytes: 3'));
    expect(await carried(short, 999)).to.equal(999);
    await failure('invalid_grant', () => carried(short, 1000));
  });

  it('in an exchange counts by what the graph says then', async () => {
    const before = await issuerOf(graph('from: request, type: string, max_bytes: 9'));
    const tree = await before.issueFor(
      clientOf(before.plan, 'web'),
      {
        token: await provider.sign(
          { iss: 'https://login.example', aud: 'app', sub: 'u', iat: NOW, exp: NOW + 60 },
          { typ: 'JWT' },
        ),
        type: 'id_token',
      },
      { scopes: ['read'], request: { c: '5' } },
    );
    const fetched = async (claim: string) => {
      const after = await issuerOf(graph(claim));
      return decodeJwt((await exchange(after, 'shop', tree.token, { audiences: ['ads'] })).token)['c'];
    };
    expect(await fetched('from: request, type: string, max_bytes: 9')).to.equal('5');
    expect(await fetched('from: request, type: int')).to.equal(undefined);
    expect(await fetched("from: request, type: string, values: ['6']")).to.equal(undefined);
  });
});
