/** The edge: swaps the reference of a client for its token, and passes the request on. */
import { request as send } from 'node:http';

import express, { type Express } from 'express';
import type { Gateway } from 'waybill/middleware';

/** @param orders the address of the service behind the gateway. */
export function edge(gateway: Gateway, orders: string): Express {
  const app = express();
  app.use(gateway.protect({ audience: 'https://orders.shop.example' }), (request, response) => {
    const { method, url, rawHeaders: headers } = request;
    const passed = send(new URL(url, orders), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.writeHead(502).end());
    request.pipe(passed);
  });
  return app;
}
