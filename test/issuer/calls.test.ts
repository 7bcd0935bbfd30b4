import { expect } from 'chai';

import { compileGraph } from '../../src/planning/compile.ts';
import type { Plan } from '../../src/graph/index.ts';
import { planRequest } from '../../src/planning/request-plan.ts';
import { issue, issuerFor, clientOf } from '../support/issuer/issue.ts';
import { tokenAt, tokensOf } from '../support/issuer/trees.ts';
import { measured } from '../support/issuer/measured.ts';
import { planOf } from '../support/compile.ts';
import { removeScratch, scratchFile } from '../support/files.ts';

const HEAD = `
waybill: 1
vars: { domain: shop.example }
issuer: { url: 'https://tokens.\${domain}', lifetime: 5m }
defaults:
  audience: https://{name}.\${domain}
  identity: spiffe://\${domain}/{name}
  headers: { profile: go }
`;
const WEB = 'auth: { method: client_secret_basic, secret_env: WEB_SECRET }';

const forwarding = `${HEAD}
clients:
  web: { ${WEB}, calls: { orders: [order:place, order:read] } }
services:
  orders:
    scopes:
      order:place: { calls: { audit: { scopes: [audit:write, audit:flag], mode: forward } } }
      order:read: { calls: { audit: { scopes: [audit:read], mode: forward } } }
  audit: { accepts_forward: [orders], caller: none, scopes: { audit:read: {}, audit:write: {}, audit:flag: {} } }
`;

const mixed = `${HEAD}
clients:
  web: { ${WEB}, calls: { orders: [place, cancel] } }
services:
  orders:
    auth: { method: client_secret_basic, secret_env: ORDERS_SECRET }
    calls: { orders-db: { mode: none } }
    scopes:
      place: { calls: { payment: [charge], queue: { mode: none } } }
      cancel: { calls: { payment: [refund], fraud: { scopes: [report], mode: exchange, probability: 0.02 } } }
  payment: { scopes: { refund: {}, charge: { calls: { ledger: [write] } } } }
  ledger: { scopes: { write: {} } }
  fraud: { scopes: { report: { calls: { ledger: [write] } } } }
`;

describe('Calls of each mode', () => {
  after(removeScratch);

  it('forward: the token names both audiences, its own first, and the scopes of both', async () => {
    const { token } = await issue(planOf(forwarding), 'web', ['order:place']);
    const [root, ...others] = tokensOf(token);
    expect(others).to.deep.equal([]);
    expect(root?.payload).to.include({ scope: 'order:place audit:write audit:flag' });
    expect(root?.payload.aud).to.deep.equal(['https://orders.shop.example', 'https://audit.shop.example']);
    expect(root?.payload).to.not.have.any.keys('act', 'embedded', 'on_demand');
  });

  it('forward: scopes that forward to one callee add up, in the order in which it declares them', async () => {
    const { token, scope } = await issue(planOf(forwarding), 'web', ['order:read', 'order:place']);
    expect(tokenAt(token).payload.scope).to.equal('order:place order:read audit:read audit:write audit:flag');
    expect(scope, 'granted at the entry').to.equal('order:place order:read');
  });

  it('forward: the plan gives the call its mode and no bytes of its own', () => {
    const { root } = planRequest(planOf(forwarding), 'web', { scopes: ['order:place'] });
    const [call] = root.calls;
    expect(call).to.deep.include({
      service: 'audit',
      mode: 'forward',
      scope: ['audit:write', 'audit:flag'],
      calls: [],
    });
    expect(call).to.not.have.any.keys('bytes', 'budget');
  });

  it('exchange: the callee stands in on_demand with its audience, and no token of its is issued', async () => {
    const { token, tokens } = await issue(planOf(mixed), 'web', ['cancel']);
    const root = tokenAt(token);
    expect(root.payload.on_demand).to.deep.equal({ fraud: 'https://fraud.shop.example' });
    expect(Object.keys(root.payload.embedded ?? {})).to.deep.equal(['payment']);
    expect(tokens).to.equal(2);
  });

  it('none: leaves nothing in the token', async () => {
    const { token } = await issue(planOf(mixed), 'web', ['place']);
    const text = tokensOf(token)
      .map(({ payload }) => JSON.stringify(payload))
      .join();
    expect(text).to.not.match(/queue|orders-db|on_demand/);
  });

  it('embed: one token for a callee that several scopes call, with the union of what they name', async () => {
    const { token } = await issue(planOf(mixed), 'web', ['cancel', 'place']);
    const payment = tokenAt(token, 'payment');
    expect(payment.payload.scope).to.equal('refund charge');
    expect(payment.payload.act).to.deep.equal({ sub: 'spiffe://shop.example/orders' });
    expect(tokenAt(token, 'payment', 'ledger').payload.act).to.deep.equal({
      sub: 'spiffe://shop.example/payment',
    });
    expect(tokensOf(token)).to.have.lengthOf(3);
  });

  it('asking in another order gives the same tree', async () => {
    const shapes = await Promise.all(
      [
        ['place', 'cancel'],
        ['cancel', 'place'],
        ['place', 'cancel', 'place'],
      ].map(async (scopes) => {
        const { token } = await issue(planOf(mixed), 'web', scopes);
        return tokensOf(token).map(({ path, payload }) => [path, payload.scope, payload.jti?.split('.')[1]]);
      }),
    );
    expect(shapes[1]).to.deep.equal(shapes[0]);
    expect(shapes[2]).to.deep.equal(shapes[0]);
  });

  it('the measure is exact where audiences are lists and callees are on demand', async () => {
    for (const [text, scopes] of [
      [forwarding, ['order:place', 'order:read']],
      [mixed, ['place', 'cancel']],
    ] as const) {
      const plan = planOf(text);
      const { token } = await issue(plan, 'web', scopes);
      const issued = tokensOf(token).map(({ compact }) => compact.length);
      expect(issued).to.deep.equal(measured(plan, 'web', { scopes }));
    }
  });
});

describe('Claims of a token (rule 3)', () => {
  after(removeScratch);

  const graph = `${HEAD}
claims:
  region: { value: eu }
  tier: { from: client, max_bytes: 16 }
  quota: { from: client, path: daily_quota }
  note: { from: client }
clients:
  web: { ${WEB}, claims: { tier: gold, daily_quota: { calls: 7 } }, calls: { orders: [place, read] } }
  poor: { ${WEB}, calls: { orders: [read] } }
services:
  orders:
    claims: [region]
    scopes: { place: { claims: [tier!, quota], calls: { mail: [send] } }, read: { claims: [note] } }
  mail: { scopes: { send: { claims: [tier] } } }
`;

  const claimsOf = async (client: string, scopes: string[], ...path: string[]) => {
    const { token } = await issue(planOf(graph), client, scopes);
    const { region, tier, quota, note, daily_quota } = tokenAt(token, ...path).payload as Record<
      string,
      unknown
    >;
    return JSON.parse(JSON.stringify({ region, tier, quota, note, daily_quota })) as object;
  };

  it('are those of the service and of the granted scopes, and no other', async () => {
    expect(await claimsOf('web', ['place'])).to.deep.equal({
      region: 'eu',
      tier: 'gold',
      quota: { calls: 7 },
    });
    expect(await claimsOf('web', ['read'])).to.deep.equal({ region: 'eu' });
    expect(await claimsOf('web', ['place'], 'mail')).to.deep.equal({ tier: 'gold' });
  });

  it('are left out where the client has no value', async () => {
    expect(await claimsOf('poor', ['read'])).to.deep.equal({ region: 'eu' });
  });

  it('that are needed and have no value fail the request, though a check refuses such a graph before', async () => {
    const needy = graph.replace('calls: { orders: [read] }', 'calls: { orders: [place] }');
    const { draft, findings } = compileGraph([scratchFile('needy.yaml', needy)]);
    expect(findings.map(({ code }) => code)).to.include('claim-without-value');
    const refused: unknown = await issue(draft as Plan, 'poor', ['place']).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'invalid_request' });
    expect((refused as Error).message).to.contain('orders needs the claim tier');
  });
});

describe('Lifetimes', () => {
  after(removeScratch);

  const graph = `${HEAD}
clients:
  web: { ${WEB}, calls: { orders: [place], brief: [place] } }
services:
  orders: { lifetime: 2m, scopes: { place: { calls: { payment: [charge], mail: [send] } } } }
  payment: { lifetime: 30s, scopes: { charge: { calls: { ledger: [write] } } } }
  ledger: { lifetime: 1h, scopes: { write: {} } }
  mail: { scopes: { send: {} } }
  brief: { lifetime: 1h, scopes: { place: {} } }
`;

  it('RFC 9700 section 2.2: no child outlives its parent, and a service may ask for less', async () => {
    const now = 1_900_000_000;
    const plan = planOf(graph);
    const issuer = await issuerFor(plan, () => now);
    const client = clientOf(plan, 'web');
    const tree = await issuer.issue(client, {
      scopes: ['place'],
      resources: ['https://orders.shop.example'],
    });
    const left = (...path: string[]) => (tokenAt(tree.token, ...path).payload.exp ?? 0) - now;
    expect([left(), left('payment'), left('payment', 'ledger'), left('mail')]).to.deep.equal([
      120, 30, 30, 120,
    ]);
    expect(tree.expiresIn).to.equal(120);
    expect(tokensOf(tree.token).map(({ payload }) => payload.iat)).to.deep.equal([now, now, now, now]);
  });

  it("a service that asks for more gets the issuer's lifetime", async () => {
    const tree = await issue(planOf(graph), 'web', ['place'], ['https://brief.shop.example']);
    expect(tree.expiresIn).to.equal(300);
  });
});
