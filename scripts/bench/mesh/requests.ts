/** The request to the service and its call, as they are sent in each turn. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { unfoldTree } from 'waybill';
import type { HttpRequest } from '../load.ts';
import type { Place } from './places.ts';
import { CALLEE, CALLEE_HOST } from './shop.ts';
import type { Upstream } from './upstream.ts';

/** The service passes on what it received, as to a proxy beside it. */
export function requestsTo({ urls }: Place, token: string): HttpRequest[] {
  return urls.map((url, direction) => ({
    url,
    headers: { authorization: `Bearer ${token}`, ...(direction > 0 && { host: CALLEE_HOST }) },
    body: '',
  }));
}

/**
 * Asks once, and looks at what arrives: nothing is measured that is not right.
 *
 * @throws TypeError where a forged token is not refused, or the call has not the callee's.
 */
export async function probe(place: Place, upstream: Upstream, token: string): Promise<void> {
  const { name, checks, swaps } = place;
  const wanted = [token, swaps ? childFor(token) : token];
  const [signature] = token.split('.').slice(-1);
  const forged = requestsTo(place, token.replace(signature ?? '', 'A'.repeat(86)));
  for (const [direction, one] of requestsTo(place, token).entries()) {
    upstream.received();
    const status = await statusOf(one);
    if (status !== 200) throw new TypeError(`${name}: answered ${status}`);
    if (place.isProxy && upstream.received() !== `Bearer ${wanted[direction]}`)
      throw new TypeError(`${name}: not the token that was to arrive`);
    const refused = await statusOf(forged[direction]!);
    if (checks === (refused === 200)) throw new TypeError(`${name}: answered ${refused} to a forged token`);
  }
}

function childFor(token: string): string | undefined {
  return unfoldTree(token).children.find((one) => one.name === CALLEE)?.compact;
}

async function statusOf({ url, headers, body }: HttpRequest): Promise<number | undefined> {
  const sent = request(url, { method: 'POST', headers, agent: false }).end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return answer.statusCode;
}
