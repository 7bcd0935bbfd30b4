import { serve } from '@hono/node-server';
import { extractor } from 'waybill/middleware';

import { orders } from './orders.ts';

const { ISSUER = 'http://127.0.0.1:8080', STOCK = 'http://127.0.0.1:3002', PORT = '3001' } = process.env;

const waybill = extractor({
  issuer: ISSUER,
  audience: 'https://orders.shop.example',
  caller: 'none',
  routes: { [STOCK]: 'stock' }, // stock listens at an address that is not its audience
});

const { GET, POST } = orders(waybill, STOCK);

/** What a platform such as Next does: finds the handler by path and method. */
function fetch(request: Request): Promise<Response> | Response {
  if (new URL(request.url).pathname !== '/orders') return new Response(null, { status: 404 });
  if (request.method === 'GET') return GET(request);
  if (request.method === 'POST') return POST(request);
  return new Response(null, { status: 405, headers: { allow: 'GET, POST' } });
}

serve({ fetch, port: Number(PORT), hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`orders listens on http://127.0.0.1:${port}`);
});
