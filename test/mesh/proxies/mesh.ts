/**
 * A shop behind real proxies that ask real sidecars: both are configured from the graph. The services know nothing of
 * Waybill: they pass their `authorization` header on, through the proxy beside them.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { connect } from 'node:tls';
import { text } from 'node:stream/consumers';

import {
  sidecarConfigs,
  configYaml,
  type ExportMode,
  type SocketAddress,
} from '../../../src/architect/export/index.ts';
import type { Plan } from '../../../src/graph/index.ts';
import {
  Sidecar,
  httpChecks,
  readConfig,
  sidecarOptions,
  type DecisionReport,
} from '../../../src/mesh/index.ts';
import { scratchFile } from '../../support/files.ts';
import { freePort } from '../../support/http.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { proofSigner, type ProofSigner } from '../../support/keys/dpop.ts';
import type { TlsAnswer } from '../../support/tls.ts';
import {
  startProxiedShop,
  type PlainAnswer,
  type ProxiedShop,
  type TlsFiles,
} from '../../architect/export/proxied-shop.ts';

/** Packing does not make it smaller. */
const NOTE = Array.from({ length: 300 }, (_, index) =>
  createHash('sha256').update(`${index}`).digest('hex'),
).join('');

/** Trees are packed; `stock` carries no token for `ads`, which it fetches; `open` takes a token from anyone. */
const graph = (url: string): string => `
waybill: 1
name: shop
issuer: { url: '${url}', encoding: packed, limits: { nested: 96KiB } }
claims: { note: { from: client, max_bytes: 20KiB } }
defaults:
  audience: https://{name}.shop.example
  identity: spiffe://shop.example/{name}
  headers: { max_total: 128KiB }
  caller: mtls
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    claims: { note: '${NOTE}' }
    calls: { shop: [browse, order, large] }
  mobile:
    auth: { method: client_secret_basic, secret_env: MOBILE }
    dpop_bound_access_tokens: true
    calls: { shop: [order] }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: SHOP }
    scopes:
      browse: { operations: ['GET /items/{id}'] }
      order: { operations: [POST /orders], calls: { stock: [reserve] } }
      large: { operations: [POST /large], calls: { stock: [bulk] } }
  stock:
    auth: { method: client_secret_basic, secret_env: STOCK }
    calls: { ads: { scopes: [show], mode: exchange } }
    scopes:
      reserve: { operations: [POST /reserve] }
      bulk: { operations: [POST /bulk], claims: [note] }
  ads: { scopes: { show: { operations: [GET /show] } } }
`;

export const SERVICES = ['shop', 'stock', 'ads'] as const;
export type ServiceName = (typeof SERVICES)[number];
const GATEWAY = 'spiffe://shop.example/gateway';

/** The calls that a service makes for a request, as it would in plain HTTP. */
const CALLS = {
  'shop POST /orders': [['POST', 'http://stock.shop.example/reserve']],
  'shop POST /large': [['POST', 'http://stock.shop.example/bulk']],
  'stock POST /reserve': [['GET', 'http://ads.shop.example/show']],
} as const;

/** What a proxy of one service needs to know. */
export interface Beside {
  readonly plan: Plan;
  readonly service: ServiceName;
  readonly inbound: SocketAddress;
  readonly outbound: SocketAddress;
  readonly application: SocketAddress;
  readonly sidecar: SocketAddress;
  readonly addresses: ReadonlyMap<string, SocketAddress>;
  readonly tls: TlsFiles;
  readonly mode: ExportMode;
}

export interface ProxyKind {
  /** In which the proxy passes the certificate of its peer on; undefined: the default. */
  readonly certificateHeader?: string;
  /** How the sidecar is asked. Default: over HTTP. */
  readonly serve?: (sidecar: Sidecar, port: number) => Promise<() => void>;
  /** Starts a proxy that listens. */
  start(beside: Beside): Promise<void>;
}

export interface Shop extends Omit<ProxiedShop<ServiceName>, 'call' | 'callOut'> {
  readonly decisions: DecisionReport[];
  readonly signer: ProofSigner;
  /** Bound to the key of `signer`. */
  boundRoot(scope: string): Promise<string>;
  /** To the proxy before a service; as the gateway, unless another certificate is named. */
  call(service: ServiceName, path: string, options?: CallOptions): Promise<TlsAnswer>;
  /** What no client library would send, to the proxy before `shop`. */
  raw(lines: readonly string[]): Promise<string>;
  /** To the proxy behind a service, as the service itself. */
  callOut(service: ServiceName, address: string, options?: CallOptions): Promise<PlainAnswer>;
  /** Ends the sidecar of a service. */
  stopSidecar(service: ServiceName): void;
  stop(): void;
}

export interface CallOptions {
  readonly method?: string;
  /** The whole header. */
  readonly authorization?: string | undefined;
  /** Default: the gateway; `nobody` shows no certificate. */
  readonly as?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param reporting services whose proxy and sidecar refuse nothing. Default: none. */
export async function startShop(kind: ProxyKind, reporting: readonly ServiceName[] = []): Promise<Shop> {
  const signer = await proofSigner();
  const decisions: DecisionReport[] = [];
  const sidecars = new Map<string, () => void>();
  const shop = await startProxiedShop<ServiceName>(
    { graph, services: SERVICES, identityOf: (name) => `spiffe://shop.example/${name}`, calls: CALLS },
    ({ issuer, portsOf, tlsOf }) => {
      const { plan } = issuer;
      const addresses = new Map(SERVICES.map((name) => [name, at(portsOf(name).inbound)]));
      return Promise.resolve(async (name) => {
        const port = await freePort();
        const mode = reporting.includes(name) ? 'report' : 'enforce';
        const running = sidecarFor(plan, name, (decision) => decisions.push(decision), {
          ...{ check: at(port), addresses, mode },
          ...(kind.certificateHeader === undefined ? {} : { certificateHeader: kind.certificateHeader }),
        });
        sidecars.set(name, await (kind.serve ?? serveHttp)(running, port));
        const { inbound, outbound, application } = portsOf(name);
        await kind.start({
          ...{ plan, service: name, addresses, sidecar: at(port), tls: tlsOf(name) },
          ...{ inbound: at(inbound), outbound: at(outbound), application: at(application), mode },
        });
      });
    },
  );
  return {
    ...{ ...shop, signer, decisions },
    async boundRoot(scope) {
      const url = `${shop.issuer.url}/token`;
      const dpop = await signer.proof({ method: 'POST', url, now: Math.floor(Date.now() / 1000) });
      const asked = { grant_type: 'client_credentials', scope };
      const { body, text: said } = await shop.issuer.token(asked, { as: 'mobile', headers: { dpop } });
      if (body['access_token'] === undefined) throw new Error(said);
      return body['access_token'];
    },
    call: (service, path, { as = 'gateway', ...options } = {}) =>
      shop.call(service, path, { ...sent(options), as: as === 'nobody' ? as : shop.certificateOf(as) }),
    callOut: (service, address, options = {}) => shop.callOut(service, address, sent(options)),
    raw(lines) {
      const { chain, key } = shop.certificateOf('gateway');
      const options = { host: '127.0.0.1', port: shop.inboundPort('shop'), cert: chain, key };
      const socket = connect({ ...options, ca: shop.ca.cert }, () =>
        socket.write([...lines, 'Connection: close', '', ''].join('\r\n')),
      );
      return text(socket);
    },
    stopSidecar: (service) => sidecars.get(service)?.(),
    stop: () => [...sidecars.values()].forEach((stop) => stop()),
  };
}

function sent({ method = 'GET', authorization, headers = {} }: CallOptions) {
  return { method, headers: { ...(authorization === undefined ? {} : { authorization }), ...headers } };
}

/** As the export configures it, but that it asks for revocations each time. */
function sidecarFor(
  plan: Plan,
  name: ServiceName,
  onDecision: (decision: DecisionReport) => void,
  options: Parameters<typeof sidecarConfigs>[1],
): Sidecar {
  const { services, notes } = sidecarConfigs(plan, { only: [name], gateways: [GATEWAY], ...options });
  const file = scratchFile('sidecar.yaml', configYaml(plan, name, services.get(name)!, notes));
  const { config } = readConfig(file, {});
  const secrets = { SHOP: secretOf('shop'), STOCK: secretOf('stock') };
  return new Sidecar({ ...sidecarOptions({ ...config, revocation_max_age: 0 }, secrets), onDecision });
}

async function serveHttp(sidecar: Sidecar, port: number): Promise<() => void> {
  const server = createServer({ maxHeaderSize: 128 * 1024 }, httpChecks(sidecar));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return () => {
    server.closeAllConnections();
    server.close();
  };
}

function at(port: number): SocketAddress {
  return { host: '127.0.0.1', port };
}
