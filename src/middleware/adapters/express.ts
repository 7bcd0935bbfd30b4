/**
 * The adapter for Express and everything else that calls `(request, response, next)` with Node's own objects. It
 * uses only the name of Express's global `Request` type, and imports nothing of it.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

import {
  certificateHeaders,
  isFromProxy,
  presentedCertificate,
  type CertificateProxy,
} from '../../identity/index.ts';
import { headerLines, headerValues } from '../../input/header-lines.ts';
import type { IncomingRequest } from '../request/incoming-request.ts';
import type { RequestContext } from '../extractor/request-context.ts';
import { refusal } from '../request/refusal.ts';
import type { HeaderLine } from '../gateway/token-headers.ts';

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
 * @param authenticate verifies the request's token, and who presents it.
 * @param scope what the operation needs, for the challenge of a 403.
 * @param proxy where certificates come from in a header.
 */
export function protectHandler(
  authenticate: (received: IncomingRequest) => Promise<RequestContext>,
  scope: readonly string[],
  proxy?: CertificateProxy,
): ProtectHandler {
  return (request, response, next) => {
    if (proxy !== undefined && !isFromProxy(request, proxy)) dropHeaders(request, certificateHeaders(proxy));
    authenticate(receivedFrom(request, proxy)).then(
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

/**
 * @param swap takes a request with all its header lines, and gives those that go on.
 * @param proxy where certificates come from in a header.
 */
export function swapHandler(
  swap: (received: IncomingRequest, headers: readonly HeaderLine[]) => Promise<readonly HeaderLine[]>,
  proxy?: CertificateProxy,
): ProtectHandler {
  return (request, response, next) => {
    swap(receivedFrom(request, proxy), headerLines(request.rawHeaders)).then(
      (lines) => {
        replaceHeaders(request, lines);
        next();
      },
      (error: unknown) => {
        const answer = refusal(error);
        if (answer === undefined) next(error);
        else response.writeHead(answer.status, answer.headers).end(answer.body);
      },
    );
  };
}

/** Certificate headers of an untrusted sender: a handler must not trust what the extractor ignored. */
function dropHeaders(request: IncomingMessage, names: readonly string[]): void {
  if (names.every((name) => request.headersDistinct[name] === undefined)) return;
  replaceHeaders(
    request,
    headerLines(request.rawHeaders).filter(([name]) => !names.includes(name.toLowerCase())),
  );
}

/** In all three views that Node has of a request's headers, since proxies forward different ones. */
function replaceHeaders(request: IncomingMessage, lines: readonly HeaderLine[]): void {
  const { headers, headersDistinct, rawHeaders } = request;
  const kept = valuesByName(lines);
  for (const name of Object.keys(headers)) if (!kept.has(name)) delete headers[name];
  for (const name of Object.keys(headersDistinct)) if (!kept.has(name)) delete headersDistinct[name];
  // Of a repeated header, some lines may be left.
  for (const [name, values] of kept) {
    if (values.length === headersDistinct[name]?.length && name !== 'authorization') continue;
    headersDistinct[name] = values;
    headers[name] = values.join(', ');
  }
  rawHeaders.splice(0, rawHeaders.length, ...lines.flat());
}

/** @returns the values of each name, in lower case, in their order. */
function valuesByName(lines: readonly HeaderLine[]): ReadonlyMap<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const [line, value] of lines) {
    const name = line.toLowerCase();
    const values = byName.get(name);
    if (values) values.push(value);
    else byName.set(name, [value]);
  }
  return byName;
}

/** Express takes off the part of a path under which a router is mounted, and keeps the whole in `originalUrl`. */
function receivedFrom(
  request: IncomingMessage & { readonly originalUrl?: string },
  proxy?: CertificateProxy,
): IncomingRequest {
  const { rawHeaders } = request;
  return {
    authorization: headerValues(rawHeaders, 'authorization'),
    dpop: headerValues(rawHeaders, 'dpop'),
    method: request.method,
    url: request.originalUrl ?? request.url,
    certificate: presentedCertificate(request, proxy),
  };
}

/** The values of one header. */
export function valuesOf(name: string, lines: readonly HeaderLine[]): readonly string[] {
  return lines.flatMap(([line, value]) => (line.toLowerCase() === name ? [value] : []));
}
