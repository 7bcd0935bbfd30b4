/** The ports of a sidecar: opened together, renewed together, and closed so that running requests can still make calls. */
import type { RequestListener } from 'node:http';
import type { Logger } from 'pino';
import { usageError } from '../../errors.ts';
import { listen, type RunningServer } from '../../issuer/http/index.ts';
import {
  Destinations,
  adminPages,
  calleeIdentities,
  egressAddresses,
  egressProxy,
  httpChecks,
  serveGrpcChecks,
  type GrpcChecks,
  inboundProxy,
  proxyLimits,
  proxyTlsFiles,
  readEgressTls,
  readListenTls,
  readSourceTrust,
  requireWholeProxy,
  type Sidecar,
  type SidecarConfig,
} from '../../mesh/index.ts';
import { atOnce } from '../../planning/index.ts';
import { print } from '../output/terminal.ts';
import { FileFollower } from './follow-files.ts';
import { failureOf } from './log-output.ts';

const DEFAULT_CHECK = '127.0.0.1:9191';
/** Room for the largest accepted token and what else a request has. */
const MAX_HEADER_BYTES = 96 * 1024;

type Port = 'admin' | 'check' | 'listen' | 'egress';

export class SidecarPorts {
  readonly #config: SidecarConfig;
  readonly #log: Logger;
  readonly #open = new Map<Port, RunningServer>();
  readonly #destinations: Destinations;
  #grpc: GrpcChecks | undefined;
  readonly #follower = new FileFollower();

  /** @throws WaybillError `usage` */
  constructor(config: SidecarConfig, log: Logger) {
    requireWholeProxy(config);
    this.#config = config;
    this.#log = log;
    this.#destinations = new Destinations(readEgressTls(config));
  }

  /**
   * Prints a line for each port once all are open.
   *
   * @throws WaybillError `usage`
   */
  async open(sidecar: Sidecar, isReady: () => boolean): Promise<void> {
    const { admin, check, grpc, listen: before, egress, upstream } = this.#config;
    atOnce(this.#follower.follow(proxyTlsFiles(this.#config)));
    const { requestMs, ...limits } = proxyLimits(this.#config);
    const trust = readSourceTrust(this.#config);
    const options = { destinations: this.#destinations, ...limits };
    sidecar.metrics.addProcess();
    try {
      if (admin !== undefined) await this.#listen('admin', admin, adminPages(isReady, sidecar.metrics));
      const isAlone = before === undefined && egress === undefined && grpc === undefined;
      const asked = check ?? (isAlone ? DEFAULT_CHECK : undefined);
      if (asked !== undefined) await this.#listen('check', asked, httpChecks(sidecar));
      if (grpc !== undefined) {
        const maxMessageBytes = this.#config.max_header_bytes ?? MAX_HEADER_BYTES;
        this.#grpc = await openAt('grpc', grpc, (at) =>
          serveGrpcChecks(sidecar, { ...at, maxMessageBytes, trust }),
        );
      }
      if (egress !== undefined) {
        const callees = { addresses: egressAddresses(egress), identities: calleeIdentities(this.#config) };
        const app = egressProxy(sidecar, callees, options);
        await this.#listen('egress', egress.address, app, { requestTimeout: requestMs });
      }
      if (before !== undefined && upstream !== undefined) {
        const app = inboundProxy(sidecar, new URL(upstream), options);
        const tls = readListenTls(before);
        await this.#listen('listen', before.address, app, { requestTimeout: requestMs, tls });
      }
    } catch (error) {
      this.#grpc?.stop();
      await Promise.all([...this.#open.values()].map((server) => server.close()));
      throw error;
    }
    for (const [name, { url }] of this.#open) print(`${name} on ${url}`);
    if (grpc !== undefined) print(`grpc on ${grpc.slice(0, grpc.lastIndexOf(':') + 1)}${this.#grpc?.port}`);
    this.#follower.start(() => this.#renew());
  }

  /** @param drain whether clients may keep their connections until each has an answer that ends it. */
  async close(drain: boolean): Promise<void> {
    this.#follower.close();
    const end = async (names: readonly Port[]) =>
      Promise.all(
        names.map(async (name) => {
          if (drain) await this.#open.get(name)?.drain();
          await this.#open.get(name)?.close();
        }),
      );
    await end(['listen']);
    await Promise.all([this.#grpc?.close(), end(['check', 'egress'])]);
    await end(['admin']);
    this.#destinations.close();
  }

  /** @throws WaybillError `usage` */
  async #listen(
    name: Port,
    address: string,
    app: RequestListener,
    more: Pick<Parameters<typeof listen>[1], 'requestTimeout' | 'tls'> = {},
  ): Promise<void> {
    const maxHeaderBytes = this.#config.max_header_bytes ?? MAX_HEADER_BYTES;
    this.#open.set(
      name,
      await openAt(name, address, (at) => listen(app, { ...at, maxHeaderBytes, ...more })),
    );
  }

  #renew(): void {
    try {
      const { listen: before } = this.#config;
      const tls = before && readListenTls(before);
      const asClient = readEgressTls(this.#config);
      if (tls !== undefined) this.#open.get('listen')?.renewTls(tls);
      this.#destinations.renewTls(asClient);
      this.#log.info('TLS certificates renewed');
    } catch (error) {
      this.#log.error(failureOf(error), 'the new TLS files cannot be used; the running ones stay in place');
    }
  }
}

/** @param address `HOST:PORT`, as the schema has checked it. @throws WaybillError `usage` if it is taken. */
async function openAt<Opened>(
  name: Port | 'grpc',
  address: string,
  open: (at: { readonly host: string; readonly port: number }) => Promise<Opened>,
): Promise<Opened> {
  const end = address.lastIndexOf(':');
  const at = { host: address.slice(0, end).replace(/^\[|\]$/g, ''), port: Number(address.slice(end + 1)) };
  try {
    return await open(at);
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw usageError(`Cannot listen on ${address} (${code}). Choose another \`${name}\`.`);
  }
}
