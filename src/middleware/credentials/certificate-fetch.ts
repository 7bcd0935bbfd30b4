/**
 * Asks the issuer over connections that show a certificate, which the global `fetch` cannot. As much of `fetch` as that
 * takes: a body of text, no redirects, nothing decompressed.
 */

import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { Readable } from 'node:stream';

import type { Fetch } from '../../discovery/index.ts';
import type { ClientCertificate } from './certificate-files.ts';

/** @param current the certificate to show; connections with another one are not used again. */
export function certificateFetch(current: () => Promise<ClientCertificate>): Fetch {
  // A session that is resumed shows no intermediates.
  const agent = new Agent({ keepAlive: true, maxCachedSessions: 0 });
  return async (address, { method = 'GET', headers, body, signal }) => {
    const { cert, key, ca } = await current();
    const authorities = ca === undefined ? {} : { ca };
    const options = { agent, method, headers: Object.fromEntries(new Headers(headers)), signal };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request(address, { ...options, cert, key, ...authorities }, resolve)
        .on('error', reject)
        .end(body);
    });
    return responseOf(answer);
  };
}

/** Statuses whose answers have no body (RFC 9110 section 6.4.1); the Fetch standard allows no stream for them. */
const WITHOUT_BODY: readonly unknown[] = [204, 205, 304];

function responseOf(answer: IncomingMessage): Response {
  const { statusCode: status = 0 } = answer;
  const lines = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  if (!WITHOUT_BODY.includes(status)) {
    return new Response(Readable.toWeb(answer) as ReadableStream<Uint8Array>, { status, headers: lines });
  }
  answer.resume();
  return new Response(null, { status, headers: lines });
}
