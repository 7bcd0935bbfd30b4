import { promisify } from 'node:util';

import { ServerCredentials, type Server } from '@grpc/grpc-js';
import { extractor } from 'waybill/middleware';

import { orders } from './orders.ts';
import { stock } from './stock.ts';

const { ISSUER: issuer = 'http://127.0.0.1:8080', PORT = '3001' } = process.env;

/** @returns the address at which it listens. */
async function listen(server: Server, port: string): Promise<string> {
  const bind = promisify(server.bindAsync.bind(server));
  return `127.0.0.1:${await bind(`127.0.0.1:${port}`, ServerCredentials.createInsecure())}`;
}

const ofStock = extractor({ issuer, audience: 'https://stock.shop.example', caller: 'none' });
const stockAddress = await listen(stock(ofStock), '0');

const ofOrders = extractor({ issuer, audience: 'https://orders.shop.example', caller: 'none' });
console.log(`orders listens on ${await listen(orders(ofOrders, stockAddress), PORT)}`);
