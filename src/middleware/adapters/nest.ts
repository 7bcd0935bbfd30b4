/** The adapter for NestJS 11 on Express. It needs no metadata of decorators. */

import type { IncomingMessage, ServerResponse } from 'node:http';

import {
  applyDecorators,
  HttpException,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';

import { usageError } from '../../errors.ts';
import type { Admitted, Extractor, ProtectOptions } from '../index.ts';
import { endWithResponse } from './node-response.ts';

/** A guard that verifies tokens, and the interceptor that makes the request the extractor's current one. */
export type WaybillGuard = CanActivate & NestInterceptor;

/**
 * Protects a controller or one of its handlers: only a request with a valid token gets there, with `request.waybill`. All
 * others throw an `HttpException` with the status and the document of the Express adapter, which Nest sends as
 * `application/json`; the challenge is in the headers of the response.
 *
 * @param options scopes that the token must have. Default: none.
 * @throws WaybillError `usage` for an unknown option or a scope that is none.
 *
 * @example
 * ```ts
 * import { extractor } from 'waybill/middleware';
 * import { Protect } from 'waybill/middleware/nest';
 *
 * const waybill = extractor({
 *   issuer: 'https://tokens.example',
 *   audience: 'https://shop.example',
 *   caller: 'none', // whoever holds a token may present it
 * });
 *
 * // Above a handler or a controller: `@Ordering`. In the handler, `waybill.fetch(address)` sends the callee's token.
 * export const Ordering = Protect(waybill, { scope: 'order' });
 * ```
 */
export function Protect(waybill: Extractor, options: ProtectOptions = {}): ClassDecorator & MethodDecorator {
  const both = guard(waybill, options);
  return applyDecorators(UseGuards(both), UseInterceptors(both));
}

/**
 * The guard behind `Protect`, for a whole application: `useGlobalGuards`, and the same object with
 * `useGlobalInterceptors`, without which `current()` and `fetch` of the extractor find no request.
 *
 * It protects HTTP alone: for messages and sockets it throws.
 *
 * @param options scopes that the token must have. Default: none.
 * @throws WaybillError `usage` for an unknown option or a scope that is none.
 *
 * @example
 * ```ts
 * import type { INestApplication } from '@nestjs/common';
 * import type { Extractor } from 'waybill/middleware';
 * import { guard } from 'waybill/middleware/nest';
 *
 * function protectAll(app: INestApplication, waybill: Extractor): void {
 *   const both = guard(waybill);
 *   app.useGlobalGuards(both);
 *   app.useGlobalInterceptors(both);
 * }
 * ```
 */
export function guard(waybill: Extractor, options: ProtectOptions = {}): WaybillGuard {
  const admit = waybill.admission(options);
  const admitted = new WeakMap<IncomingMessage, Admitted>();
  return {
    async canActivate(execution) {
      const { request, response } = httpOf(execution);
      const admission = await admit(request);
      if (admission.refusal) {
        const { status, headers, body } = admission.refusal;
        // Nest sends the body of an exception as application/json, and warns of any other type.
        for (const [name, value] of Object.entries(headers))
          if (name !== 'content-type') response.setHeader(name, value);
        throw new HttpException(JSON.parse(body) as object, status, { cause: admission.error });
      }
      Object.assign(request, { waybill: admission.context });
      admitted.set(request, admission);
      endWithResponse(admission, response);
      return true;
    },
    // Nest binds what the handler runs in to the call of `handle`.
    intercept(execution: ExecutionContext, next: CallHandler) {
      const admission = admitted.get(httpOf(execution).request);
      return admission ? admission.run(() => next.handle()) : next.handle();
    },
  };
}

function httpOf(execution: ExecutionContext): { request: IncomingMessage; response: ServerResponse } {
  if (execution.getType() !== 'http') throw usageError(`the guard protects HTTP, not ${execution.getType()}`);
  const http = execution.switchToHttp();
  return { request: http.getRequest(), response: http.getResponse() };
}
