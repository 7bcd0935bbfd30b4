/** An Express service: two protected routes, one of which calls another service. */
import express, { type Express } from 'express';
import type { Extractor } from 'waybill/middleware';

/** @param stock the address of the service `stock`. */
export function orders(waybill: Extractor, stock: string): Express {
  const app = express();
  app.get('/orders', waybill.protect({ scope: 'order:read' }), (request, response) => {
    response.json({ customer: request.waybill.claims.client_id, orders: [] });
  });
  app.post('/orders', waybill.protect({ scope: 'order:place' }), async (request, response) => {
    const answer = await request.waybill.fetch(`${stock}/reservations`, { method: 'POST' });
    response.status(201).json({ customer: request.waybill.claims.client_id, stock: await answer.json() });
  });
  return app;
}
