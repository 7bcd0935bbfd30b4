/** How the store in Redis detects and reports data that may be lost. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import {
  redisStore,
  type RedisStoreOptions,
  type Store,
  type StoreEvent,
} from '../../../src/issuer/stores/index.ts';
import { startRedis, hasRedisServer, needsRedisServer, type RedisServer } from '../../support/redis.ts';
import { testCa } from '../../support/keys/certificates.ts';
import { eventually } from '../../support/clock/eventually.ts';
import { unavailable } from './contract.ts';

interface Watched {
  readonly store: Store;
  readonly events: StoreEvent[];
  /** The events of one type, in their order. */
  readonly of: <Type extends StoreEvent['type']>(type: Type) => Extract<StoreEvent, { type: Type }>[];
}

describe(`redisStore and data that may be lost${needsRedisServer}`, () => {
  const servers: RedisServer[] = [];
  const stores: Store[] = [];
  let now = 1_700_000_000;
  let key = 0;

  before(function () {
    if (!hasRedisServer) this.skip();
  });
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await Promise.all(servers.splice(0).map((server) => server.remove()));
  });

  async function start(...more: string[]): Promise<RedisServer> {
    const server = await startRedis({ more });
    servers.push(server);
    return server;
  }

  async function open(url: string, options: Partial<RedisStoreOptions> = {}): Promise<Watched> {
    const events: StoreEvent[] = [];
    const store = redisStore({
      url,
      clock: () => now,
      notify: (event) => void events.push(event),
      ...options,
    });
    stores.push(store);
    await store.ready();
    const of: Watched['of'] = (type) => events.filter((event) => event.type === type) as never;
    return { store, events, of };
  }

  /** Uses up a key, and so asks the server whether it still has all. */
  const use = async ({ store }: Watched): Promise<boolean> =>
    store.markOnce('assertion', `${(key += 1)}`, 600);

  it('begins in the second after the first process finds it empty', async () => {
    const { url } = await start();
    const first = await open(url);
    expect(first.store.marksSince()).to.equal(now + 1);
    expect(first.of('empty')).to.deep.equal([{ type: 'empty', since: now + 1 }]);
    const began = now;
    now += 500;
    const second = await open(url);
    expect([second.store.marksSince(), second.of('empty')]).to.deep.equal([began + 1, []]);
    await use(first);
    await use(second);
    expect(second.store.marksSince()).to.equal(began + 1);
    expect([...first.of('forgot'), ...second.of('forgot')]).to.deep.equal([]);
  });

  it('begins once for many processes that find it empty at the same time', async () => {
    const { url } = await start();
    const all = await Promise.all(Array.from({ length: 8 }, () => open(url)));
    await Promise.all(all.map(use));
    expect(new Set(all.map(({ store }) => store.marksSince()))).to.deep.equal(new Set([now + 1]));
    expect(all.flatMap(({ of }) => of('forgot'))).to.deep.equal([]);
  });

  it('notices FLUSHALL at the next use, in every process, and reports it once', async () => {
    const server = await start();
    const [one, other] = [await open(server.url), await open(server.url)];
    expect(await one.store.markOnce('assertion', 'used', 600)).to.equal(true);
    now += 100;
    await server.command('FLUSHALL');
    expect(await one.store.markOnce('assertion', 'used', 600), 'Redis has forgotten').to.equal(true);
    expect(one.store.marksSince()).to.equal(now + 1);
    await Promise.all([use(one), use(one), use(other), use(other)]);
    expect(other.store.marksSince()).to.equal(now + 1);
    expect(one.of('forgot')).to.deep.equal([{ type: 'forgot', sign: 'mark_gone', since: now + 1 }]);
    expect(other.of('forgot')).to.deep.equal([{ type: 'forgot', sign: 'seen_by_peer', since: now + 1 }]);
  });

  it('notices older data in its place, as from a backup', async () => {
    const server = await start();
    const watched = await open(server.url);
    const old = await server.command('GET', 'waybill:mark');
    now += 100;
    await server.command('FLUSHALL');
    await use(watched);
    now += 100;
    await server.command('SET', 'waybill:mark', old);
    await use(watched);
    expect(watched.store.marksSince()).to.equal(now + 1);
    expect(watched.of('forgot').map(({ sign }) => sign)).to.deep.equal(['mark_gone', 'older_data']);
  });

  it('trusts a server that restarts with its append-only file', async () => {
    const server = await start();
    const watched = await open(server.url);
    const began = watched.store.marksSince();
    now += 100;
    await server.stop();
    await server.start();
    await eventually(10, () => watched.store.ready());
    expect(await use(watched)).to.equal(true);
    expect([watched.store.marksSince(), watched.of('forgot')]).to.deep.equal([began, []]);
  });

  it('does not trust one that restarts without, even if it has kept the mark', async () => {
    for (const save of ['', '3600 1']) {
      const server = await start('--appendonly', 'no', '--save', save);
      const watched = await open(server.url);
      expect(await watched.store.markOnce('assertion', 'used', 600)).to.equal(true);
      now += 100;
      await server.stop();
      await server.start();
      await eventually(10, () => watched.store.ready());
      expect(watched.store.marksSince()).to.equal(now + 1);
      const sign = save === '' ? 'mark_gone' : 'restarted';
      expect(watched.of('forgot')).to.deep.equal([{ type: 'forgot', sign, since: now + 1 }]);
      // A process that starts after that learns it from the mark alone.
      expect((await open(server.url)).store.marksSince()).to.equal(now + 1);
    }
  });

  it('notices at the next use that a server has evicted keys', async () => {
    const server = await start('--maxmemory', '3mb', '--maxmemory-policy', 'volatile-lru');
    const watched = await open(server.url);
    now += 100;
    for (let at = 0; at < 300; at += 1)
      await watched.store.put('token', `filling ${at}`, 'x'.repeat(16_000), 600);
    expect(Number(/evicted_keys:(\d+)/.exec(await server.command('INFO', 'stats'))?.[1])).to.be.above(0);
    await use(watched);
    expect(watched.store.marksSince()).to.equal(now + 1);
    expect(watched.of('forgot')[0]?.sign).to.equal('evicted');
  });

  it('reports what may make a server lose data, once, and again after a change', async () => {
    const server = await start('--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru');
    const watched = await open(server.url);
    const risks = ['evicts', 'no_aof'];
    expect(watched.of('risks')).to.deep.equal([{ type: 'risks', risks, policy: 'allkeys-lru' }]);
    expect(watched.store.state()).to.deep.equal({ lost: undefined, risks });
    const reconnect = async (): Promise<void> => {
      const lost = watched.of('back').length;
      await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
      await eventually(10, async () => (await watched.store.ready()) && watched.of('back').length > lost);
    };
    await reconnect();
    expect(watched.of('risks')).to.have.length(1);
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'appendonly', 'yes');
    await reconnect();
    await eventually(5, () => watched.of('risks').length === 2);
    expect(watched.of('risks')[1]).to.deep.equal({ type: 'risks', risks: [], policy: undefined });
  });

  it('says that a server is a replica', async () => {
    const [primary, replica] = [await start(), await start('--replica-read-only', 'no')];
    await replica.command('REPLICAOF', '127.0.0.1', String(primary.port));
    const watched = await open(replica.url);
    await eventually(10, () => watched.store.state().risks.includes('replica'));
  });

  it('reports "unknown" if INFO and CONFIG are forbidden, and reads CONFIG if only INFO is', async () => {
    const server = await start('--appendonly', 'no');
    const commands = ['on', '>secret', '~waybill:*', '+@all', '-info'];
    await server.command('ACL', 'SETUSER', 'blind', ...commands, '-config');
    await server.command('ACL', 'SETUSER', 'squinting', ...commands);
    const as = async (user: string): Promise<Watched> =>
      open(server.url.replace('redis://', `redis://${user}:secret@`));
    const blind = await as('blind');
    expect(blind.store.state().risks).to.deep.equal(['unknown']);
    expect(await use(blind)).to.equal(true);
    expect((await as('squinting')).store.state().risks).to.deep.equal(['no_aof', 'unknown']);
  });

  it('needs no more commands than docs/how-to/run-with-redis.md lists', async () => {
    const server = await start();
    const text = readFileSync(
      path.join(import.meta.dirname, '../../../docs/how-to/run-with-redis.md'),
      'utf8',
    );
    const [, listed = ''] = /keys `waybill:\*` and the commands ([^.]*)\./.exec(text) ?? [];
    const commands = [...listed.matchAll(/`([A-Z]+)`/g)].map(([, name = '']) => `+${name.toLowerCase()}`);
    expect(commands).to.include('+smembers');
    await server.command('ACL', 'SETUSER', 'listed', 'on', '>secret', '~waybill:*', ...commands);
    const url = `${server.url.replace('redis://', 'redis://listed:secret@')}/3`;
    const [watched, other] = [await open(url), await open(url)];
    expect(await use(watched)).to.equal(true);
    await watched.store.put('token', 'key', 'value', 60);
    expect(await watched.store.get('token', 'key')).to.equal('value');
    await watched.store.delete('token', 'key');
    await watched.store.addFailure('client', 'key', 60);
    expect((await other.store.failures('client', 'key')).count).to.equal(1);
    await watched.store.announce('one', 'text', 60);
    expect(await other.store.announce('two', 'text', 60)).to.deep.equal(['text']);
    await watched.store.withdraw('one');
    expect(await other.store.announce('two', 'text', 60)).to.deep.equal([]);
    expect(watched.events.map(({ type }) => type)).to.deep.equal(['empty']);
    expect(watched.store.state()).to.deep.equal({ lost: undefined, risks: [] });
  });

  it('does not use a server that is part of a cluster', async () => {
    const server = await start('--cluster-enabled', 'yes', '--databases', '1');
    await server.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await eventually(10, async () => (await server.command('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    const { store, events } = await open(server.url);
    expect(await store.ready()).to.equal(false);
    expect(await unavailable(store.markOnce('proof', 'key', 60))).to.include('cluster_enabled');
    expect(store.state().risks).to.include('cluster');
    expect(events.filter(({ type }) => type === 'lost')).to.deep.equal([
      { type: 'lost', reason: 'cluster_enabled, which is not supported' },
    ]);
  });

  it('reports once that it is lost, once that it is back, and that failures are not shared meanwhile', async () => {
    const server = await start();
    const { store, events } = await open(server.url);
    events.splice(0);
    await server.stop();
    for (let time = 0; time < 5; time += 1) {
      await unavailable(store.get('token', 'key'));
      await store.addFailure('client', 'key', 60);
      await store.failures('client', 'key');
      expect(await store.ready()).to.equal(false);
    }
    const types = (): string[] => events.map(({ type }) => type);
    expect(types()).to.deep.equal(['lost', 'counts_alone']);
    expect(store.state().lost).to.be.a('string');
    await server.start();
    await eventually(10, () => store.ready());
    await store.failures('client', 'key');
    await store.failures('client', 'key');
    expect(types()).to.deep.equal(['lost', 'counts_alone', 'back', 'counts_shared']);
    expect(store.state().lost).to.equal(undefined);
  });

  it('is lost while a full server answers but refuses writes', async () => {
    const server = await start();
    const { store, of } = await open(server.url);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    for (let time = 0; time < 3; time += 1) await unavailable(store.put('token', 'key', 'value', 60));
    await store.get('token', 'key');
    expect(of('lost')).to.deep.equal([{ type: 'lost', reason: 'the server answered OOM' }]);
    expect([await store.ready(), of('back')]).to.deep.equal([false, []]);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    expect(await store.ready()).to.equal(true);
    expect(of('back')).to.have.length(1);
  });

  it('reports that failures are not shared if the server refuses to count', async () => {
    const server = await start();
    await server.command('ACL', 'SETUSER', 'mute', 'on', '>secret', '~waybill:*', '+@all', '-eval');
    const { store, of } = await open(server.url.replace('redis://', 'redis://mute:secret@'));
    await store.addFailure('client', 'key', 60);
    await store.addFailure('client', 'key', 60);
    expect(of('counts_alone')).to.have.length(1);
    expect(of('counts_alone')[0]?.reason).to.match(/NOPERM$/);
    expect(of('lost')).to.deep.equal([]);
  });

  it('reports why TLS fails: SELF_SIGNED_CERT_IN_CHAIN', async () => {
    const ca = testCa();
    const { cert, key: secret } = ca.issue({ commonName: 'redis', ips: [[127, 0, 0, 1]] });
    const folder = mkdtempSync(path.join(tmpdir(), 'redis-tls-'));
    const files = { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
    writeFileSync(files.cert, cert + ca.cert);
    writeFileSync(files.key, secret);
    const server = await startRedis({ tls: files });
    servers.push(server);
    try {
      const { of } = await open(server.url);
      await eventually(10, () => of('lost').length > 0);
      expect(of('lost')).to.deep.equal([{ type: 'lost', reason: 'SELF_SIGNED_CERT_IN_CHAIN' }]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
