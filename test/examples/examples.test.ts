/** The examples as their READMEs start them: each in a process of its own, with a real issuer. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'chai';

import { testIssuer, type TestIssuer } from '../../src/testing/index.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const TSX = path.join(ROOT, 'node_modules/tsx/dist/cli.mjs');

describe('the examples', function () {
  this.timeout(120_000);

  const running: ChildProcess[] = [];
  let issuer: TestIssuer;
  let edge: string;
  let stock: string;

  /** @returns the address at which the example says that it listens. */
  async function start(example: string, env: Readonly<Record<string, string>>): Promise<string> {
    const child = spawn(process.execPath, [TSX, `examples/${example}/main.ts`], {
      cwd: ROOT,
      env: { ...process.env, PORT: '0', ISSUER: issuer.url, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.push(child);
    for await (const line of createInterface({ input: child.stdout })) {
      const [address] = /http:\/\/\S+/.exec(line) ?? [];
      if (address !== undefined) return address;
    }
    throw new Error(`${example} ended without an address`);
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

  for (const framework of ['fastify', 'koa', 'hono'])
    it(`have the same service with ${framework}`, async () => {
      const orders = await start(framework, { STOCK: stock });
      const call = async (method: string, scope: string): Promise<Response> => {
        const authorization = `Bearer ${await issuer.tokenFor('orders', { scope })}`;
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

  it('have unit tests that pass', async () => {
    const args = ['--import', 'tsx', '--test', '--test-reporter=tap', 'examples/express/orders.test.ts'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    expect(stdout)
      .to.match(/^# pass 3$/m)
      .and.to.match(/^# fail 0$/m);
  });
});
