/** Assertions and DPoP proofs from before the marks of the store begin: nobody knows whether they were used. */
import { expect } from 'chai';

import { createIssuer } from '../../../src/issuer/index.ts';
import { memoryStore, redisStore, type Store } from '../../../src/issuer/stores/index.ts';
import { closeServers, basic, type Answer } from '../../support/http.ts';
import { proofSigner } from '../../support/keys/dpop.ts';
import { keysFor, secretOf, secretsFor } from '../../support/issuer/issue.ts';
import { expectRefused, startKeyedIssuer, type KeyedIssuer } from '../../support/issuer/keyed.ts';
import { hasRedisServer, needsRedisServer, startRedis, type RedisServer } from '../../support/redis.ts';
import { stopIssuers } from '../../support/issuer/start.ts';

const LIMITS = { client: { failures: 3, seconds: 60 }, address: { failures: 100, seconds: 60 } };

describe('What was made before the marks of the store begin', () => {
  let keyed: KeyedIssuer;
  let now: number;

  beforeEach(async () => {
    keyed = await startKeyedIssuer();
    now = 1_800_000_000;
  });
  afterEach(async () => {
    await stopIssuers();
    await closeServers();
  });

  /** As a process that begins at this moment, with a store of its own, or with this one. */
  async function restart(store: Store = memoryStore({ clock: () => now })): Promise<void> {
    const { plan } = keyed.issuer;
    const keys = await keysFor(plan.issuer.signing);
    const parts = { ...keyed.options, attempts: LIMITS, store, clock: () => now };
    keyed.issuer.issuer = createIssuer({ plan, keys, secrets: secretsFor(plan), ...parts });
  }
  /** Made at this time, for a minute. */
  const assertion = async (made: number, claims: Record<string, unknown> = {}): Promise<string> =>
    keyed.assertion({ claims: { iat: made, exp: made + 60, ...claims } });
  const ask = async (text: string): Promise<Answer> => keyed.ask(text, { scope: 'place' });

  it('RFC 7523 section 3: refuses an assertion from before a restart, and says what to do', async () => {
    await restart();
    now += 10;
    const used = await assertion(now);
    expect((await ask(used)).status).to.equal(200);
    now += 1;
    await restart();
    const refused = await ask(used);
    expectRefused(
      refused,
      /too old.*no longer known .* used before 2027-01-15T08:00:12\.000Z.*Make a new one/,
    );
    now += 1;
    expect((await ask(await assertion(now))).status).to.equal(200);
  });

  it('refuses an assertion from the second of the restart, and an unused one from before', async () => {
    await restart();
    for (const made of [now - 30, now]) expectRefused(await ask(await assertion(made)), /too old/);
    expect((await ask(await assertion(now + 1))).status).to.equal(200);
  });

  it('refuses one without iat as long as it can have been used before, and asks for iat', async () => {
    await restart();
    now += 30;
    expectRefused(await ask(await assertion(now, { iat: undefined })), /has no iat.*Make one with iat/);
    // 300 seconds are the most that an assertion may live, and 5 more are tolerated: nobody took this one before.
    const end = now - 30 + 1 + 305;
    expectRefused(await ask(await assertion(now, { iat: undefined, exp: end - 1 })), /has no iat/);
    expect((await ask(await assertion(now, { iat: undefined, exp: end }))).status).to.equal(200);
    const nbf = now - 30 + 1 + 5;
    expectRefused(await ask(await assertion(now, { iat: undefined, nbf: nbf - 1 })), /has no iat/);
    expect((await ask(await assertion(now, { iat: undefined, nbf }))).status).to.equal(200);
  });

  it('does not count a refusal as a failed attempt of the client', async () => {
    await restart();
    for (let time = 0; time < 10; time += 1) expectRefused(await ask(await assertion(now)), /too old/);
    expect((await ask(await assertion(now + 1))).status).to.equal(200);
    for (let time = 0; time < 3; time += 1)
      expectRefused(await ask(await assertion(now + 1, { aud: 'https://other.example' })), /aud/);
    expect((await ask(await assertion(now + 1))).status).to.equal(429);
  });

  it('RFC 9449 section 11.1: refuses a DPoP proof from before a restart, and says what to do', async () => {
    const signer = await proofSigner();
    const { issuer } = keyed;
    const prove = async (dpop: string): Promise<Answer> =>
      issuer.token(
        { grant_type: 'client_credentials', scope: 'place' },
        { headers: { authorization: basic('kiosk', secretOf('kiosk')), dpop } },
      );
    const proof = async (): Promise<string> =>
      signer.proof({ method: 'POST', url: `${issuer.url}/token`, now });
    await restart();
    now += 1;
    const used = await proof();
    expect((await prove(used)).status).to.equal(200);
    await restart();
    const { status, body } = await prove(used);
    expect([status, body['error']]).to.deep.equal([400, 'invalid_dpop_proof']);
    expect(body['error_description']).to.match(/too old.*no longer known .*; make a new one/);
    now += 1;
    expect((await prove(await proof())).status).to.equal(200);
  });

  it('leaves space for the marks of other clients when one sends requests without end', async () => {
    await restart(memoryStore({ since: 0, clock: () => now, maxEntries: 50 }));
    const statuses: number[] = [];
    for (let time = 0; time < 60; time += 1) statuses.push((await ask(await assertion(now))).status);
    expect([statuses.filter((status) => status === 200).length, statuses.at(-1)]).to.deep.equal([40, 503]);
    const other = await keyed.assertion({ client: 'app', key: keyed.remote, claims: { exp: now + 60 } });
    expect((await ask(other)).status).to.equal(200);
  });

  describe(`with Redis${needsRedisServer}`, () => {
    let redis: RedisServer;
    const stores: Store[] = [];

    before(async function () {
      if (!hasRedisServer) this.skip();
      redis = await startRedis();
    });
    after(async () => {
      await Promise.all(stores.map((store) => store.close()));
      await (redis as RedisServer | undefined)?.remove();
    });

    it('refuses an assertion from before FLUSHALL, at once and at every process', async () => {
      const open = async (): Promise<Store> => {
        const store = redisStore({ url: redis.url, clock: () => now });
        stores.push(store);
        await store.ready();
        return store;
      };
      const [here, there] = [await open(), await open()];
      await restart(here);
      now += 1;
      const used = await assertion(now);
      expect((await ask(used)).status).to.equal(200);
      await redis.command('FLUSHALL');
      expectRefused(await ask(used), /too old/);
      await restart(there);
      expectRefused(await ask(await assertion(now)), /too old/);
      now += 1;
      expect((await ask(await assertion(now))).status).to.equal(200);
      // Only Redis forgot; what it has marked since then is known.
      await restart(await open());
      expect((await ask(await assertion(now))).status).to.equal(200);
    });
  });
});
