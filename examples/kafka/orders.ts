/** The producer, an Express service: two protected routes, one of which sends a message to another service. */
import express, { type Express } from 'express';
import type { Extractor } from 'waybill/middleware';
import { withToken } from 'waybill/middleware/kafka';

import type { Topic } from './topic.ts';

/** @param reservations the topic that `stock` reads. */
export function orders(waybill: Extractor, reservations: Topic): Express {
  const app = express();
  app.get('/orders', waybill.protect({ scope: 'order:read' }), (request, response) => {
    response.json({ customer: request.waybill.claims.client_id, orders: [] });
  });
  app.post('/orders', waybill.protect({ scope: 'order:place' }), async (request, response) => {
    const message = await withToken(request.waybill, 'stock', { value: '{"items":1}' });
    await reservations.send({ messages: [message] });
    response.status(202).json({ customer: request.waybill.claims.client_id });
  });
  return app;
}
