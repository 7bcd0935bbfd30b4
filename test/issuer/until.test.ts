/** A call with `until` is gone after that day, in an issuer that runs on: at issuing, at exchange, and at the swap of an opaque token. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { compileGraph } from '../../src/planning/index.ts';
import { firstEnd, planOfDay, type Plan } from '../../src/graph/index.ts';
import type { Issuer } from '../../src/issuer/index.ts';
import { withFolder } from '../support/files.ts';
import { failure } from '../support/failure.ts';
import { clientOf, exchange, issuerFor, serviceOf } from '../support/issuer/issue.ts';
import type { Payload } from '../support/issuer/trees.ts';

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

const GRAPH = `
waybill: 1
name: ends
issuer: { url: 'http://127.0.0.1:8080', lifetime: 5m }
defaults: { headers: { profile: go }, caller: mtls }
clients:
  web:
    ${AUTH}
    default_scopes: [browse, order]
    calls: { shop: [browse, order] }
  old: { ${AUTH}, default_scopes: [browse], calls: { shop: { scopes: [browse], until: 2027-02-28 } } }
  guest: { ${AUTH}, token: opaque, calls: { shop: [browse] } }
services:
  shop:
    ${AUTH}
    introspect: [shop]
    scopes:
      browse: { calls: { catalog: { scopes: [read], until: 2027-01-31 } } }
      order:
        calls:
          catalog: { scopes: [read], until: 2027-02-28 }
          stock: { scopes: [take], mode: exchange, until: 2027-01-31 }
  catalog: { scopes: { read: {} } }
  stock: { scopes: { take: {} } }
`;

const at = (time: string) => Date.parse(time) / 1000;
const LAST_SECOND = at('2027-01-31T23:59:59Z');

function planAt(now: number, text = GRAPH): Plan {
  return withFolder({ 'graph.yaml': text }, (folder) => {
    const { plan, findings } = compileGraph([folder], { clock: () => now });
    if (!plan) throw new Error(JSON.stringify(findings, null, 2));
    return plan;
  });
}

/** A plan as text, without places. */
function shown(plan: Plan): string {
  return JSON.stringify(plan, (key, value: unknown) => {
    if (key === 'source' || key === 'offset' || key === 'digest') return undefined;
    if (key === 'service' && typeof value === 'object') return (value as { name: string }).name;
    if (key === 'introspect') return (value as { name: string }[]).map(({ name }) => name);
    if (value instanceof Map) return [...(value as Map<unknown, unknown>)];
    if (value instanceof Set) return [...(value as Set<unknown>)];
    return value;
  });
}

describe('a call with `until`', () => {
  let now = LAST_SECOND;
  let issuer: Issuer;

  beforeEach(async () => {
    now = LAST_SECOND;
    issuer = await issuerFor(planAt(now), () => now);
  });

  async function issued(client: string, ...scopes: string[]): Promise<Payload> {
    const { token } = await issuer.issue(clientOf(issuer.plan, client), { scopes });
    return decodeJwt<Payload>(token);
  }

  it('is made until the last second of the day, and not after', async () => {
    expect((await issued('web', 'browse')).embedded).to.have.all.keys('catalog');
    now += 1;
    expect(await issued('web', 'browse')).to.not.have.property('embedded');
  });

  it('ends for each scope by itself', async () => {
    now += 1;
    const order = await issued('web', 'order');
    expect(order.embedded).to.have.all.keys('catalog');
    expect(order).to.not.have.property('on_demand');
    now = at('2027-03-01T00:00:00Z');
    expect(await issued('web', 'order')).to.not.have.property('embedded');
  });

  it('is refused in an exchange of a token that is older than the end', async () => {
    const { token } = await issuer.issue(clientOf(issuer.plan, 'web'), { scopes: ['order'] });
    expect(decodeJwt<Payload>(token).on_demand).to.have.all.keys('stock');
    expect((await exchange(issuer, 'shop', token, { audiences: ['stock'] })).scope).to.equal('take');
    now += 1;
    await failure('invalid_target', () => exchange(issuer, 'shop', token, { audiences: ['stock'] }));
  });

  it('is gone at the swap of an opaque token that is older than the end', async () => {
    const { token } = await issuer.issue(clientOf(issuer.plan, 'guest'), { scopes: ['browse'] });
    const shop = { kind: 'service', service: serviceOf(issuer.plan, 'shop') } as const;
    const swap = async () => {
      const swapped = await issuer.introspect(shop, { token, form: 'token' });
      return decodeJwt<Payload>((swapped as { token: string }).token);
    };
    expect((await swap()).embedded).to.have.all.keys('catalog');
    now += 1;
    expect(await swap()).to.not.have.property('embedded');
  });

  it('takes its scopes from what its client may ask for, and from its default scopes', async () => {
    const old = clientOf(issuer.plan, 'old');
    expect((await issued('old')).scope).to.equal('browse');
    now = at('2027-03-01T00:00:00Z');
    await failure('invalid_scope', () => issuer.issue(old, { scopes: ['browse'] }));
    await failure('invalid_scope', () => issuer.issue(old, { scopes: [] }));
    expect((await issued('web')).scope).to.equal('browse order');
  });

  it('counts for a client that authenticated before the end', async () => {
    const web = clientOf(issuer.plan, 'web');
    now += 1;
    const { token } = await issuer.issue(web, { scopes: ['browse'] });
    expect(decodeJwt(token)).to.not.have.property('embedded');
  });

  it('counts for an issuer with other keys, and for one that starts with an older plan', async () => {
    const older = issuer.plan;
    now += 1;
    const started = await issuerFor(older, () => now);
    expect(shown(started.plan)).to.equal(shown(planAt(now)));
    expect(firstEnd(started.plan)).to.equal(at('2027-03-01T00:00:00Z'));
  });

  it('gives the plan that the same graph gives on the later day', () => {
    const plan = planAt(LAST_SECOND);
    for (const time of ['2027-02-01T00:00:00Z', '2027-02-28T12:00:00Z', '2027-03-01T00:00:00Z'])
      expect(shown(planOfDay(plan, at(time))), time).to.equal(shown(planAt(at(time))));
    expect(planOfDay(plan, LAST_SECOND)).to.equal(plan);
    const last = planOfDay(plan, at('2028-01-01T00:00:00Z'));
    expect(firstEnd(last)).to.equal(Infinity);
    expect(Object.isFrozen(last) && Object.isFrozen(serviceOf(last, 'shop'))).to.equal(true);
  });
});
