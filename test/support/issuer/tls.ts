/** A real issuer that speaks TLS itself, or stands behind a proxy that does, and clients with certificates. */
import { certificateProxy } from '../../../src/identity/index.ts';
import type { IssuerOptions } from '../../../src/issuer/index.ts';
import { LOOPBACK, derOf, type Identity, type TestCa } from '../keys/certificates.ts';
import { sendTls, type TlsAnswer } from '../tls.ts';
import { startIssuer, type TestIssuer } from './start.ts';

export interface TlsIssuer extends TestIssuer {
  /** POST /token with these parameters, for `place` unless they say otherwise. */
  ask(parameters: Readonly<Record<string, string>>, as?: Identity): Promise<TlsAnswer>;
}

export interface TlsIssuerOptions {
  /** Signs the server's certificate, and vouches for those of clients. */
  readonly ca: TestCa;
  readonly keySets: ReadonlyMap<string, unknown>;
  /** Default: it speaks TLS. */
  readonly tls?: boolean;
  /** Addresses from which the header is believed; default: none. */
  readonly proxy?: readonly string[];
  /** Default: `Client-Cert`. */
  readonly header?: string;
  readonly issuer?: Partial<IssuerOptions>;
}

/** Ended by `stopIssuers`. @param graph the graph for an issuer URL. */
export async function startTlsIssuer(
  graph: (url: string) => string,
  { ca, keySets, tls = true, proxy, header = 'Client-Cert', issuer: more }: TlsIssuerOptions,
): Promise<TlsIssuer> {
  const { cert, key } = ca.issue(LOOPBACK);
  const started = await startIssuer(graph, {
    ...(tls ? { tls: { cert, key, clientCa: ca.cert } } : {}),
    issuer: { keySets, ...more },
    app: {
      certificateProxy: proxy && certificateProxy(header, proxy),
      clientCertificates: tls || proxy ? 'verified' : 'none',
    },
  });
  return Object.assign(started, {
    ask: (parameters: Readonly<Record<string, string>>, as?: Identity) =>
      askForToken(started.url, ca, parameters, as),
  });
}

/** POST /token with this certificate, if any. */
export async function askForToken(
  url: string,
  ca: TestCa,
  parameters: Readonly<Record<string, string>>,
  as?: Identity,
): Promise<TlsAnswer> {
  return sendTls(`${url}/token`, ca, {
    as,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: tokenForm(parameters),
  });
}

export function tokenForm(parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'place',
    ...parameters,
  }).toString();
}

/** The bundle of a trust domain. */
export const bundleOf = (...authorities: readonly TestCa[]): object => ({
  keys: authorities.map(({ cert }) => ({ kty: 'EC', use: 'x509-svid', x5c: [derOf(cert)] })),
});
