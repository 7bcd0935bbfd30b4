/** A Hono service: two protected routes, one of which calls another service. */
import { Hono } from 'hono';
import type { Extractor } from 'waybill/middleware';
import { protect } from 'waybill/middleware/hono';

/** @param stock the address of the service `stock`. */
export function orders(waybill: Extractor, stock: string): Hono {
  const app = new Hono();
  app.get('/orders', protect(waybill, { scope: 'order:read' }), (c) =>
    c.json({ customer: c.var.waybill.claims.client_id, orders: [] }),
  );
  app.post('/orders', protect(waybill, { scope: 'order:place' }), async (c) => {
    const answer = await waybill.fetch(`${stock}/reservations`, { method: 'POST' });
    const customer = c.var.waybill.claims.client_id;
    return c.json({ customer, stock: (await answer.json()) as object }, 201);
  });
  return app;
}
