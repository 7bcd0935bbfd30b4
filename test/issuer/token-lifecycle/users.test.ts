import { expect } from 'chai';
import { SignJWT, decodeJwt, exportJWK, generateKeyPair } from 'jose';

import type { Plan } from '../../../src/graph/index.ts';
import { authenticatingParties, createIssuer, type Issuer } from '../../../src/issuer/index.ts';
import { memoryStore, type Store } from '../../../src/issuer/stores/index.ts';
import { clientOf, keysFor, secretOf } from '../../support/issuer/issue.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { planOf } from '../../support/compile.ts';

const LOGIN = 'https://login.example';
const NOW = 1_800_000_000;

const graph = ({ roles = '[support, admin]', bytes = 64, subjects = 'login', path = '' } = {}) => `
waybill: 1
issuer: { url: 'https://tokens.example' }
defaults: { headers: { profile: go } }
subjects:
  login: { issuer: '${LOGIN}', audience: portal, jwks_uri: '${LOGIN}/jwks' }
  other: { issuer: 'https://other.example', audience: portal }
claims:
  email: { from: subject, max_bytes: ${bytes} }
  phone: { from: subject, max_bytes: 64 }
  ${path === '' ? '' : `role: { from: subject, path: ${path}, max_bytes: 64 }`}
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    grants: [token_exchange]
    subjects: [${subjects}]
    token: opaque
    calls: { shop: { scopes: [browse, refund], when: { refund: { role: ${roles} } } } }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: SHOP }
    scopes: { browse: { calls: { mail: [send] } }, refund: {} }
  mail: { scopes: { send: { claims: [email!] } } }
`;

describe('Opaque tokens of users', () => {
  const records: string[] = [];
  let store: Store;
  let issuer: Issuer;
  let userToken: (claims: Record<string, unknown>) => Promise<string>;
  let keys: unknown;

  before(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'a', alg: 'ES256' }] };
    userToken = async (claims) =>
      new SignJWT({ sub: 'ann', iss: LOGIN, aud: 'portal', iat: NOW, exp: NOW + 120, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'a', typ: 'JWT' })
        .sign(privateKey);
  });
  beforeEach(async () => {
    const memory = memoryStore({ clock: () => NOW });
    records.length = 0;
    store = {
      ...memory,
      put: async (kind, key, value, seconds) => {
        records.push(value);
        return memory.put(kind, key, value, seconds);
      },
    };
    issuer = await issuerOf(planOf(graph()));
  });

  async function issuerOf(plan: Plan): Promise<Issuer> {
    const secrets = new Map([...authenticatingParties(plan).keys()].map((name) => [name, secretOf(name)]));
    const fetch = async () => Response.json(keys);
    return createIssuer({ plan, keys: await keysFor('ES256'), secrets, store, clock: () => NOW, fetch });
  }

  async function refer(claims: Record<string, unknown>) {
    const token = await userToken({ email: 'ann@example', phone: '12345', ...claims });
    const request = { scopes: ['browse', 'refund'] };
    return issuer.issueFor(clientOf(issuer.plan, 'web'), { token, type: 'id_token' }, request);
  }

  async function swap(token: string, at = issuer) {
    const shop = at.plan.services.get('shop')!;
    const result = await at.introspect({ kind: 'service', service: shop }, { token, form: 'token' });
    return result.active ? result.token : undefined;
  }

  it('the tree has the claims that it needs, and the store no others', async () => {
    const { token, expiresIn, scope, tokens } = await refer({ role: ['admin', 'staff', 'boss'] });
    expect([expiresIn, scope, tokens]).to.deep.equal([120, 'browse refund', 2]);
    const root = (await swap(token)) as string;
    expect(decodeJwt(root)).to.include({ sub: 'login:ann', scope: 'browse refund', exp: NOW + 120 });
    expect(tokenAt(root, 'mail').payload).to.include({ email: 'ann@example' });
    const [record = ''] = records;
    expect(record).to.contain('ann@example');
    expect(record).to.not.match(/12345|admin|staff|boss|eyJ|wbo_/); // of a condition its verdict is stored, and no fact
  });

  it('a condition is judged again at the swap, by the graph that runs then', async () => {
    const { token } = await refer({ role: 'support' });
    expect(decodeJwt((await swap(token)) ?? '')).to.include({ scope: 'browse refund' });
    const stricter = await issuerOf(planOf(graph({ roles: '[admin]' })));
    expect(decodeJwt((await swap(token, stricter)) ?? '')).to.include({ scope: 'browse' });
  });

  it('a condition on a claim with a path is kept and judged again', async () => {
    issuer = await issuerOf(planOf(graph({ path: 'realm.role' })));
    const { token, scope } = await refer({ realm: { role: ['admin', 'boss'] }, role: 'guest' });
    expect(scope).to.equal('browse refund');
    expect(decodeJwt((await swap(token)) ?? '')).to.include({ scope: 'browse refund' });
    expect(records[0]).to.not.contain('boss').and.not.contain('guest');
    const moved = await issuerOf(planOf(graph({ path: 'realm.groups' })));
    expect(decodeJwt((await swap(token, moved)) ?? '')).to.include({ scope: 'browse' });
  });

  it('a provider that the client may no longer use, or a bound that is narrower now, makes it inactive', async () => {
    const { token } = await refer({});
    expect(await swap(token, await issuerOf(planOf(graph({ subjects: 'other' }))))).to.equal(undefined);
    expect(await swap(token, await issuerOf(planOf(graph({ bytes: 4 }))))).to.equal(undefined);
    expect(await swap(token)).to.be.a('string');
  });

  it('what a swap would refuse is refused when it is asked for', async () => {
    const error = await refer({ email: undefined }).catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'invalid_request' }).and.property('message').match(/email/);
    expect(records).to.deep.equal([]);
  });
});
