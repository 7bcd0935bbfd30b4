import type { AddressInfo } from 'node:net';

import { gateway } from 'waybill/middleware';

import { edge } from './edge.ts';

const { ISSUER = 'http://127.0.0.1:8080', ORDERS = 'http://127.0.0.1:3001', PORT = '3000' } = process.env;

const waybill = gateway({
  issuer: ISSUER,
  credentials: { clientId: 'edge', secret: process.env['EDGE_SECRET'] ?? '' },
});

const server = edge(waybill, ORDERS).listen(Number(PORT), '127.0.0.1', () => {
  console.log(`edge listens on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
