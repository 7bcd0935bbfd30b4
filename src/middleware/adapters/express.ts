/**
 * The adapter for Express and everything else that calls `(request, response, next)` with Node's own objects. It
 * uses only the name of Express's global `Request` type, and imports nothing of it.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

import type { CertificateProxy } from '../../identity/index.ts';
import { headerLines } from '../../input/header-lines.ts';
import type { Admit } from '../extractor/admission.ts';
import type { RequestContext } from '../extractor/request-context.ts';
import type { HeaderLine, IncomingRequest } from '../request/incoming-request.ts';
import { fromNode, replaceHeaders } from '../request/node-request.ts';
import { refusal, type Refusal } from '../request/refusal.ts';
import { endWithResponse } from './node-response.ts';

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- how Express lets others add to its Request
  namespace Express {
    interface Request {
      /** Set by `protect`; reading it in a handler without `protect` gives undefined. */
      waybill: RequestContext;
    }
  }
}

/** The part of Express's `RequestHandler` that is needed; assignable to it. */
export type ProtectHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

export function protectHandler(admit: Admit): ProtectHandler {
  return (request, response, next) => {
    admit(request).then((admission) => {
      if (admission.refusal) return send(response, admission.refusal);
      (request as IncomingMessage & { waybill?: RequestContext }).waybill = admission.context;
      endWithResponse(admission, response);
      admission.run(next);
    }, next);
  };
}

/**
 * @param swap takes a request with all its header lines, as it was read and as Node has it, and gives those that go on.
 * @param proxy where certificates come from in a header.
 */
export function swapHandler(
  swap: (
    received: IncomingRequest,
    headers: readonly HeaderLine[],
    request: IncomingMessage,
  ) => Promise<readonly HeaderLine[]>,
  proxy?: CertificateProxy,
): ProtectHandler {
  return (request, response, next) => {
    swap(fromNode(request, proxy), headerLines(request.rawHeaders), request).then(
      (lines) => {
        replaceHeaders(request, lines);
        next();
      },
      (error: unknown) => {
        const answer = refusal(error);
        if (answer === undefined) next(error);
        else send(response, answer);
      },
    );
  };
}

function send(response: ServerResponse, { status, headers, body }: Refusal): void {
  response.writeHead(status, headers).end(body);
}
