/** A service as handlers of the Fetch standard, `Request` to `Response`: two protected, one of which calls another service. */
import type { Extractor } from 'waybill/middleware';
import { protect } from 'waybill/middleware/fetch';

type Handler = (request: Request) => Promise<Response>;

/**
 * @param stock the address of the service `stock`.
 * @returns the handlers of `/orders` by their method, as a route file of Next exports them.
 */
export function orders(waybill: Extractor, stock: string): { GET: Handler; POST: Handler } {
  return {
    GET: protect(waybill, { scope: 'order:read' }, (_request, { claims }) =>
      Response.json({ customer: claims.client_id, orders: [] }),
    ),
    POST: protect(waybill, { scope: 'order:place' }, async (_request, { claims }) => {
      const answer = await waybill.fetch(`${stock}/reservations`, { method: 'POST' });
      return Response.json({ customer: claims.client_id, stock: await answer.json() }, { status: 201 });
    }),
  };
}
