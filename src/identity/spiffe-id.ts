/**
 * SPIFFE IDs, parsed (SPIFFE-ID section 2). An id that did not come out of `parseSpiffeId` is a text, not an id, and
 * ids are compared whole: a prefix, or a path without its trust domain, is another workload's (threat 17).
 */

export interface SpiffeId {
  /** The whole id, exactly as it was written: there is one way to write an id. */
  readonly uri: string;
  readonly trustDomain: string;
}

/** SPIFFE-ID section 2.3. */
const MAX_BYTES = 2048;
const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
const SEGMENT = /^[A-Za-z0-9._-]+$/;
const SCHEME = 'spiffe://';

/**
 * Only the id of a workload: one without a path names a trust domain. Letters in scheme and trust domain are small,
 * as every SPIFFE implementation writes them; a port, a query, an escape or a segment of dots is no id.
 */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (text.length > MAX_BYTES || !text.startsWith(SCHEME)) return undefined;
  const [trustDomain = '', ...segments] = text.slice(SCHEME.length).split('/');
  if (!TRUST_DOMAIN.test(trustDomain) || segments.length === 0) return undefined;
  if (!segments.every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..'))
    return undefined;
  return { uri: text, trustDomain };
}

/** Whether a text means to be a SPIFFE ID, be it a good one or not. */
export function looksLikeSpiffeId(text: string): boolean {
  return /^spiffe:/i.test(text);
}
