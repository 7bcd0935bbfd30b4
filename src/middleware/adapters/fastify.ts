/** The adapter for Fastify 5. Of Fastify it uses types alone. */

import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';

import { usageError } from '../../errors.ts';
import type { Admitted, Extractor, ProtectOptions, RequestContext } from '../index.ts';
import { endWithResponse } from './node-response.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `protect`; reading it in a handler without `protect` gives undefined. */
    waybill: RequestContext;
  }
}

/** The hooks of a protected route, as its options take them. */
export interface ProtectHooks {
  /** Verifies the token, before the body is read. */
  onRequest(
    this: void,
    request: FastifyRequest,
    reply: FastifyReply,
    done: HookHandlerDoneFunction,
  ): undefined;
  /** Makes the request the extractor's current one again: reading a body loses it. */
  preValidation(
    this: void,
    request: FastifyRequest,
    reply: FastifyReply,
    done: HookHandlerDoneFunction,
  ): undefined;
}

/**
 * Protects a route: only a request with a valid token reaches its handler, as `request.waybill`. All others are
 * answered as the Express adapter answers them.
 *
 * The result goes where the options of a route are. For all routes of a plugin, add its two hooks with `addHook`.
 *
 * @param options scopes that the token must have. Default: none.
 * @throws WaybillError `usage` for an unknown option or a scope that is none.
 *
 * @example
 * ```ts
 * import fastify from 'fastify';
 * import { extractor } from 'waybill/middleware';
 * import { protect } from 'waybill/middleware/fastify';
 *
 * const waybill = extractor({
 *   issuer: 'https://tokens.example',
 *   audience: 'https://shop.example',
 *   caller: 'none', // whoever holds a token may present it
 * });
 * const app = fastify();
 * app.post('/order', protect(waybill, { scope: 'order' }), async (request) => {
 *   await request.waybill.fetch('https://payment.example/charge', { method: 'POST' });
 *   return { orderedBy: request.waybill.claims.sub };
 * });
 * ```
 */
export function protect(waybill: Extractor, options: ProtectOptions = {}): ProtectHooks {
  const admit = waybill.admission(options);
  const admitted = new WeakMap<FastifyRequest, Admitted>();
  return {
    onRequest(request, reply, done) {
      admit(request.raw).then((admission) => {
        if (admission.refusal) {
          const { status, headers, body } = admission.refusal;
          reply.code(status).headers(headers).send(body);
          return;
        }
        request.waybill = admission.context;
        admitted.set(request, admission);
        endWithResponse(admission, reply.raw);
        admission.run(done);
      }, done);
    },
    preValidation(request, _reply, done) {
      const admission = admitted.get(request);
      if (admission) admission.run(done);
      else done(usageError('the hook onRequest of protect did not run for this request'));
    },
  };
}
