/** Renews the TLS certificate of a running issuer when its files change: certificates may live only for hours. */
import { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import { systemClock } from '../../clock.ts';
import type { RunningServer, TlsOptions } from '../../issuer/http/index.ts';
import { atOnce } from '../../planning/index.ts';
import { FileFollower } from './follow-files.ts';
import { failureOf } from './log-output.ts';
import { readTls, tlsFiles, type TlsArguments } from './tls-options.ts';

export class TlsRenewal {
  readonly #options: TlsArguments;
  readonly #server: RunningServer;
  readonly #log: Logger;
  readonly #follower: FileFollower | undefined;
  #running: TlsOptions | undefined;

  /** @param running the TLS options that the server started with; undefined without TLS. */
  constructor(
    options: TlsArguments & { readonly watch: boolean },
    running: TlsOptions | undefined,
    server: RunningServer,
    log: Logger,
  ) {
    this.#options = options;
    this.#running = running;
    this.#server = server;
    this.#log = log;
    if (running === undefined) return;
    if (isOver(running)) log.warn(validity(running), 'the TLS certificate is not valid now');
    if (!options.watch) return;
    this.#follower = new FileFollower();
    atOnce(this.#follower.follow(tlsFiles(options)));
    this.#follower.start(() => this.renew());
  }

  /** Reads the files again. If they cannot be used, the running certificate stays. */
  renew(): void {
    const running = this.#running;
    if (running === undefined) return;
    try {
      const fresh = readTls(this.#options);
      if (!fresh || isSame(fresh, running)) return;
      if (isOver(fresh))
        return this.#refuse({ reason: 'The certificate is not valid now.', ...validity(fresh) });
      this.#server.renewTls(fresh);
      this.#running = fresh;
      this.#log.info(validity(fresh), 'TLS certificate renewed');
    } catch (error) {
      this.#refuse(failureOf(error));
    }
  }

  close(): void {
    this.#follower?.close();
  }

  #refuse(why: object): void {
    this.#log.error(why, 'the new TLS files cannot be used; the running ones stay in place');
  }
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
