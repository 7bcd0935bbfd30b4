/**
 * How servers count headers against a limit on all of them. None counts less than names and values; what they add for
 * each header, and for the first line of a request, differs.
 */
import type { Reserve } from '../../graph/index.ts';

/**
 * - `lines`: the bytes that HTTP/1.1 sends, line ends included.
 * - `list`: the HTTP/2 list size, name + value + 32 (RFC 9113 section 6.5.2), pseudo-headers included.
 * - `blocks`: name + value + 8, as HAProxy stores them, of HTTP/1.1 and HTTP/2 alike.
 * - `pairs`: names and values.
 * - `values`: values alone.
 */
export type Counting = 'lines' | 'list' | 'blocks' | 'pairs' | 'values';

interface Costs {
  /** Bytes of the token's header beside the token. */
  readonly token: number;
  /** Bytes of each other header beyond those of its HTTP/1.1 line. */
  readonly perHeader: number;
  /** Bytes that this number of other headers takes, beyond those of the request line. */
  readonly perRequest: (headers: number) => number;
}

/** `Authorization` and `Bearer `. */
const NAME_AND_SCHEME = 20;
/** `: ` and CRLF: an HTTP/1.1 line beside name and value. */
const FRAME = 4;
const nothing = (): number => 0;

/**
 * Where a server counts less for a header than its line takes, nothing is taken off: a reserve is a bound. It has the path
 * and the authority already, so the four pseudo-headers of HTTP/2 add 38 bytes of names, method and scheme, and 32 each.
 *
 * Who counts `lines` does so over HTTP/2 with 3 bytes a header or none (Tomcat, Envoy): more than over HTTP/1.1 only
 * where a request has few headers. HAProxy's own blocks take 101 bytes over HTTP/2, 79 over HTTP/1.1.
 */
const COSTS: Readonly<Record<Counting, Costs>> = {
  lines: { token: NAME_AND_SCHEME + FRAME, perHeader: 0, perRequest: (headers) => Math.max(0, 24 - headers) },
  list: { token: NAME_AND_SCHEME + 32, perHeader: 32 - FRAME, perRequest: () => 4 * 32 + 38 },
  blocks: { token: NAME_AND_SCHEME + 8, perHeader: 8 - FRAME, perRequest: () => 104 },
  pairs: { token: NAME_AND_SCHEME, perHeader: 0, perRequest: nothing },
  values: { token: 7, perHeader: 0, perRequest: nothing },
};

/** What a limit on all headers loses to everything but the token. */
export function countedBeside({ headers, bytes }: Reserve, counting: Counting): number {
  const { token, perHeader, perRequest } = COSTS[counting];
  return bytes + headers * perHeader + perRequest(headers) + token;
}
