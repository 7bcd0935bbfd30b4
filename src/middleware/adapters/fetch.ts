/**
 * The adapter for handlers of the Fetch standard, `Request` to `Response`: route handlers of Next, workers, Deno, Bun.
 *
 * A `Request` has neither its connection nor its raw header lines. So there is no certificate: `caller: 'mtls'` and
 * tokens that are bound to one are refused. Two `Authorization` headers arrive joined with a comma, and are refused.
 */

import type { Extractor, ProtectOptions, Refusal, RequestContext } from '../index.ts';
import { stepUpRefusal } from '../request/refusal.ts';

/**
 * Wraps a handler: only a request with a valid token reaches it, with the request's context as second argument. All
 * others are answered as the Express adapter answers them.
 *
 * The extractor's `fetch` and `current()` are those of the request until the promise of the handler settles; a body that is streamed
 * after that uses the context.
 *
 * @param options scopes that the token must have; `{}` for none.
 * @param handler gets what the platform gives beside the request, after the context: `params` of Next, `env` of a worker.
 * @throws WaybillError `usage` for an unknown option or a scope that is none.
 *
 * @example
 * ```ts
 * import { extractor } from 'waybill/middleware';
 * import { protect } from 'waybill/middleware/fetch';
 *
 * const waybill = extractor({
 *   issuer: 'https://tokens.example',
 *   audience: 'https://shop.example',
 *   caller: 'none', // whoever holds a token may present it
 * });
 * // In Next, app/order/route.ts
 * export const POST = protect(waybill, { scope: 'order' }, async (_request, context) => {
 *   await context.fetch('https://payment.example/charge', { method: 'POST' });
 *   return Response.json({ orderedBy: context.claims.sub });
 * });
 * ```
 */
export function protect<Incoming extends Request, Rest extends unknown[]>(
  waybill: Extractor,
  options: ProtectOptions,
  handler: (request: Incoming, context: RequestContext, ...rest: Rest) => Response | Promise<Response>,
): (request: Incoming, ...rest: Rest) => Promise<Response> {
  const admit = waybill.admission(options);
  return async (request, ...rest) => {
    const admission = await admit(request);
    if (admission.refusal) return responseOf(admission.refusal);
    try {
      return await admission.run(() => handler(request, admission.context, ...rest));
    } catch (error) {
      const answer = stepUpRefusal(error);
      if (!answer) throw error;
      return responseOf(answer);
    } finally {
      admission.end();
    }
  };
}

function responseOf({ status, headers, body }: Refusal): Response {
  return new Response(body, { status, headers });
}
