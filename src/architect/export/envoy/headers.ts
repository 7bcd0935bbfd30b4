/** How many headers Envoy must accept. */

/** For cookies, trace context and the like. */
const OTHER_HEADERS = 16 * 1024;
/** Envoy's own bound. */
export const MOST_HEADERS_KB = 8192;

/** KiB, for a token of this many bytes. */
export function headersKb(largestToken: number): number {
  return Math.min(MOST_HEADERS_KB, Math.ceil((largestToken + OTHER_HEADERS) / 1024));
}
