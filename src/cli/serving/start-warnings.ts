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

/** With plain HTTP there is no proxy in front, so tokens would name an issuer that no one can reach. */
export function warnOfPortMismatch(issuer: string, address: string, log: Logger): void {
  const { protocol, port } = new URL(issuer);
  if (protocol === 'https:' || port === new URL(address).port) return;
  log.warn(
    { issuer, listening: address },
    'the issuer URL in the graph has another port than this server: change --port or `issuer.url`',
  );
}

/** Only `--allow-http-issuer` lets such an issuer start. */
export function warnOfHttpIssuer(issuer: string, log: Logger): void {
  const { protocol, hostname } = new URL(issuer);
  if (protocol !== 'http:' || /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) return;
  log.warn(
    { issuer },
    'tokens and secrets travel to this issuer as plain text: only the mutual TLS of a mesh protects them, if nothing reaches it but through its proxies',
  );
}

/** One attacker behind the proxy would block every client behind it. */
export function warnOfSharedAddress({ certificateProxy, forwardedFrom }: Seen, log: Logger): void {
  if (!certificateProxy || forwardedFrom) return;
  log.warn(
    'failed authentication counts for the address of the proxy, and so for everyone behind it: name the proxy in --forwarded-from too, if it sets X-Forwarded-For',
  );
}

/** With as many connections as asked for, the system would close some without an event. */
export function warnOfFewFiles(asked: number | undefined, log: Logger): void {
  const most = roomForConnections();
  if (asked === undefined || asked <= most) return;
  log.warn({ asked, most }, 'the limit on open files allows fewer connections than --max-connections');
}

/** These clients would get `invalid_client` without a visible reason. */
export function warnOfUnusableAuth(plan: Plan, certificates: ClientCertificates, log: Logger): void {
  const parties = clientsWithoutUsableAuth(plan, certificates);
  if (parties.size === 0) return;
  log.warn(
    { parties: Object.fromEntries(parties) },
    'these cannot authenticate: the server sees no certificate of theirs without --tls-cert and --tls-client-ca, or --client-cert-header',
  );
}
