/** The examples as their READMEs start them: each in a process of its own, with a real issuer. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { promisify } from 'node:util';

import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { expect } from 'chai';

import { call as callMethod, ORDERS } from '../../examples/grpc/services.ts';
import { stock as consumer } from '../../examples/kafka/stock.ts';
import { topic } from '../../examples/kafka/topic.ts';
import { extractor } from '../../src/middleware/index.ts';
import { testIssuer, type TestIssuer } from '../../src/testing/index.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const TSX = path.join(ROOT, 'node_modules/tsx/dist/cli.mjs');

describe('the examples', function () {
  this.timeout(120_000);

  const running: ChildProcess[] = [];
  let issuer: TestIssuer;
  let edge: string;
  let stock: string;

  /** @returns the address at which the example says that it listens, and the lines that it prints after that. */
  async function launch(
    example: string,
    env: Readonly<Record<string, string>>,
  ): Promise<{ address: string; lines: AsyncIterator<string> }> {
    const child = spawn(process.execPath, [TSX, `examples/${example}/main.ts`], {
      cwd: ROOT,
      env: { ...process.env, PORT: '0', ISSUER: issuer.url, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      const [, address] = / listens on (\S+)$/.exec(line.value) ?? [];
      if (address !== undefined) return { address, lines };
    }
    throw new Error(`${example} ended without an address`);
  }

  async function start(example: string, env: Readonly<Record<string, string>>): Promise<string> {
    return (await launch(example, env)).address;
  }

  async function bearer(scope: string): Promise<string> {
    return `Bearer ${await issuer.tokenFor('orders', { scope })}`;
  }

  async function call(method: string, token: string): Promise<Response> {
    return fetch(`${edge}/orders`, { method, headers: { authorization: `Bearer ${token}` } });
  }

  before(async () => {
    issuer = await testIssuer(path.join(ROOT, 'examples/graph.yaml'), { port: 0 });
    stock = await start('node-http', {});
    const orders = await start('express', { STOCK: stock });
    const credentials = issuer.credentialsFor('edge');
    const secret = 'secret' in credentials ? credentials.secret : '';
    edge = await start('gateway', { ORDERS: orders, EDGE_SECRET: secret });
  });
  after(async () => {
    const ended = running.flatMap((child) => (child.exitCode === null ? [once(child, 'exit')] : []));
    for (const child of running) child.kill();
    await Promise.all(ended);
    await issuer.close();
  });

  it('carry a reference from the edge to the last service, each with its own token', async () => {
    const { token, opaque } = await issuer.tree('web', ['order:place']);
    expect(opaque).to.equal(true);
    const response = await call('POST', token);
    expect(response.status).to.equal(201);
    expect(await response.json()).to.deep.equal({
      customer: 'web',
      stock: { reserved: true, for: 'web', by: 'orders' },
    });
  });

  it('refuse a token without the scope, and none at all', async () => {
    const { token } = await issuer.tree('web', ['order:read']);
    expect((await call('GET', token)).status).to.equal(200);
    expect((await call('POST', token)).status).to.equal(403);
    expect((await fetch(`${edge}/orders`)).status).to.equal(401);
  });

  for (const framework of ['fastify', 'koa', 'nest', 'hono', 'fetch'])
    it(`have the same service with ${framework}`, async () => {
      const orders = await start(framework, { STOCK: stock });
      const call = async (method: string, scope: string): Promise<Response> => {
        const authorization = await bearer(scope);
        return fetch(`${orders}/orders`, { method, headers: { authorization } });
      };
      const placed = await call('POST', 'order:place');
      expect(placed.status).to.equal(201);
      expect(await placed.json()).to.deep.equal({
        customer: 'web',
        stock: { reserved: true, for: 'web', by: 'orders' },
      });
      expect(await (await call('GET', 'order:read')).json()).to.deep.equal({ customer: 'web', orders: [] });
      expect((await call('POST', 'order:read')).status).to.equal(403);
    });

  it('have both services with gRPC', async () => {
    const client = new Client(await start('grpc', {}), credentials.createInsecure());
    const metadata = async (scope: string): Promise<Metadata> => {
      const sent = new Metadata();
      sent.set('authorization', await bearer(scope));
      return sent;
    };
    try {
      expect(await callMethod(client, ORDERS.place, await metadata('order:place'))).to.deep.equal({
        customer: 'web',
        stock: { reserved: true, for: 'web', by: 'orders' },
      });
      const reading = await metadata('order:read');
      expect(await callMethod(client, ORDERS.list, reading)).to.deep.equal({ customer: 'web', orders: [] });
      for (const [sent, refused] of [
        [reading, status.PERMISSION_DENIED],
        [new Metadata(), status.UNAUTHENTICATED],
      ] as const) {
        const code = await callMethod(client, ORDERS.place, sent).then(
          () => status.OK,
          (error: ServiceError) => error.code,
        );
        expect(code).to.equal(refused);
      }
    } finally {
      client.close();
    }
  });

  it('have a producer and a consumer of messages: each carries the token of its consumer', async () => {
    const { address, lines } = await launch('kafka', {});
    const call = async (method: string, scope: string): Promise<Response> =>
      fetch(`${address}/orders`, { method, headers: { authorization: await bearer(scope) } });
    expect((await call('POST', 'order:read')).status).to.equal(403);
    expect(await (await call('GET', 'order:read')).json()).to.deep.equal({ customer: 'web', orders: [] });
    const placed = await call('POST', 'order:place');
    expect([placed.status, await placed.json()]).to.deep.equal([202, { customer: 'web' }]);
    // The first line of all: the request that was refused sent nothing.
    expect((await lines.next()).value).to.equal('stock reserves for web, asked by orders');
  });

  it('have a consumer that refuses a message without a token, and one with a token for another', async () => {
    const reservations = topic('reservations');
    const said = new EventEmitter();
    const eachMessage = consumer(extractor(issuer.extractorOptions('stock')), (line) =>
      said.emit('line', line),
    );
    void reservations.run({ eachMessage });
    for (const [headers, code] of [
      [{}, 'token_missing'],
      [{ authorization: await bearer('order:place') }, 'token_audience'],
    ] as const) {
      const line = once(said, 'line');
      await reservations.send({ messages: [{ value: '{}', headers }] });
      expect(await line).to.deep.equal([`stock refuses: ${code}`]);
    }
  });

  it('have unit tests that pass', async () => {
    const args = ['--import', 'tsx', '--test', '--test-reporter=tap', 'examples/express/orders.test.ts'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    expect(stdout)
      .to.match(/^# pass 3$/m)
      .and.to.match(/^# fail 0$/m);
  });
});
