/**
 * The adapter for Hono 4. Of Hono it uses types alone.
 *
 * On Node (`@hono/node-server`) it reads Node's own request: the raw header lines, and the certificate of the
 * connection. Elsewhere it has the `Request` alone, with the limits of the adapter `fetch`.
 */

import type { IncomingMessage } from 'node:http';

import type { MiddlewareHandler } from 'hono';

import type { Extractor, ProtectOptions, RequestContext } from '../index.ts';
import { stepUpRefusal } from '../request/refusal.ts';

/** What `protect` adds to the environment of an application, for `c.var.waybill`. */
export interface WaybillEnv {
  Variables: { waybill: RequestContext };
}

/**
 * Makes a middleware that lets only requests with a valid token pass, with `c.var.waybill`. It answers all others as the
 * Express adapter does.
 *
 * The extractor's `fetch` and `current()` are those of the request until its handlers have returned; a stream that goes on after that
 * uses `c.var.waybill`.
 *
 * @param options scopes that the token must have. Default: none.
 * @throws WaybillError `usage` for an unknown option or a scope that is none.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono';
 * import { extractor } from 'waybill/middleware';
 * import { protect } from 'waybill/middleware/hono';
 *
 * const waybill = extractor({
 *   issuer: 'https://tokens.example',
 *   audience: 'https://shop.example',
 *   caller: 'none', // whoever holds a token may present it
 * });
 * const app = new Hono();
 * app.post('/order', protect(waybill, { scope: 'order' }), async (c) => {
 *   await c.var.waybill.fetch('https://payment.example/charge', { method: 'POST' });
 *   return c.json({ orderedBy: c.var.waybill.claims.sub });
 * });
 * ```
 */
export function protect(waybill: Extractor, options: ProtectOptions = {}): MiddlewareHandler<WaybillEnv> {
  const admit = waybill.admission(options);
  return async (c, next) => {
    const admission = await admit(nodeRequest(c.env) ?? c.req.raw);
    if (admission.refusal) {
      const { status, headers, body } = admission.refusal;
      return new Response(body, { status, headers });
    }
    c.set('waybill', admission.context);
    try {
      await admission.run(next);
      // Hono has caught what a handler threw.
      const answer = stepUpRefusal(c.error);
      if (answer) c.res = new Response(answer.body, { status: answer.status, headers: answer.headers });
      return undefined;
    } finally {
      admission.end();
    }
  };
}

function nodeRequest(env: unknown): IncomingMessage | undefined {
  const { incoming } = (env ?? {}) as { incoming?: IncomingMessage };
  return Array.isArray(incoming?.rawHeaders) ? incoming : undefined;
}
