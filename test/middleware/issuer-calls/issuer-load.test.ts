/** Requests of a gateway and an extractor to the issuer under load, and while it does not answer. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { extractor, gateway, isWaybillError, type GatewayOptions } from '../../../src/middleware/index.ts';
import { closeProxies, countingProxy } from './counting-proxy.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { SHOP, startShop, type TestShop } from '../../support/issuer/opaque.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { closeServers, listen } from '../../support/http.ts';

/** Time for requests to arrive. */
const SETTLING = 200;
/** Pause of an open circuit before it lets a request try. */
const PAUSE = 2_000;

describe('The issuer under load', () => {
  let shop: TestShop;
  let now: number;

  before(async () => {
    now = Math.floor(Date.now() / 1000);
    // On a busy machine a request may wait for longer than a second; what is tested is the middleware's limit.
    shop = await startShop({ clock: () => now, app: { admission: { maxWait: 120_000 } } });
  });
  afterEach(async () => {
    await closeProxies();
    await closeServers();
  });
  after(stopIssuers);

  const credentials = { clientId: 'edge', secret: secretOf('edge'), method: 'client_secret_post' } as const;

  /** One that introspects at this address. @returns the code of the error, or `swapped`. */
  function swapAt(address: string, options: Partial<GatewayOptions> = {}) {
    const edge = gateway({
      issuer: shop.url,
      credentials,
      clock: () => now,
      introspectionEndpoint: `${address}/introspect`,
      ...options,
    });
    return async (token: string): Promise<Outcome> => {
      const headers: [string, string][] = [['Authorization', `Bearer ${token}`]];
      return outcomeOf(edge.swap({ audience: SHOP, headers }));
    };
  }

  /** Distinct, and none of the issuer's. */
  const unknown = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `wbo_${String(index).padEnd(43, 'A')}`);

  async function tokens(client: string, count: number): Promise<string[]> {
    const found: string[] = [];
    while (found.length < count) {
      const batch = Math.min(50, count - found.length);
      found.push(...(await Promise.all(Array.from({ length: batch }, () => shop.token(client)))));
    }
    return found;
  }

  const codesOf = (outcomes: readonly Outcome[]): string[] => [...new Set(outcomes.map(({ code }) => code))];

  it('1,000 different references at once all come through, over 32 connections', async () => {
    const proxy = await countingProxy(shop.url);
    const swap = swapAt(proxy.url, { timeout: 120_000 });
    const references = await tokens('web', 1_000);
    expect(new Set(references).size).to.equal(1_000);
    expect(codesOf(await Promise.all(references.map(swap)))).to.deep.equal(['swapped']);
    expect(proxy.most).to.be.within(2, 32);
  }).timeout(240_000);

  it('an extractor asks about tokens and exchanges them over its connections alone', async () => {
    const proxy = await countingProxy(shop.url);
    const waybill = extractor({
      issuer: shop.url,
      audience: SHOP,
      caller: 'none',
      revocation: 'introspect',
      credentials: { clientId: 'shop', secret: secretOf('shop') },
      connections: 3,
      timeout: 120_000,
      clock: () => now,
      introspectionEndpoint: `${proxy.url}/introspect`,
      tokenEndpoint: `${proxy.url}/token`,
    });
    const fetched = (await tokens('app', 60)).map(async (token) => {
      const context = await waybill.authenticate({ authorization: `Bearer ${token}` });
      return (await context.obtainHeaders('audit')).authorization;
    });
    expect(new Set(await Promise.all(fetched)).size).to.equal(60);
    expect(proxy.most).to.be.within(2, 3);
  }).timeout(120_000);

  describe('that hangs', () => {
    it('fails all callers by their deadline, and later ones without a request', async () => {
      const hanging = await countingProxy();
      const swap = swapAt(hanging.url, { timeout: 1_000, connections: 8 });
      const first = await Promise.all(unknown(500).map(swap));
      expect(codesOf(first)).to.deep.equal(['issuer_unavailable']);
      // Eight at first, and one for each of four failures: the fifth opens the circuit.
      await sleep(SETTLING);
      expect(hanging.posts).to.be.within(1, 12);
      const { posts } = hanging;
      const later = await Promise.all(unknown(500).map(swap));
      expect(codesOf(later)).to.deep.equal(['issuer_unavailable']);
      for (const { detail } of later)
        expect(detail).to.match(/^not asked, because 5 requests in a row failed/);
      await sleep(SETTLING);
      expect(hanging.posts).to.equal(posts);
      while (hanging.open > 8) await sleep(10); // those that were given up are closed
    });

    it('gets one test request after a pause, and all requests once it answers', async () => {
      const proxy = await countingProxy(shop.url);
      proxy.hangs = true;
      const swap = swapAt(proxy.url, { timeout: 200, connections: 8 });
      await Promise.all(unknown(8).map(swap));
      await sleep(PAUSE + 50);
      const { posts } = proxy;
      const tries = await Promise.all(unknown(20).map(swap));
      expect(tries.filter(({ detail }) => detail.startsWith('not asked'))).to.have.lengthOf(19);
      expect(proxy.posts).to.equal(posts + 1);
      proxy.hangs = false;
      await sleep(PAUSE + 50);
      const patient = await tokens('web', 20);
      const back = await Promise.all(patient.map(swap));
      expect(back.map(({ code }) => code).sort()).to.deep.equal([
        ...Array.from({ length: 19 }, () => 'issuer_unavailable'),
        'swapped',
      ]);
      for (const reference of patient) expect((await swap(reference)).code).to.equal('swapped');
    }).timeout(20_000);

    it('does not extend a cached swap', async () => {
      const proxy = await countingProxy(shop.url);
      const swap = swapAt(proxy.url, { timeout: 200 });
      const [reference = ''] = await tokens('web', 1);
      expect((await swap(reference)).code).to.equal('swapped');
      await closeProxies();
      for (const bad of unknown(5)) expect((await swap(bad)).code).to.equal('issuer_unavailable');
      expect((await swap(reference)).code).to.equal('swapped');
      now += 5;
      const { code, detail } = await swap(reference);
      expect([code, detail.startsWith('not asked')]).to.deep.equal(['issuer_unavailable', true]);
    });

    it('does not wait for credentials beyond the deadline', async () => {
      const waybill = gateway({
        issuer: shop.url,
        credentials: {
          clientId: 'edge',
          method: 'spiffe_jwt',
          svid: async () => new Promise(() => undefined),
        },
        introspectionEndpoint: `${shop.url}/introspect`,
        timeout: 100,
        connections: 1,
      });
      const [bad = ''] = unknown(1);
      const headers: [string, string][] = [['Authorization', `Bearer ${bad}`]];
      const asked = Array.from({ length: 2 }, () => outcomeOf(waybill.swap({ audience: SHOP, headers })));
      expect(codesOf(await Promise.all(asked))).to.deep.equal(['issuer_unavailable']);
    });
  });

  describe('that answers', () => {
    async function askedWith(answer: (response: ServerResponse) => unknown, times: number): Promise<number> {
      let asked = 0;
      const desk = await listen((request, response) => {
        request.resume();
        asked += 1;
        answer(response);
      });
      const swap = swapAt(desk);
      for (const bad of unknown(times)) expect((await swap(bad)).code).to.not.equal('swapped');
      return asked;
    }

    it('with 5xx, or breaks off, is not asked after five failures', async () => {
      for (const status of [500, 503]) {
        expect(await askedWith((response) => response.writeHead(status).end(), 20)).to.equal(5);
      }
      expect(await askedWith((response) => response.destroy(), 20)).to.equal(5);
    });

    it('with 4xx is still asked: that is an answer', async () => {
      for (const status of [400, 401, 403, 404, 429]) {
        expect(await askedWith((response) => response.writeHead(status).end(), 12)).to.equal(12);
      }
    });
  });

  describe('and a token that it refuses', () => {
    function counting(): { readonly fetch: typeof fetch; asked: (part: string) => number } {
      const bodies: string[] = [];
      return {
        fetch: async (input, init) => {
          if (typeof init?.body === 'string') bodies.push(init.body);
          return fetch(input, init);
        },
        asked: (part) => bodies.filter((body) => body.includes(part)).length,
      };
    }

    it('costs the gateway one request in five seconds, however often it is presented', async () => {
      for (const [options, again] of [
        [{}, 5],
        [{ swapMaxAge: 60 }, 5],
        [{ swapMaxAge: 2 }, 2],
      ] as const) {
        const { fetch, asked } = counting();
        const swap = swapAt(shop.url, { fetch, ...options });
        const [bad = ''] = unknown(1);
        const together = await Promise.all(Array.from({ length: 500 }, () => swap(bad)));
        for (let times = 0; times < 500; times += 1) together.push(await swap(bad));
        expect(codesOf(together)).to.deep.equal(['token_inactive']);
        expect(asked(bad)).to.equal(1);
        now += again - 1;
        await swap(bad);
        expect(asked(bad)).to.equal(1);
        now += 1;
        await swap(bad);
        expect(asked(bad)).to.equal(2);
      }
    });

    it('costs a request each time with swapMaxAge 0', async () => {
      const { fetch, asked } = counting();
      const swap = swapAt(shop.url, { fetch, swapMaxAge: 0 });
      const [bad = ''] = unknown(1);
      for (let times = 0; times < 3; times += 1) expect((await swap(bad)).code).to.equal('token_inactive');
      expect(asked(bad)).to.equal(3);
    });

    it('evicts no good one from the cache', async () => {
      const { fetch, asked } = counting();
      const swap = swapAt(shop.url, { fetch, cachedSwaps: 2 });
      const [reference = ''] = await tokens('web', 1);
      await swap(reference);
      await Promise.all(unknown(50).map(swap));
      for (const bad of unknown(50)) await swap(bad);
      expect((await swap(reference)).code).to.equal('swapped');
      expect(asked(reference)).to.equal(1);
    });

    it('costs an extractor with introspection one request', async () => {
      const { fetch, asked } = counting();
      const waybill = extractor({
        issuer: shop.url,
        audience: SHOP,
        caller: 'none',
        revocation: 'introspect',
        credentials: { clientId: 'shop', secret: secretOf('shop') },
        clock: () => now,
        fetch,
      });
      const [token = ''] = await tokens('app', 1);
      await shop.post('/revoke', 'app', { token });
      const authenticate = () => outcomeOf(waybill.authenticate({ authorization: `Bearer ${token}` }));
      const together = await Promise.all(Array.from({ length: 100 }, authenticate));
      for (let times = 0; times < 100; times += 1) together.push(await authenticate());
      expect(codesOf(together)).to.deep.equal(['token_inactive']);
      expect(asked(token)).to.equal(1);
    });
  });
});

interface Outcome {
  readonly code: string;
  readonly detail: string;
}

async function outcomeOf(work: Promise<unknown>): Promise<Outcome> {
  try {
    await work;
    return { code: 'swapped', detail: '' };
  } catch (error) {
    return isWaybillError(error)
      ? { code: error.code, detail: error.detail ?? '' }
      : { code: String(error), detail: '' };
  }
}
