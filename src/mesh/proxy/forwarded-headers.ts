/** Which headers of a message the proxy passes on. */
import type { IncomingMessage } from 'node:http';

import { headerLines, headerValues } from '../../input/header-lines.ts';
import { isIdentityHeader, type HeaderLine } from '../identity-headers.ts';

/** RFC 9110 section 7.6.1, and section 11.7 for those of a proxy. What `Connection` names comes to them. */
const HOP_BY_HOP = new Set([
  ...['connection', 'proxy-connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['proxy-authenticate', 'proxy-authentication-info', 'proxy-authorization'],
]);

/** What the proxy sets itself, or has answered itself (`expect`). */
const OWN = new Set(['authorization', 'host', 'content-length', 'expect']);

/** Who ends TLS here knows the peer; nobody before it can say so to the application. */
const CERTIFICATES = new Set(['x-forwarded-client-cert', 'client-cert', 'client-cert-chain']);

/** Methods for which a request without a body needs no length (RFC 9110 section 8.6). */
const BODILESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/** RFC 9110 section 7.6.3. */
const VIA: HeaderLine = ['via', '1.1 waybill'];

export interface OwnHeaders {
  readonly host: string;
  readonly authorization: string | undefined;
  readonly identity: readonly HeaderLine[];
  /** In which a proxy before this one names certificates. */
  readonly certificateHeader?: string | undefined;
}

/** The lines of a request, as it goes on. */
export function requestLines(
  request: IncomingMessage,
  { host, authorization, identity, certificateHeader }: OwnHeaders,
): HeaderLine[] {
  const lines = endToEnd(request.rawHeaders).filter(([line]) => {
    const name = line.toLowerCase();
    return !OWN.has(name) && !CERTIFICATES.has(name) && name !== certificateHeader && !isIdentityHeader(name);
  });
  const own: HeaderLine[] = [['host', host], ...identity];
  if (authorization !== undefined) own.push(['authorization', authorization]);
  return [...own, ...lines, VIA, ...framing(request)];
}

/** The lines of an answer, as it goes on. */
export function answerLines(answer: IncomingMessage): HeaderLine[] {
  return [...endToEnd(answer.rawHeaders), VIA];
}

function endToEnd(rawHeaders: readonly string[]): HeaderLine[] {
  const named = headerValues(rawHeaders, 'connection').flatMap((line) =>
    line.split(',').map((name) => name.trim().toLowerCase()),
  );
  const dropped = new Set([...HOP_BY_HOP, ...named]);
  return headerLines(rawHeaders).filter(([name]) => !dropped.has(name.toLowerCase()));
}

/** From what the parser saw, since `Connection` could name `Content-Length`. */
function framing({ method = '', rawHeaders }: IncomingMessage): HeaderLine[] {
  if (headerValues(rawHeaders, 'transfer-encoding').length > 0) return [['transfer-encoding', 'chunked']];
  const [length] = headerValues(rawHeaders, 'content-length');
  if (length !== undefined) return [['content-length', length]];
  return BODILESS.has(method) ? [] : [['content-length', '0']];
}

/** Whether a body follows. */
export function hasBody({ rawHeaders }: IncomingMessage): boolean {
  return (
    headerValues(rawHeaders, 'transfer-encoding').length > 0 ||
    headerValues(rawHeaders, 'content-length').some((length) => Number(length) > 0)
  );
}
