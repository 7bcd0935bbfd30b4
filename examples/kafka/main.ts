import type { AddressInfo } from 'node:net';

import { extractor } from 'waybill/middleware';

import { orders } from './orders.ts';
import { stock } from './stock.ts';
import { topic } from './topic.ts';

const { ISSUER: issuer = 'http://127.0.0.1:8080', PORT = '3001' } = process.env;

const reservations = topic('reservations');

const ofOrders = extractor({ issuer, audience: 'https://orders.shop.example', caller: 'none' });
const server = orders(ofOrders, reservations).listen(Number(PORT), '127.0.0.1', () => {
  console.log(`orders listens on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

const ofStock = extractor({ issuer, audience: 'https://stock.shop.example', caller: 'none' });
await reservations.run({ eachMessage: stock(ofStock, (line) => console.log(line)) });
