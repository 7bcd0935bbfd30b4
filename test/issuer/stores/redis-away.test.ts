import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { redisStore, type Store } from '../../../src/issuer/stores/index.ts';
import { failure } from '../../support/failure.ts';
import { freePort } from '../../support/http.ts';
import { eventually } from '../../support/clock/eventually.ts';
import { unavailable } from './contract.ts';

/** A server on loopback that answers each chunk of bytes as the test says, or not at all. */
class Impostor {
  readonly sockets = new Set<Socket>();
  readonly received: Buffer[] = [];
  connections = 0;
  answer: (text: string) => string = () => '';
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => {
      this.connections += 1;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        this.received.push(chunk);
        socket.write(this.answer(chunk.toString()));
      });
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const isPing = (text: string): boolean => text.includes('PING');

describe('redisStore without a server that works', () => {
  const stores: Store[] = [];
  let impostor: Impostor;
  let port: number;

  beforeEach(async () => {
    impostor = new Impostor();
    port = await impostor.listen();
  });

  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await impostor.close();
  });

  function open(url: string, deadline = 200): Store {
    const store = redisStore({ url, deadline });
    stores.push(store);
    return store;
  }

  async function failsEverything(store: Store): Promise<void> {
    const start = performance.now();
    const details = await Promise.all([
      unavailable(store.get('token', 'key')),
      unavailable(store.put('token', 'key', 'value', 60)),
      unavailable(store.delete('token', 'key')),
      unavailable(store.markOnce('proof', 'key', 60)),
    ]);
    expect(performance.now() - start).to.be.below(3_000);
    for (const detail of details) expect(detail).to.not.include('secret');
  }

  it('fails at once where nothing listens', async () => {
    const free = await freePort();
    const store = open(`redis://:secret@127.0.0.1:${free}`);
    await failsEverything(store);
    expect(await store.ready()).to.equal(false);
    expect(await unavailable(store.get('token', 'key'))).to.equal(`redis at 127.0.0.1:${free}: ECONNREFUSED`);
  });

  it('fails where the host has no address', async () => {
    const store = open('redis://:secret@redis.invalid', 2_000);
    expect(await store.ready()).to.equal(false);
    await failsEverything(store);
  });

  for (const credentials of ['', ':secret@']) {
    it(`fails in time where a server accepts and never answers${credentials && ' a sign-in'}`, async () => {
      const store = open(`redis://${credentials}127.0.0.1:${port}`);
      await failsEverything(store);
      const start = performance.now();
      expect(await store.ready()).to.equal(false);
      expect(performance.now() - start).to.be.within(190, 3_000);
      await failsEverything(store);
    });
  }

  it('fails in time where a server falls silent after the sign-in, and tries a new connection', async () => {
    impostor.answer = (text) => (isPing(text) ? '+PONG\r\n' : '');
    const store = open(`redis://127.0.0.1:${port}`);
    expect(await store.ready()).to.equal(false);
    // The probe missed its deadline and took the first connection with it.
    await eventually(10, () => impostor.connections > 1);
    await pause(50);
    const start = performance.now();
    expect(await unavailable(store.markOnce('proof', 'key', 60))).to.include('no answer within 200 ms');
    expect(performance.now() - start).to.be.within(190, 3_000);
    await eventually(10, () => impostor.connections > 2);
    expect(impostor.sockets.size).to.equal(1);
  });

  it('speaks TLS to rediss://, and sends nothing without it', async () => {
    const store = open(`rediss://:secret@127.0.0.1:${port}`);
    expect(await store.ready()).to.equal(false);
    await failsEverything(store);
    const bytes = Buffer.concat(impostor.received);
    expect(bytes[0]).to.equal(0x16);
    expect(bytes.includes('secret')).to.equal(false);
  });

  it('treats an answer that is not the Redis protocol as no answer', async () => {
    impostor.answer = () => 'HTTP/1.1 400 Bad Request\r\n\r\n';
    const store = open(`redis://:secret@127.0.0.1:${port}`);
    expect(await store.ready()).to.equal(false);
    await failsEverything(store);
  });

  it('treats an answer without a command as no answer', async () => {
    impostor.answer = (text) => (isPing(text) ? '+PONG\r\n+OK\r\n+OK\r\n' : '');
    const store = open(`redis://127.0.0.1:${port}`);
    await pause(100);
    await failsEverything(store);
    expect(await store.ready()).to.equal(false);
  });

  it('repeats nothing that a server says, not even when it quotes the password', async () => {
    impostor.answer = () => "-ERR unknown command 'AUTH', with args beginning with: 'secret' \r\n";
    const store = open(`redis://:secret@127.0.0.1:${port}`);
    expect(await store.ready()).to.equal(false);
    expect(await unavailable(store.get('token', 'key'))).to.match(/: the server answered ERR$/);
  });

  it('leaves a server that has become a replica', async () => {
    impostor.answer = (text) =>
      isPing(text) ? '+PONG\r\n' : "-READONLY You can't write against a replica.\r\n";
    const store = open(`redis://127.0.0.1:${port}`);
    expect(await store.ready()).to.equal(false);
    await eventually(10, () => impostor.connections > 1);
  });

  it('tries again after pauses that grow', async () => {
    impostor.answer = () => '-LOADING Redis is loading the dataset in memory\r\n';
    open(`redis://127.0.0.1:${port}`);
    const start = performance.now();
    await eventually(10, () => impostor.connections === 6);
    // At least half of 50 + 100 + 200 + 400 + 800 ms.
    expect(performance.now() - start).to.be.above(700);
  });

  it('stops trying when it is closed, in whatever state it is', async () => {
    for (const wait of [0, 1, 5, 50]) {
      for (const url of [
        `redis://:secret@127.0.0.1:${port}`,
        `rediss://:secret@127.0.0.1:${port}`,
        `redis://127.0.0.1:${await freePort()}`,
      ]) {
        const store = open(url);
        await pause(wait);
        await store.close();
        expect(await store.ready()).to.equal(false);
      }
    }
    await eventually(10, () => impostor.sockets.size === 0);
    const { connections } = impostor;
    await pause(200);
    expect(impostor.connections).to.equal(connections);
  });

  for (const [why, url] of [
    ['is no URL', 'secret'],
    ['is no URL', 'redis://:secret@host:99999'],
    ['is of another scheme', 'http://:secret@127.0.0.1'],
    ['names no host', 'redis://'],
    ['has a query', 'redis://:sec?ret@127.0.0.1'],
    ['has a query', 'redis://:secret@127.0.0.1/0?x=secret'],
    ['has a fragment', 'redis://:secret@127.0.0.1/#secret'],
    ['has a path that is no number', 'redis://:secret@127.0.0.1/secret'],
    ['has a broken percent-encoding', 'redis://:secret%zz@127.0.0.1'],
  ] as const) {
    it(`refuses an address that ${why}, without repeating it: ${url}`, async () => {
      const error = await failure('usage', () => redisStore({ url }));
      expect(String(error.stack)).to.not.match(/secret|ret@/);
      expect(error.cause).to.equal(undefined);
    });
  }

  it('refuses invalid limits', () => {
    for (const value of [0, -1, 0.5, NaN, Infinity]) {
      expect(() => redisStore({ url: 'redis://127.0.0.1', deadline: value })).to.throw(TypeError, /deadline/);
      expect(() => redisStore({ url: 'redis://127.0.0.1', maxPending: value })).to.throw(
        TypeError,
        /maxPending/,
      );
    }
  });
});
