/**
 * Stands before the issuer: its address is the issuer's URL, it notes each request and passes it on. So what the demo
 * says about requests to the issuer is measured, whoever makes them.
 */
import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { now } from './programs/child.ts';
import { passOn } from './programs/pass-on.ts';

/** A request by someone who authenticates. */
export interface IssuerRequest {
  readonly at: number;
  /** The party's name in the graph. */
  readonly by: string;
  /** Say `POST /token`. */
  readonly line: string;
}

export interface Counter {
  readonly url: string;
  /** Every request so far of someone who authenticates; the others read the issuer's metadata and keys. */
  readonly requests: readonly IssuerRequest[];
  /** How many others there were so far. */
  others(): number;
  /** Where the issuer itself listens. */
  passTo(address: string): void;
  close(): void;
}

export async function openCounter(): Promise<Counter> {
  const requests: IssuerRequest[] = [];
  let [target, others] = ['', 0];
  const server = createServer((request, response) => {
    const noted = note(request);
    if (noted) requests.push(noted);
    else others += 1;
    const { method, url = '', headers } = request;
    passOn(request, ask(new URL(url, target), { method, headers }), response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    others: () => others,
    passTo: (address) => void (target = address),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** By the name in its Basic credentials (RFC 7617): everyone in the demo has a secret. */
function note({ method, url, headers: { authorization = '' } }: IncomingMessage): IssuerRequest | undefined {
  const [, credentials] = /^Basic (.+)$/.exec(authorization) ?? [];
  if (credentials === undefined) return undefined;
  const [by = ''] = Buffer.from(credentials, 'base64').toString().split(':');
  return { at: now(), by, line: `${method} ${url}` };
}
