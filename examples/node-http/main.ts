import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { extractor } from 'waybill/middleware';

import { stock } from './stock.ts';

const { ISSUER = 'http://127.0.0.1:8080', PORT = '3002' } = process.env;

const waybill = extractor({ issuer: ISSUER, audience: 'https://stock.shop.example', caller: 'none' });

const server = createServer(stock(waybill)).listen(Number(PORT), '127.0.0.1', () => {
  console.log(`stock listens on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
