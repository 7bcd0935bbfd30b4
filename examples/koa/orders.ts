/** A Koa service: two protected routes, one of which calls another service. */
import Koa from 'koa';
import type { Extractor } from 'waybill/middleware';
import { protect } from 'waybill/middleware/koa';

/** @param stock the address of the service `stock`. */
export function orders(waybill: Extractor, stock: string): Koa {
  const app = new Koa();
  const mayRead = protect(waybill, { scope: 'order:read' });
  const mayPlace = protect(waybill, { scope: 'order:place' });
  app.use(async (ctx, next) => {
    await (ctx.method === 'POST' ? mayPlace(ctx, next) : mayRead(ctx, next));
  });
  app.use(async (ctx) => {
    const customer = waybill.current().claims.client_id;
    if (ctx.method !== 'POST') {
      ctx.body = { customer, orders: [] };
      return;
    }
    const answer = await waybill.fetch(`${stock}/reservations`, { method: 'POST' });
    ctx.status = 201;
    ctx.body = { customer, stock: await answer.json() };
  });
  return app;
}
