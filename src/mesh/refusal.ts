/** How the sidecar refuses a call of the application, and a check of its own. */
import type { ServerResponse } from 'node:http';
import { isWaybillError, type ErrorCode, type WaybillError } from '../errors.ts';
import { refusal, type Refusal } from '../middleware/index.ts';

type Status = readonly [status: number, title: string];

const FORBIDDEN: Status = [403, 'Forbidden'];

/** What the extractor's own `refusal` does not answer: it is about calls, or about the sidecar. */
const STATUS: Partial<Readonly<Record<ErrorCode, Status>>> = {
  // No token for the callee: nothing is sent, and never the parent in its place.
  child_missing: FORBIDDEN,
  child_on_demand: FORBIDDEN,
  child_foreign: FORBIDDEN,
  child_ambiguous: FORBIDDEN,
  exchange_refused: FORBIDDEN,
  child_too_large: [431, 'Request Header Fields Too Large'],
  usage: [400, 'Bad Request'],
  path_ambiguous: [400, 'Bad Request'],
  operation_unlisted: FORBIDDEN,
  handle_unknown: [401, 'Unauthorized'],
  overloaded: [503, 'Service Unavailable'],
  request_unsupported: [501, 'Not Implemented'],
  upstream_unavailable: [502, 'Bad Gateway'],
  upstream_timeout: [504, 'Gateway Timeout'],
};

/**
 * @param error any; one that is not about the request is answered 500 and closes all the same.
 * @param scope that would have been enough, for `insufficient_scope`.
 */
export function refuse(error: unknown, scope: readonly string[] = []): Refusal {
  const answer = refusal(error, scope);
  if (answer !== undefined) return answer;
  const known = isWaybillError(error) ? STATUS[error.code] : undefined;
  if (known === undefined || !isWaybillError(error))
    return problem(
      [500, 'Internal Server Error'],
      'server_error',
      'the sidecar failed; its log has the reason',
    );
  return problem(known, error.code, error.message, headersOf(error));
}

function headersOf({ code }: WaybillError): Readonly<Record<string, string>> {
  if (code === 'overloaded') return { 'retry-after': '1' };
  return code === 'handle_unknown' ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {};
}

function problem(
  [status, title]: Status,
  code: ErrorCode,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify({ type: 'about:blank', title, status, detail, code }),
    code,
  };
}

/** Sends nothing to a client that is gone. */
export function sendRefusal(response: ServerResponse, { status, headers, body }: Refusal): void {
  if (!response.destroyed)
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
}
