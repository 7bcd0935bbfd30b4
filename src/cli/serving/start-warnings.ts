/** Warnings when an issuer starts: settings that do not fit together. */
import type { Logger } from 'pino';
import type { Plan } from '../../graph/index.ts';
import {
  clientsWithoutUsableAuth,
  roomForConnections,
  type AppOptions,
  type ClientCertificates,
  type TlsOptions,
} from '../../issuer/http/index.ts';

/** What the server can see of its clients. */
export interface Seen extends Pick<AppOptions, 'certificateProxy' | 'forwardedFrom'> {
  readonly tls: TlsOptions | undefined;
  readonly clientCertificates: ClientCertificates;
}

/** On one machine no proxy stands between: tokens would name an issuer at which nobody answers. */
export function warnOfPortMismatch(issuer: string, address: string, log: Logger): void {
  const { protocol, port } = new URL(issuer);
  if (protocol === 'https:' || port === new URL(address).port) return;
  log.warn(
    { issuer, listening: address },
    'tokens name an issuer at another port: set --port, or the URL in the graph',
  );
}

/** One guesser would use up the patience for all who come through the proxy. */
export function warnOfSharedAddress({ certificateProxy, forwardedFrom }: Seen, log: Logger): void {
  if (!certificateProxy || forwardedFrom) return;
  log.warn(
    'failed authentication counts for the address of the proxy, and so for everyone behind it: name the proxy in --forwarded-from too, if it sets X-Forwarded-For',
  );
}

/** With as many connections as asked for, the system would close some without a word. */
export function warnOfFewFiles(asked: number | undefined, log: Logger): void {
  const room = roomForConnections();
  if (asked === undefined || asked <= room) return;
  log.warn(
    { asked, room },
    'the limit on open files leaves room for fewer connections than --max-connections',
  );
}

/** They would be told that they are unknown, and nobody would know why. */
export function warnOfUnusableAuth(plan: Plan, certificates: ClientCertificates, log: Logger): void {
  const parties = clientsWithoutUsableAuth(plan, certificates);
  if (parties.size === 0) return;
  log.warn(
    { parties: Object.fromEntries(parties) },
    'these cannot authenticate: the server sees no certificate of theirs without --tls-cert and --tls-client-ca, or --client-cert-header',
  );
}
