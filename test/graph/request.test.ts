import { expect } from 'chai';
import { isWaybillError } from '../../src/errors.ts';
import { resolveRequest, type TreeRequest } from '../../src/graph/index.ts';
import { HEAD, planOf } from '../support/compile.ts';

const plan =
  planOf(`${HEAD.replace("8080'", "8080', ignore_scopes: [openid, profile]").replace('defaults: {', "defaults: { audience: 'https://{name}.test',")}
clients:
  web:
    auth: { method: client_secret_basic, secret_env: S }
    default_scopes: [home, cart]
    calls:
      shop: [cart, home]
      admin: [home, users]
      log: { scopes: [write], mode: none }
  bare:
    auth: { method: client_secret_basic, secret_env: T }
    calls: { shop: [home] }
services:
  shop: { scopes: { home: , cart: } }
  admin: { scopes: { users: , home: } }
  log: { scopes: { write: } }
`);

function resolve(name: string, request: TreeRequest): string {
  const { service, scopes, client: asking } = resolveRequest(plan, plan.clients.get(name)!, request);
  expect(asking.name).to.equal(name);
  return `${service.name}: ${scopes.map((scope) => scope.name).join(' ')}`;
}

function refusal(name: string, request: TreeRequest): string {
  try {
    return `granted ${resolve(name, request)}`;
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const [SHOP, ADMIN] = ['https://shop.test', 'https://admin.test'];

describe('a request', () => {
  const granted: readonly (readonly [string, string, TreeRequest, string])[] = [
    [
      'grants scopes in the order of their declaration, once',
      'web',
      { scopes: ['cart', 'home', 'cart'], resources: [SHOP] },
      'shop: home cart',
    ],
    ['finds the one entry that has a scope', 'web', { scopes: ['users'] }, 'admin: users'],
    [
      'drops scopes of other services where a resource is named',
      'web',
      { scopes: ['home', 'users', 'cart'], resources: [ADMIN] },
      'admin: users home',
    ],
    [
      'takes a resource that is named twice for one',
      'web',
      { scopes: ['cart'], resources: [SHOP, SHOP] },
      'shop: cart',
    ],
    ['means the default scopes where it names none', 'web', { resources: [SHOP] }, 'shop: home cart'],
    [
      'means the default scopes where all that it names is ignored',
      'web',
      { scopes: ['openid', 'profile'], resources: [SHOP] },
      'shop: home cart',
    ],
    ['passes over what is ignored', 'bare', { scopes: ['openid', 'home'] }, 'shop: home'],
  ];
  for (const [title, name, request, expected] of granted) {
    it(title, () => {
      expect(resolve(name, request)).to.equal(expected);
    });
  }

  const refused: readonly (readonly [string, string, TreeRequest, RegExp])[] = [
    [
      'that names no scope, of a client without defaults',
      'bare',
      {},
      /^invalid_scope: .*may ask for: home\./,
    ],
    [
      'for an unknown scope',
      'web',
      { scopes: ['cart', 'gone'] },
      /^invalid_scope: web may not ask for: gone\. It may ask for: cart home users\./,
    ],
    ['for a scope of a client that is not this one', 'bare', { scopes: ['cart'] }, /^invalid_scope/],
    [
      'for an unknown scope, though a resource is named',
      'web',
      { scopes: ['cart', 'gone'], resources: [SHOP] },
      /^invalid_scope/,
    ],
    ['for a call that issues nothing', 'web', { scopes: ['write'] }, /^invalid_scope/],
    ['for scopes like what every object has', 'web', { scopes: ['__proto__', 'toString'] }, /^invalid_scope/],
    [
      'for scopes of two entries',
      'web',
      { scopes: ['cart', 'users'] },
      /^invalid_target: .*https:\/\/shop\.test or https:\/\/admin\.test/,
    ],
    ['for one name that two entries have', 'web', { scopes: ['home'] }, /^invalid_target/],
    ['for default scopes of two entries', 'web', {}, /^invalid_target/],
    ['for two resources', 'web', { scopes: ['home'], resources: [SHOP, ADMIN] }, /^invalid_target/],
    [
      'for a resource that the client does not call',
      'bare',
      { scopes: ['home'], resources: [ADMIN] },
      /^invalid_target/,
    ],
    [
      'for a resource that issues nothing',
      'web',
      { scopes: ['home'], resources: ['https://log.test'] },
      /^invalid_target/,
    ],
    ['for a resource by its name', 'web', { scopes: ['home'], resources: ['shop'] }, /^invalid_target/],
    [
      'for a resource that has none of the scopes',
      'web',
      { scopes: ['users'], resources: [SHOP] },
      /^invalid_scope/,
    ],
  ];
  for (const [title, name, request, expected] of refused) {
    it(`is refused ${title}`, () => {
      expect(refusal(name, request)).to.match(expected);
    });
  }
});
