/** Where an outbound adapter finds the tokens of callees. */

import type { Extractor, RequestContext } from '../index.ts';

/** The extractor, for the request that is its current one, or the context of one request. */
export type TokenSource = Pick<Extractor, 'current'> | Pick<RequestContext, 'obtainHeaders'>;

/** Asks at once which request is the current one. */
export async function authorizationFor(source: TokenSource, callee: string): Promise<string> {
  const context = 'current' in source ? source.current() : source;
  return (await context.obtainHeaders(callee)).authorization;
}
