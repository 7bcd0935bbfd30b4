import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { redisStore, type RedisStoreOptions, type Store } from '../../../src/issuer/stores/index.ts';
import { hasRedisServer, needsRedisServer, startRedis, type RedisServer } from '../../support/redis.ts';
import { LOOPBACK, selfSigned } from '../../support/keys/certificates.ts';
import { eventually } from '../../support/clock/eventually.ts';
import { storeContract, unavailable } from './contract.ts';

describe(`redisStore with a server${needsRedisServer}`, () => {
  const PASSWORD = 'p@ss/wörd:#?';
  let server: RedisServer;
  const stores: Store[] = [];

  before(async function () {
    if (!hasRedisServer) this.skip();
    server = await startRedis({ password: PASSWORD });
  });

  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    // A test may have left it stopped.
    server.thaw();
  });

  // Not there where the suite was skipped.
  after(() => (server as RedisServer | undefined)?.remove());

  async function open(options: Partial<RedisStoreOptions> = {}): Promise<Store> {
    const store = redisStore({ url: server.url, ...options });
    stores.push(store);
    await eventually(10, () => store.ready());
    return store;
  }

  describe('as every store', () => {
    let database = 0;

    storeContract(async () => {
      database += 1;
      const url = `${server.url}/${database}`;
      const [store, other] = await Promise.all([open({ url }), open({ url })]);
      return { store, other, elapse: (seconds, condition) => eventually(seconds + 5, condition) };
    });
  });

  it('is ready as soon as it has connected, without being asked twice', async () => {
    const store = redisStore({ url: server.url });
    stores.push(store);
    expect(await store.ready()).to.equal(true);
  });

  it('keeps databases apart', async () => {
    const [first, second] = [
      await open({ url: `${server.url}/98` }),
      await open({ url: `${server.url}/99` }),
    ];
    expect(await first.markOnce('proof', 'key', 60)).to.equal(true);
    expect(await second.markOnce('proof', 'key', 60)).to.equal(true);
  });

  it('fails while the server is away, and forgets nothing when it is back', async () => {
    const store = await open();
    await store.put('token', 'kept', 'value', 600);
    await store.put('revocation', 'kept', 'value', 600);
    expect(await store.markOnce('proof', 'kept', 600)).to.equal(true);

    await server.stop();
    const outage = performance.now();
    while (performance.now() < outage + 500) {
      expect(await unavailable(store.get('token', 'kept'))).to.not.include('p@ss');
      await unavailable(store.get('revocation', 'kept'));
      await unavailable(store.markOnce('proof', 'new', 600));
      await unavailable(store.put('token', 'new', 'value', 600));
      await unavailable(store.delete('token', 'kept'));
      expect(await store.ready()).to.equal(false);
      await pause(20);
    }

    await server.start();
    await eventually(10, () => store.ready());
    expect(await store.get('token', 'kept')).to.equal('value');
    expect(await store.get('revocation', 'kept')).to.equal('value');
    expect(await store.markOnce('proof', 'kept', 600)).to.equal(false);
    // Nothing of the outage was carried out late.
    expect(await store.get('token', 'new')).to.equal(undefined);
    expect(await store.markOnce('proof', 'new', 600)).to.equal(true);
  });

  it('counts failures by itself while the server is away, and goes on with the shared count after that', async () => {
    const [store, other] = [await open(), await open()];
    await store.addFailure('client', 'away', 600);
    await store.addFailure('client', 'away', 600);
    await server.stop();
    expect((await store.addFailure('client', 'away', 600)).count).to.equal(1);
    expect((await store.failures('client', 'away')).count).to.equal(1);
    expect((await other.failures('client', 'away')).count).to.equal(0);
    await server.start();
    await eventually(10, async () => (await store.ready()) && other.ready());
    expect((await store.failures('client', 'away')).count).to.equal(2);
    expect((await other.addFailure('client', 'away', 600)).count).to.equal(3);
  });

  it('survives restarts in a row', async () => {
    const store = await open();
    for (let round = 0; round < 3; round += 1) {
      await server.stop();
      await unavailable(store.markOnce('proof', `row ${round}`, 60));
      await server.start();
      await eventually(10, () => store.ready());
      expect(await store.markOnce('proof', `row ${round}`, 60)).to.equal(true);
    }
  });

  it('gives up on a server that hangs, and reconnects when it answers again', async () => {
    const store = await open({ deadline: 150 });
    expect(await store.markOnce('proof', 'still', 60)).to.equal(true);
    server.freeze();
    const start = performance.now();
    const details = await Promise.all([
      unavailable(store.markOnce('proof', 'still', 60)),
      unavailable(store.get('token', 'still')),
    ]);
    expect(details[0]).to.match(/no answer within 150 ms$/);
    expect(performance.now() - start).to.be.within(140, 3_000);
    expect(await store.ready()).to.equal(false);
    server.thaw();
    await eventually(10, () => store.ready());
    expect(await store.markOnce('proof', 'still', 60)).to.equal(false);
  });

  it('refuses what comes on top of too many commands, and does the others', async () => {
    const store = await open({ maxPending: 10 });
    const calls = Array.from({ length: 30 }, (_, index) => store.put('token', `many ${index}`, 'value', 60));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).to.deep.equal([
      ...Array<string>(10).fill('fulfilled'),
      ...Array<string>(20).fill('rejected'),
    ]);
    expect(await unavailable(calls[29] as Promise<void>)).to.include('queue is full');
    expect(await store.get('token', 'many 9')).to.equal('value');
  });

  it('does not blame the server for a moment in which this process was busy', async () => {
    const store = await open({ deadline: 100 });
    await store.put('token', 'busy', 'value', 60);
    const answer = store.get('token', 'busy');
    // The command leaves in this turn of the event loop; its answer can only be read in a later one.
    await turn();
    const busyUntil = performance.now() + 400;
    while (performance.now() < busyUntil);
    expect(await answer).to.equal('value');
  });

  it('fails commands that are under way when it is closed', async () => {
    const store = await open();
    server.freeze();
    const under = unavailable(store.get('token', 'key'));
    await store.close();
    await under;
  });

  for (const [what, credentials] of [
    ['a wrong password', ':wrong-secret@'],
    ['a wrong user', 'nobody:wrong-secret@'],
    ['no password', ''],
  ] as const) {
    it(`never becomes ready with ${what}, and does not tell it`, async () => {
      const store = redisStore({ url: `redis://${credentials}127.0.0.1:${server.port}` });
      stores.push(store);
      expect(await store.ready()).to.equal(false);
      const error = await store.get('token', 'key').catch((thrown: unknown) => thrown as Error);
      expect(error).to.have.property('code', 'store_unavailable');
      expect(error)
        .to.have.property('detail')
        .that.matches(/server answered (WRONGPASS|NOAUTH)$/);
      expect(everythingIn(error)).to.not.include('wrong-secret');
    });
  }

  describe('over TLS', () => {
    const { cert, key } = selfSigned(LOOPBACK);
    let folder: string;
    let secure: RedisServer;

    before(async () => {
      folder = mkdtempSync(path.join(tmpdir(), 'redis-tls-'));
      const files = { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
      writeFileSync(files.cert, cert);
      writeFileSync(files.key, key);
      secure = await startRedis({ tls: files, password: PASSWORD });
    });

    after(async () => {
      await secure.remove();
      rmSync(folder, { recursive: true });
    });

    it('works with a server whose authority is configured', async () => {
      const store = await open({ url: secure.url, tls: { ca: cert } });
      expect(await store.markOnce('proof', 'key', 60)).to.equal(true);
      expect(await store.markOnce('proof', 'key', 60)).to.equal(false);
    });

    it('finds it again after a restart', async () => {
      const store = await open({ url: secure.url, tls: { ca: cert } });
      await secure.stop();
      await unavailable(store.get('proof', 'key'));
      await secure.start();
      await eventually(10, () => store.ready());
      expect(await store.get('proof', 'key')).to.equal('1');
    });

    it('does not sign in to a server that it cannot trust, nor without TLS', async () => {
      for (const url of [secure.url, secure.url.replace('rediss:', 'redis:')]) {
        const store = redisStore({ url, deadline: 500 });
        stores.push(store);
        expect(await store.ready()).to.equal(false);
        await unavailable(store.get('proof', 'key'));
      }
    });
  });
});

/** All that a logger could find in an error, its causes included. */
function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = Object.getOwnPropertyNames(error).map((name) => `${name}: ${String(Reflect.get(error, name))}`);
  return [...own, everythingIn(error.cause)].join('\n');
}
