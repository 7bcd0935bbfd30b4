/**
 * `fetch` over connections that show a certificate, for the issuer and for services that check their callers: Node's own
 * shows none. Node's `https` makes them, so that no HTTP client is a dependency. Bodies are streamed, redirects handed
 * back, and nothing is decompressed.
 */

import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { usage } from '../option-checks.ts';
import type { ClientCertificate } from './certificate-files.ts';

/** Milliseconds after which an unused connection is closed; those of an older certificate are not used again. */
const IDLE = 30_000;

/** @param current the certificate to show. Addresses with `http:` are asked without it. */
export function certificateFetch(current: () => Promise<ClientCertificate>): typeof globalThis.fetch {
  // A session that is resumed shows no intermediates.
  const agent = new Agent({ keepAlive: true, maxCachedSessions: 0, timeout: IDLE });
  return async (input, init = {}) => {
    if (init.redirect === 'follow')
      throw usage('over connections with a certificate no redirect is followed: follow it yourself');
    const asked = new Request(input, init);
    if (!asked.url.startsWith('https:')) return fetch(asked);
    const { cert, key, ca } = await current();
    const authorities = ca === undefined ? {} : { ca };
    const { method, signal } = asked;
    const options = { agent, method, headers: Object.fromEntries(asked.headers), signal };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(asked.url, { ...options, cert, key, ...authorities }, resolve);
      sent.on('error', reject);
      sendBody(sent, init.body, asked).catch(reject);
    });
    const response = responseOf(answer);
    if (init.redirect !== 'error' || response.status < 300 || response.status > 399) return response;
    await response.body?.cancel();
    throw new TypeError('fetch failed: the answer is a redirect');
  };
}

/** A body that is at hand goes with its length, every other one in pieces. */
async function sendBody(sent: ClientRequest, body: RequestInit['body'], { body: stream }: Request) {
  if (typeof body === 'string' || body instanceof Uint8Array) sent.end(body);
  else if (stream === null) sent.end();
  else await pipeline(Readable.fromWeb(stream), sent);
}

/** Statuses whose answers have no body (RFC 9110 section 6.4.1); the Fetch standard allows no stream for them. */
const WITHOUT_BODY: readonly unknown[] = [204, 205, 304];

function responseOf(answer: IncomingMessage): Response {
  const { statusCode: status = 0 } = answer;
  const lines = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  if (!WITHOUT_BODY.includes(status)) {
    return new Response(Readable.toWeb(answer), { status, headers: lines });
  }
  answer.resume();
  return new Response(null, { status, headers: lines });
}
