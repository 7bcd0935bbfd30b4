/** What `/readyz` reports while the store is lost, hangs, or may lose data, and about others on the same store. */
import { expect } from 'chai';
import { pino } from 'pino';

import { Readiness, createApp, listen, type ReadinessOptions } from '../../../src/issuer/http/index.ts';
import type { Issuer } from '../../../src/issuer/index.ts';
import { redisStore, type Store } from '../../../src/issuer/stores/index.ts';
import { firstStore, issuerFor } from '../../support/issuer/issue.ts';
import { opaqueGraph } from '../../support/issuer/opaque.ts';
import { hasRedisServer, needsRedisServer, startRedis } from '../../support/redis.ts';
import { send } from '../../support/http.ts';
import { shop } from '../../support/graphs/shop.ts';
import { planOf } from '../../support/compile.ts';

const issuerWith = async (store: Store, graph = shop('https://tokens.example')): Promise<Issuer> =>
  issuerFor(planOf(graph), undefined, { store });

describe('Readiness', () => {
  const report = async (issuer: Issuer, more: Partial<ReadinessOptions> = {}) =>
    new Readiness({ issuer: () => issuer, ...more }).report();

  it('only names the running graph if there is nothing to report', async () => {
    const issuer = await issuerWith(firstStore());
    const peers = () => ({ others: 2, keys: 'same', graph: 'same', graphs: [] }) as const;
    expect(await report(issuer, { peers })).to.deep.equal({
      status: 200,
      body: { status: 'ready', graph: issuer.plan.digest },
    });
  });

  it('stays ready while the store is lost, and says what works and what does not', async () => {
    const store = firstStore();
    const issuer = await issuerWith(store, opaqueGraph('https://tokens.example'));
    await store.close();
    expect(await report(issuer)).to.deep.equal({
      status: 200,
      body: {
        status: 'ready without its store',
        graph: issuer.plan.digest,
        store: 'the store is closed',
        works: ['keys', 'metadata', 'tokens'],
        fails: ['opaque tokens', 'DPoP', 'exchange by services', 'introspection', 'revocation'],
      },
    });
  });

  it('is not ready while the store is lost if that was asked for, with the same details', async () => {
    const store = firstStore();
    const issuer = await issuerWith(store);
    await store.close();
    const { status, body } = await report(issuer, { readyWithoutStore: false });
    expect([status, body['status'], body['works']]).to.deep.equal([
      503,
      'store unavailable',
      ['keys', 'metadata', 'tokens'],
    ]);
  });

  it('answers although the store never does, and sends it one request at a time', async () => {
    let asked = 0;
    const hanging: Store = {
      ...firstStore(),
      ready: () => {
        asked += 1;
        return new Promise(() => undefined);
      },
    };
    const issuer = await issuerWith(hanging);
    const readiness = new Readiness({ issuer: () => issuer });
    const reports = await Promise.all(Array.from({ length: 20 }, () => readiness.report()));
    for (const { status, body } of reports) expect([status, body['store']]).to.deep.equal([200, 'no answer']);
    expect(asked).to.equal(1);
  });

  it('reports what may make the store lose data, and how others differ', async () => {
    const risky: Store = { ...firstStore(), state: () => ({ lost: undefined, risks: ['evicts'] }) };
    const issuer = await issuerWith(risky);
    const peers = { others: 1, keys: 'differ', graph: 'same', graphs: [] } as const;
    const { status, body } = await report(issuer, { peers: () => peers });
    expect([status, body]).to.deep.equal([
      200,
      { status: 'ready', graph: issuer.plan.digest, risks: ['evicts'], peers },
    ]);
  });

  it(`answers /readyz while a real Redis hangs, and so do other endpoints${needsRedisServer}`, async function () {
    if (!hasRedisServer) this.skip();
    const redis = await startRedis();
    const store = redisStore({ url: redis.url, deadline: 30_000 });
    await store.ready();
    const issuer = await issuerWith(store);
    const server = await listen(createApp({ issuer: () => issuer, log: pino({ level: 'silent' }) }), {
      host: '127.0.0.1',
      port: 0,
    });
    try {
      expect((await send(`${server.url}/readyz`)).body['status']).to.equal('ready');
      redis.freeze();
      // Long before the deadline of the store itself.
      const { status, body } = await send(`${server.url}/readyz`);
      expect([status, body['status']]).to.deep.equal([200, 'ready without its store']);
      expect((await send(`${server.url}/jwks`)).status).to.equal(200);
    } finally {
      await server.close();
      await store.close();
      await redis.remove();
    }
  });
});
