/** What a request shows of its token and of who presents it, out of any framework. */

import type { X509Certificate } from 'node:crypto';

import type { PresentedPeer } from '../../identity/index.ts';
import type { AuthorizationHeader } from './authorization.ts';

/** One header line: its name in any case, its value. */
export type HeaderLine = readonly [name: string, value: string];

/** A request as a server received it, in no framework's shape. A `Request` of the Fetch standard is one. */
export interface RequestDescription {
  readonly method?: string | undefined;
  /** The path, as the request's line names it, or the whole address, of which the path counts alone. */
  readonly url?: string | undefined;
  /**
   * All header lines in their order, a repeated one each time. Where a platform has joined repeated lines with
   * commas, as `Headers` does, the joined line is refused: no token contains a comma.
   */
  readonly headers: Iterable<HeaderLine>;
  /** The certificate of the peer, where the server verified it. Default: none. */
  readonly certificate?: X509Certificate | undefined;
}

export interface IncomingRequest {
  /** The lines of the `Authorization` header. */
  readonly authorization: AuthorizationHeader;
  /** The lines of the `DPoP` header. */
  readonly dpop?: AuthorizationHeader;
  readonly method?: string | undefined;
  /** As the request names it; of a whole address the path counts alone. */
  readonly url?: string | undefined;
  readonly certificate?: PresentedPeer | undefined;
}

/** @param lines all header lines of the request; those of the description are not read. */
export function incomingRequest(
  { method, url, certificate }: Omit<RequestDescription, 'headers'>,
  lines: readonly HeaderLine[],
): IncomingRequest {
  return {
    authorization: valuesOf('authorization', lines),
    dpop: valuesOf('dpop', lines),
    method,
    url,
    certificate: certificate && { certificate, verified: true },
  };
}

function valuesOf(name: string, lines: readonly HeaderLine[]): readonly string[] {
  return lines.flatMap(([line, value]) => (line.toLowerCase() === name ? [value] : []));
}
