/** A token lives the shortest of issuer, client, its service and its scopes, and never past its parent. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { clientOf, exchange, issuerFor } from '../support/issuer/issue.ts';
import { planOf } from '../support/compile.ts';
import type { Payload } from '../support/issuer/trees.ts';

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';
const NOW = 1_800_000_000;

const plan = planOf(`
waybill: 1
name: lives
issuer: { url: 'http://127.0.0.1:8080', lifetime: 5m }
defaults: { headers: { profile: go }, caller: mtls }
clients:
  web: { ${AUTH}, calls: { shop: [browse, order] } }
  kiosk: { ${AUTH}, lifetime: 100s, calls: { shop: [browse, order] } }
  cms: { ${AUTH}, lifetime: 1h, calls: { shop: [browse] } }
  guest: { ${AUTH}, token: opaque, lifetime: 50s, calls: { shop: [browse] } }
  edge: { ${AUTH}, introspect: [shop], calls: {} }
services:
  shop:
    ${AUTH}
    scopes:
      browse: {}
      order: { lifetime: 90s, calls: { payment: [charge, read], stock: { scopes: [take], mode: exchange } } }
  payment: { lifetime: 60s, scopes: { charge: { lifetime: 30s }, read: { lifetime: 2m } } }
  stock: { scopes: { take: { lifetime: 20s } } }
`);

function life(token: string): number {
  const { iat = 0, exp = 0 } = decodeJwt(token);
  return exp - iat;
}

describe('how long tokens live', () => {
  async function issued(client: string, scope: string) {
    const issuer = await issuerFor(plan, () => NOW);
    const tree = await issuer.issue(clientOf(plan, client), { scopes: [scope] });
    expect(tree.expiresIn).to.equal(life(tree.token));
    return { issuer, token: tree.token };
  }

  it('is what the client says, where that is shorter than what the issuer says', async () => {
    expect(life((await issued('web', 'browse')).token)).to.equal(300);
    expect(life((await issued('kiosk', 'browse')).token)).to.equal(100);
    expect(life((await issued('cms', 'browse')).token)).to.equal(300);
  });

  it('is what the scope says, for the token that has it and all below', async () => {
    const { token } = await issued('web', 'order');
    expect(life(token)).to.equal(90);
    expect(life(decodeJwt<Payload>(token).embedded!['payment']!)).to.equal(30);
  });

  it('is the same for every tree that is made from a template', async () => {
    const { issuer } = await issued('web', 'order');
    for (let round = 0; round < 4; round += 1) {
      const { token } = await issuer.issue(clientOf(plan, 'web'), { scopes: ['order'] });
      expect(life(decodeJwt<Payload>(token).embedded!['payment']!)).to.equal(30);
    }
  });

  it('holds for exchanged tokens: no longer than the scope, the client and the presented token', async () => {
    const { issuer, token } = await issued('web', 'order');
    expect(life((await exchange(issuer, 'shop', token, { audiences: ['stock'] })).token)).to.equal(20);
    const read = { audiences: ['payment'], scopes: ['read'] };
    expect(life((await exchange(issuer, 'shop', token, read)).token)).to.equal(60);
  });

  it('holds for an opaque token, whose root lives no longer', async () => {
    const issuer = await issuerFor(plan, () => NOW);
    const { expiresIn } = await issuer.issue(clientOf(plan, 'guest'), { scopes: ['browse'] });
    expect(expiresIn).to.equal(50);
  });
});
