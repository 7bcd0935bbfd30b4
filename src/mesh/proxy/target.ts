/** What a request line asks for (RFC 9112 section 3.2), and what the proxy does not pass on. */
import type { IncomingMessage } from 'node:http';

import { WaybillError, usageError } from '../../errors.ts';
import { headerValues } from '../../input/header-lines.ts';
import { isHost } from '../callees.ts';

export interface Target {
  /** With a port, or without. */
  readonly host: string;
  /** Path and query, as they were written. */
  readonly path: string;
  /** Of a whole address. */
  readonly scheme?: 'http' | 'https';
}

const WHOLE = /^(https?):\/\/([^/?#]*)([/?][^#]*)?$/i;

/**
 * In a whole address, its host counts, whatever the `Host` header says (RFC 9112 section 3.2.2).
 *
 * @throws WaybillError `usage`
 */
export function readTarget({ url = '', rawHeaders }: IncomingMessage): Target {
  const hosts = headerValues(rawHeaders, 'host');
  // RFC 9112 section 3.2: a server answers 400 to a request that lacks the header or repeats it.
  if (hosts.length !== 1) throw usageError('the request must have one Host header');
  const [, scheme, authority, rest = ''] = WHOLE.exec(url) ?? [];
  const host = authority ?? hosts[0]!;
  if (!isHost(host)) throw usageError('the host of the request is not a host name, with or without a port');
  if (scheme !== undefined)
    return {
      host,
      path: rest.startsWith('/') ? rest : `/${rest}`,
      scheme: scheme.toLowerCase() as 'http' | 'https',
    };
  if (!url.startsWith('/') || url.includes('#'))
    throw usageError('the request must name a path, or a whole address');
  return { host, path: url };
}

/**
 * An offer of h2c is left unanswered, as RFC 9110 section 7.8 allows: Java's client makes one with each first request.
 *
 * @throws WaybillError `request_unsupported`
 */
export function requireForwardable({ method, rawHeaders }: IncomingMessage): void {
  if (method === 'TRACE') throw unsupported('the proxy passes no TRACE on: its answer would show the token');
  const offers = headerValues(rawHeaders, 'upgrade').flatMap((line) => line.split(','));
  if (offers.some((offer) => offer.trim().toLowerCase() !== 'h2c'))
    throw unsupported('the proxy speaks HTTP/1.1 alone: it passes no Upgrade on, such as WebSocket');
  if (headerValues(rawHeaders, 'transfer-encoding').some((coding) => !isChunked(coding)))
    throw unsupported('the proxy knows no transfer coding but chunked');
}

/** Node takes the chunks off; another coding would be lost with the header. */
export function isChunked(coding: string): boolean {
  return coding.trim().toLowerCase() === 'chunked';
}

function unsupported(message: string): WaybillError {
  return new WaybillError('request_unsupported', message);
}
