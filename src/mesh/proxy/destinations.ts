/** Where the proxy sends requests, and over which connections. */
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';

import type { Target } from './target.ts';

export interface Destination {
  /** http or https. */
  readonly origin: URL;
  readonly agent: Agent;
}

/** How the proxy speaks TLS as a client; all in PEM. */
export interface ClientTls {
  /** The certificate that it shows. Default: none. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Authorities of the other side. Default: those of Node, which are the web's. */
  readonly ca?: string | undefined;
}

export class Destinations {
  readonly #plain = new Agent({ keepAlive: true });
  #tls: TlsAgent;

  constructor(tls: ClientTls) {
    this.#tls = tlsAgent(tls);
  }

  at(origin: URL): Destination {
    return { origin, agent: origin.protocol === 'https:' ? this.#tls : this.#plain };
  }

  /** New connections show the new certificate; running requests end on the old ones. */
  renewTls(tls: ClientTls): void {
    const before = this.#tls;
    this.#tls = tlsAgent(tls);
    for (const sockets of Object.values(before.freeSockets)) sockets?.forEach((socket) => socket.destroy());
  }

  close(): void {
    this.#plain.destroy();
    this.#tls.destroy();
  }
}

function tlsAgent({ cert, key, ca }: ClientTls): TlsAgent {
  return new TlsAgent({ keepAlive: true, cert, key, ca, minVersion: 'TLSv1.2' });
}

/**
 * The table counts first: with the port, then without. Else the host itself, over TLS where the audience or the whole
 * address says https: a token for an https audience is not sent in the clear because an application wrote http.
 *
 * @param scheme of the audience that the host belongs to.
 */
export function calleeOrigin(
  { host, scheme: written }: Target,
  scheme: Target['scheme'],
  addresses: ReadonlyMap<string, URL>,
): URL {
  const name = host.toLowerCase();
  const known = addresses.get(name) ?? addresses.get(name.replace(/:\d+$/, ''));
  return known ?? new URL(`${scheme ?? written ?? 'http'}://${name}`);
}
