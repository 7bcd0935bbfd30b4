/** Calls between the services: TLS with a certificate on either side, and the addresses that a cluster's DNS would know. */
import { request, Agent, type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Certificate } from './child.ts';

export interface Mesh {
  /** Absent: calls come without a certificate. */
  readonly certificate?: Certificate;
  readonly ca: string;
  /** Ports on this machine, by the host of a service's audience. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Where a request for this address goes. The server must prove that it is that host: Node compares `servername`. */
export function routeTo(url: URL, { certificate, ca, ports }: Mesh, agent?: Agent): RequestOptions {
  return {
    host: '127.0.0.1',
    port: ports[url.hostname],
    servername: url.hostname,
    path: url.pathname,
    ca,
    ...(certificate && { cert: certificate.cert, key: certificate.key }),
    ...(agent && { agent }),
  };
}

/** A `fetch` for the extractor: Node's own shows no certificate, and is taken for what is not in the mesh. */
export function meshFetch(mesh: Mesh): typeof globalThis.fetch {
  const agent = new Agent({ keepAlive: true });
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.protocol === 'http:') return fetch(input, init);
    return call({ ...routeTo(url, mesh, agent), ...sent(init) });
  };
}

function sent({ method = 'GET', headers, signal }: RequestInit): RequestOptions {
  return { method, headers: Object.fromEntries(new Headers(headers)), ...(signal && { signal }) };
}

function call(options: RequestOptions): Promise<Response> {
  return new Promise((resolve, reject) => {
    const asked = request(options, (answer) => {
      const headers = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value]),
      );
      text(answer).then(
        (body) => resolve(new Response(body, { status: answer.statusCode ?? 0, headers })),
        reject,
      );
    });
    asked.on('error', reject).end();
  });
}
