/** Where the proxy sends requests, and over which connections. */
import { X509Certificate } from 'node:crypto';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';

import { getOrAdd } from '../../get-or-add.ts';
import { certificateIdentity, speaksFor } from '../../identity/index.ts';
import { findByHost } from '../callees.ts';
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
  #tls: ClientTls;
  /** By the identities of the other side; none: its host name counts. A connection serves calls to one callee only. */
  #agents = new Map<string, TlsAgent>();

  constructor(tls: ClientTls) {
    this.#tls = tls;
  }

  /** @param identities of which the certificate must have one, in place of the host name; a bounded number of lists. */
  at(origin: URL, identities: readonly string[] = []): Destination {
    if (origin.protocol !== 'https:') return { origin, agent: this.#plain };
    return {
      origin,
      agent: getOrAdd(this.#agents, identities.join(' '), () => tlsAgent(this.#tls, identities)),
    };
  }

  /** New connections show the new certificate; running requests end on the old ones. */
  renewTls(tls: ClientTls): void {
    const before = this.#agents;
    this.#tls = tls;
    this.#agents = new Map();
    for (const { freeSockets } of before.values())
      for (const sockets of Object.values(freeSockets)) sockets?.forEach((socket) => socket.destroy());
  }

  close(): void {
    this.#plain.destroy();
    for (const agent of this.#agents.values()) agent.destroy();
  }
}

function tlsAgent({ cert, key, ca }: ClientTls, identities: readonly string[]): TlsAgent {
  const options = { keepAlive: true, cert, key, ca, minVersion: 'TLSv1.2' } as const;
  if (identities.length === 0) return new TlsAgent(options);
  return new TlsAgent({
    ...options,
    checkServerIdentity: (_host, { raw }) => identityFault(raw, identities),
  });
}

/** Called once a certificate has been verified against the authorities. */
function identityFault(der: Buffer, identities: readonly string[]): Error | undefined {
  const names = certificateIdentity(new X509Certificate(der));
  if (names !== undefined && identities.some((identity) => speaksFor(names, identity))) return undefined;
  return new Error(`the certificate of the callee is not that of ${identities.join(' or ')}`);
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
  const known = findByHost(addresses, host);
  return known ?? new URL(`${scheme ?? written ?? 'http'}://${host.toLowerCase()}`);
}
