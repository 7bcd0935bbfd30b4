import { NestFactory } from '@nestjs/core';
import { extractor } from 'waybill/middleware';

import { orders } from './orders.ts';

const { ISSUER = 'http://127.0.0.1:8080', STOCK = 'http://127.0.0.1:3002', PORT = '3001' } = process.env;

const waybill = extractor({
  issuer: ISSUER,
  audience: 'https://orders.shop.example',
  caller: 'none',
  routes: { [STOCK]: 'stock' }, // stock listens at an address that is not its audience
});

const app = await NestFactory.create(orders(waybill, STOCK), { logger: ['error', 'warn'] });
await app.listen(Number(PORT), '127.0.0.1');
console.log(`orders listens on ${await app.getUrl()}`);
