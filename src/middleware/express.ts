/**
 * The adapter for Express and everything else that calls `(request, response, next)` with Node's own objects. It
 * knows no more of Express than the name of its global `Request`, and loads nothing of it.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

import type { RequestContext } from './request-context.ts';
import { refusal } from './refusal.ts';

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

/**
 * @param authenticate verifies the request's Authorization header lines.
 * @param scope what the operation needs, for the challenge of a 403.
 */
export function protectHandler(
  authenticate: (authorization: readonly string[]) => Promise<RequestContext>,
  scope: readonly string[],
): ProtectHandler {
  return (request, response, next) => {
    authenticate(authorizationLines(request)).then(
      (context) => {
        (request as IncomingMessage & { waybill?: RequestContext }).waybill = context;
        next();
      },
      (error: unknown) => {
        const answer = refusal(error, scope);
        if (answer === undefined) next(error);
        else response.writeHead(answer.status, answer.headers).end(answer.body);
      },
    );
  };
}

/** From the raw lines: of two Authorization headers, `request.headers` keeps the first and drops the other. */
function authorizationLines({ rawHeaders }: IncomingMessage): readonly string[] {
  const lines: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === 'authorization') lines.push(rawHeaders[index + 1] ?? '');
  }
  return lines;
}
