/** Renews the TLS certificate of a running issuer when its files change: certificates may live only for hours. */
import { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import { systemClock } from '../../clock.ts';
import type { RunningServer, TlsOptions } from '../../issuer/http/index.ts';
import { atOnce } from '../../planning/index.ts';
import { FileFollower } from './follow-files.ts';
import { failureOf } from './log-output.ts';
import { readTls, tlsFiles, type TlsArguments } from './tls-options.ts';

/** @param tls the TLS options that the server started with; undefined without TLS. */
export function renewTls(
  options: TlsArguments & { readonly watch: boolean },
  tls: TlsOptions | undefined,
  server: RunningServer,
  log: Logger,
) {
  if (tls === undefined) return undefined;
  let running = tls;
  if (isOver(running)) log.warn(validity(running), 'the TLS certificate is not valid now');
  const follower = options.watch ? new FileFollower() : undefined;
  if (follower) atOnce(follower.follow(tlsFiles(options)));
  follower?.start(renew);

  /** Reads the files again. If they cannot be used, the running certificate stays. */
  function renew(): void {
    try {
      const fresh = readTls(options);
      if (!fresh || isSame(fresh, running)) return;
      if (isOver(fresh)) return refuse({ reason: 'The certificate is not valid now.', ...validity(fresh) });
      server.renewTls(fresh);
      running = fresh;
      log.info(validity(fresh), 'TLS certificate renewed');
    } catch (error) {
      refuse(failureOf(error));
    }
  }

  function refuse(why: object): void {
    log.error(why, 'the new TLS files cannot be used; the running ones stay in place');
  }

  return {
    renew,
    close: () => follower?.close(),
  };
}

function isSame(one: TlsOptions, other: TlsOptions): boolean {
  return one.cert === other.cert && one.key === other.key && one.clientCa === other.clientCa;
}

function isOver({ cert }: TlsOptions): boolean {
  const { validFrom, validTo } = new X509Certificate(cert);
  const now = systemClock() * 1000;
  return now < Date.parse(validFrom) || now >= Date.parse(validTo);
}

function validity({ cert }: TlsOptions): { readonly from: string; readonly to: string } {
  const { validFrom, validTo } = new X509Certificate(cert);
  return { from: validFrom, to: validTo };
}
