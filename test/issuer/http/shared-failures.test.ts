import { expect } from 'chai';

import { addressList } from '../../../src/identity/index.ts';
import { ATTEMPT_LIMITS } from '../../../src/issuer/index.ts';
import { redisStore, type Store } from '../../../src/issuer/stores/index.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { hasRedisServer, needsRedisServer, startRedis, type RedisServer } from '../../support/redis.ts';
import { basic } from '../../support/http.ts';
import { shop } from '../../support/graphs/shop.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';

describe(`Authentication that fails at two issuers on one Redis${needsRedisServer}`, () => {
  let redis: RedisServer | undefined;
  let here: TestIssuer;
  let there: TestIssuer;
  const stores: Store[] = [];

  before(async function () {
    if (!hasRedisServer) this.skip();
    redis = await startRedis();
    const { url } = redis;
    const start = async (): Promise<TestIssuer> => {
      const store = redisStore({ url });
      stores.push(store);
      await store.ready();
      const app = { forwardedFrom: addressList(['127.0.0.1']) };
      return startIssuer(shop, { issuer: { store, attempts: ATTEMPT_LIMITS }, app });
    };
    [here, there] = [await start(), await start()];
  });
  after(async () => {
    await stopIssuers();
    await Promise.all(stores.map((store) => store.close()));
    await redis?.remove();
  });

  /** The statuses of so many attempts in a row. */
  async function attempts(issuer: TestIssuer, from: string, secret: string, count = 1): Promise<number[]> {
    const answers: number[] = [];
    const headers = { authorization: basic('web', secret), 'x-forwarded-for': from };
    for (let time = 0; time < count; time += 1)
      answers.push((await issuer.token({ grant_type: 'client_credentials' }, { headers })).status);
    return answers;
  }
  const right = secretOf('web');
  const ten = Array<number>(10).fill(401);

  it('RFC 6585 section 4: what was guessed at one counts at the other, for a right secret too', async () => {
    const from = '198.51.100.1';
    expect(await attempts(here, from, 'guess', 6)).to.deep.equal(ten.slice(4));
    expect(await attempts(there, from, 'guess', 4)).to.deep.equal(ten.slice(6));
    expect(await attempts(here, from, right)).to.deep.equal([429]);
    expect(await attempts(there, from, right)).to.deep.equal([429]);
    expect(await attempts(there, '198.51.100.2', right)).to.deep.equal([200]);
  });

  it('a process that has seen no failure yet refuses a right and a wrong secret alike', async () => {
    const [one, two] = ['198.51.100.3', '198.51.100.4'];
    for (const from of [one, two]) expect(await attempts(here, from, 'guess', 10)).to.deep.equal(ten);
    expect(await attempts(there, one, right)).to.deep.equal([429]);
    expect(await attempts(there, two, 'guess')).to.deep.equal([429]);
  });

  it('while Redis is away each counts for itself, and clients are served', async () => {
    await redis?.stop();
    const from = '198.51.100.5';
    expect(await attempts(here, from, right)).to.deep.equal([200]);
    expect(await attempts(here, from, 'guess', 11)).to.deep.equal([...ten, 429]);
    expect(await attempts(here, from, right)).to.deep.equal([429]);
    expect(await attempts(there, from, right)).to.deep.equal([200]);
  });
});
