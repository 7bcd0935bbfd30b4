/** When a request on Node's server is over. */

import type { ServerResponse } from 'node:http';

/**
 * Ends a request with its response. A handler whose client has gone goes on until it is done, so that it never stops
 * between two calls; its request is over when nothing that it started is left.
 */
export function endWithResponse({ end }: { end(this: void): void }, response: ServerResponse): void {
  response.once('close', () => {
    if (response.writableEnded) end();
  });
}
