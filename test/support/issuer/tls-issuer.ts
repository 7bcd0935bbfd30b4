/** A real issuer that speaks TLS itself, or stands behind a proxy that does, and clients with certificates. */
import type { RequestListener } from 'node:http';

import { pino } from 'pino';

import {
  createApp,
  listen,
  type ClientCertificates,
  type RunningServer,
} from '../../../src/issuer/http/index.ts';
import { certificateProxy } from '../../../src/identity/index.ts';
import { createIssuer, type IssuerOptions } from '../../../src/issuer/index.ts';
import { firstStore } from './first-store.ts';
import { planOf } from '../compile.ts';
import { PATIENT, keysFor, secretsFor } from './issue.ts';
import { LOOPBACK, type Identity, type TestCa } from '../keys/certificates.ts';
import { sendTls, type TlsAnswer } from '../tls.ts';

const running = new Set<RunningServer>();

/** Call in `after`. */
export async function stopTlsIssuers(): Promise<void> {
  await Promise.all([...running].map((server) => server.close()));
  running.clear();
}

export interface TlsIssuer {
  readonly url: string;
  readonly server: RunningServer;
  /** Everything that was logged. */
  logText(): string;
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

/** @param graph the graph for an issuer URL. */
export async function startTlsIssuer(
  graph: (url: string) => string,
  { ca, keySets, tls = true, proxy, header = 'Client-Cert', issuer: more }: TlsIssuerOptions,
): Promise<TlsIssuer> {
  const { cert, key } = ca.issue(LOOPBACK);
  let app: RequestListener = (_request, response) => void response.writeHead(503).end();
  const server = await listen((request, response) => app(request, response), {
    host: '127.0.0.1',
    port: 0,
    ...(tls ? { tls: { cert, key, clientCa: ca.cert } } : {}),
  });
  running.add(server);
  const plan = planOf(graph(server.url));
  const issuer = createIssuer({
    plan,
    keys: await keysFor('ES256'),
    secrets: secretsFor(plan),
    keySets,
    attempts: PATIENT,
    store: firstStore(),
    ...more,
  });
  const log: string[] = [];
  const clientCertificates: ClientCertificates = tls || proxy ? 'verified' : 'none';
  app = createApp({
    issuer: () => issuer,
    log: pino({ level: 'debug' }, { write: (line: string) => void log.push(line) }),
    certificateProxy: proxy && certificateProxy(header, proxy),
    clientCertificates,
  });
  return {
    url: server.url,
    server,
    logText: () => log.join(''),
    ask: (parameters, as) =>
      sendTls(`${server.url}/token`, ca, {
        as,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: tokenForm(parameters),
      }),
  };
}

export function tokenForm(parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'place',
    ...parameters,
  }).toString();
}

/** The certificate of a PEM text in DER, as base64. */
export const derOf = (pem: string): string => pem.replace(/-----[^-]+-----|\s/g, '');

/** The bundle of a trust domain. */
export const bundleOf = (...authorities: readonly TestCa[]): object => ({
  keys: authorities.map(({ cert }) => ({ kty: 'EC', use: 'x509-svid', x5c: [derOf(cert)] })),
});
