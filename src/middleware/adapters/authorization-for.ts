/** The header that an outbound adapter puts into a call. */

import type { TokenSource } from '../index.ts';

/**
 * Asks at once which request is the current one.
 *
 * @returns undefined with `mode: 'report'` where there is no token: the call goes on without one.
 */
export async function authorizationFor(source: TokenSource, callee: string): Promise<string | undefined> {
  const context = 'current' in source ? source.current() : source;
  return (await context.obtainHeaders(callee)).authorization;
}
