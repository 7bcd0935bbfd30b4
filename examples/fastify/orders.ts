/** A Fastify service: two protected routes, one of which calls another service. */
import fastify, { type FastifyInstance } from 'fastify';
import type { Extractor } from 'waybill/middleware';
import { protect } from 'waybill/middleware/fastify';

/** @param stock the address of the service `stock`. */
export function orders(waybill: Extractor, stock: string): FastifyInstance {
  const app = fastify();
  app.get('/orders', protect(waybill, { scope: 'order:read' }), async (request) => ({
    customer: request.waybill.claims.client_id,
    orders: [],
  }));
  app.post('/orders', protect(waybill, { scope: 'order:place' }), async (request, reply) => {
    const answer = await waybill.fetch(`${stock}/reservations`, { method: 'POST' });
    reply.code(201);
    return { customer: request.waybill.claims.client_id, stock: await answer.json() };
  });
  return app;
}
