/** The adapter for Koa 3. Of Koa it uses types alone. */

import type { Middleware } from 'koa';

import type { Extractor, ProtectOptions, Refusal, RequestContext } from '../index.ts';
import { stepUpRefusal } from '../request/refusal.ts';
import { endWithResponse } from './node-response.ts';

/** What `protect` adds to `ctx.state`. */
export interface WaybillState {
  waybill: RequestContext;
}

/**
 * Makes a middleware that lets only requests with a valid token pass, with `ctx.state.waybill`. It answers all others
 * as the Express adapter does.
 *
 * @param options scopes that the token must have. Default: none.
 * @throws WaybillError `usage` for an unknown option or a scope that is none.
 *
 * @example
 * ```ts
 * import Koa from 'koa';
 * import { extractor } from 'waybill/middleware';
 * import { protect } from 'waybill/middleware/koa';
 *
 * const waybill = extractor({
 *   issuer: 'https://tokens.example',
 *   audience: 'https://shop.example',
 *   caller: 'none', // whoever holds a token may present it
 * });
 * new Koa().use(protect(waybill, { scope: 'order' })).use(async (ctx) => {
 *   await ctx.state.waybill.fetch('https://payment.example/charge', { method: 'POST' });
 *   ctx.body = { orderedBy: ctx.state.waybill.claims.sub };
 * });
 * ```
 */
export function protect(waybill: Extractor, options: ProtectOptions = {}): Middleware<WaybillState> {
  const admit = waybill.admission(options);
  return async (ctx, next) => {
    const admission = await admit(ctx.req);
    const refuse = ({ status, headers, body }: Refusal): void => {
      ctx.status = status;
      ctx.set(headers);
      ctx.body = body;
    };
    if (admission.refusal) return refuse(admission.refusal);
    ctx.state.waybill = admission.context;
    endWithResponse(admission, ctx.res);
    try {
      await admission.run(next);
    } catch (error) {
      const answer = stepUpRefusal(error);
      if (!answer) throw error;
      refuse(answer);
    }
  };
}
