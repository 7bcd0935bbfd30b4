/** Unit tests of the service: a real issuer without a socket, and a fake of the service that it calls. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import { extractor } from 'waybill/middleware';
import { testIssuer } from 'waybill/testing';

import { orders } from './orders.ts';

const issuer = await testIssuer('examples/graph.yaml', {
  fetch: async () => Response.json({ reserved: true }), // in place of stock
});
const waybill = extractor(issuer.extractorOptions('orders'));
const server = orders(waybill, 'https://stock.shop.example').listen(0, '127.0.0.1');
await once(server, 'listening');
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`;

async function place(token: string): Promise<Response> {
  return fetch(address, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
}

test('places an order', async () => {
  const response = await place(await issuer.tokenFor('orders', { scope: 'order:place' }));
  assert.deepEqual(await response.json(), { customer: 'web', stock: { reserved: true } });
});

test('refuses a token without the scope', async () => {
  assert.equal((await place(await issuer.tokenFor('orders', { scope: 'order:read' }))).status, 403);
});

test('refuses an expired token', async () => {
  assert.equal((await place(await issuer.tokenFor('orders', { expired: true }))).status, 401);
});

test.after(() => server.close());
