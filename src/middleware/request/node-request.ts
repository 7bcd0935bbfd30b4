/** Requests as Node's servers have them, and as the frameworks on top of Node keep them. */

import type { IncomingMessage } from 'node:http';

import {
  certificateHeaders,
  isFromProxy,
  presentedPeer,
  type CertificateProxy,
} from '../../identity/index.ts';
import { headerLines, headerValues } from '../../input/header-lines.ts';
import type { HeaderLine, IncomingRequest } from './incoming-request.ts';

/**
 * Express takes off the part of a path under which a router is mounted, and keeps the whole in `originalUrl`.
 *
 * @param proxy where certificates come from in a header.
 */
export function fromNode(
  request: IncomingMessage & { readonly originalUrl?: string },
  proxy?: CertificateProxy,
): IncomingRequest {
  const { rawHeaders } = request;
  return {
    authorization: headerValues(rawHeaders, 'authorization'),
    dpop: headerValues(rawHeaders, 'dpop'),
    method: request.method,
    url: request.originalUrl ?? request.url,
    certificate: presentedPeer(request, proxy),
  };
}

/** Certificate headers of an untrusted sender: a handler must not trust what the extractor ignored. */
export function dropForgedCertificates(request: IncomingMessage, proxy: CertificateProxy): void {
  if (isFromProxy(request, proxy)) return;
  const names = certificateHeaders(proxy);
  if (names.every((name) => request.headersDistinct[name] === undefined)) return;
  replaceHeaders(
    request,
    headerLines(request.rawHeaders).filter(([name]) => !names.includes(name.toLowerCase())),
  );
}

/** In all three views that Node has of a request's headers, since proxies forward different ones. */
export function replaceHeaders(request: IncomingMessage, lines: readonly HeaderLine[]): void {
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
