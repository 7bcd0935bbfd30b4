/**
 * A shop behind real proxies that ask real sidecars: both are configured from the graph. The services know nothing of
 * Waybill: they pass their `authorization` header on, through the proxy beside them.
 */
import { createHash } from 'node:crypto';
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import { connect } from 'node:tls';
import { text } from 'node:stream/consumers';

import { sidecarConfigs, sidecarYaml, type SocketAddress } from '../../../src/architect/export/index.ts';
import type { Plan } from '../../../src/graph/index.ts';
import {
  Sidecar,
  httpChecks,
  readConfig,
  sidecarOptions,
  type DecisionReport,
} from '../../../src/mesh/index.ts';
import { scratchFile } from '../../support/files.ts';
import { freePort, listen, type Answer } from '../../support/http.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { startIssuer, type TestIssuer } from '../../support/issuer/start.ts';
import { testCa, type Identity, type TestCa } from '../../support/keys/certificates.ts';
import { proofSigner, type ProofSigner } from '../../support/keys/dpop.ts';
import { sendTls, type TlsAnswer } from '../../support/tls.ts';

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
const CALLS: Readonly<Record<string, readonly (readonly [method: string, address: string])[]>> = {
  'shop POST /orders': [['POST', 'http://stock.shop.example/reserve']],
  'shop POST /large': [['POST', 'http://stock.shop.example/bulk']],
  'stock POST /reserve': [['GET', 'http://ads.shop.example/show']],
};

/** What a proxy of one service needs to know. */
export interface Beside {
  readonly plan: Plan;
  readonly service: ServiceName;
  readonly inbound: SocketAddress;
  readonly outbound: SocketAddress;
  readonly application: SocketAddress;
  readonly sidecar: SocketAddress;
  readonly addresses: ReadonlyMap<string, SocketAddress>;
  readonly tls: { readonly certificate: string; readonly key: string; readonly authorities: string };
}

export interface ProxyKind {
  /** In which the proxy passes the certificate of its peer on; undefined: the default. */
  readonly certificateHeader?: string;
  /** How the sidecar is asked. Default: over HTTP. */
  readonly serve?: (sidecar: Sidecar, port: number) => Promise<() => void>;
  /** Starts a proxy that listens. */
  start(beside: Beside): Promise<void>;
}

export interface Seen {
  readonly service: ServiceName;
  readonly headers: IncomingHttpHeaders;
  /** `authorization`, once for each line. */
  readonly authorization: readonly string[];
}

export interface Shop {
  readonly issuer: TestIssuer;
  readonly ca: TestCa;
  readonly seen: Seen[];
  readonly decisions: DecisionReport[];
  readonly signer: ProofSigner;
  root(scope: string): Promise<string>;
  /** Bound to the key of `signer`. */
  boundRoot(scope: string): Promise<string>;
  certificateOf(service: string): Identity;
  /** To the proxy before a service; as the gateway, unless another certificate is named. */
  call(service: ServiceName, path: string, options?: CallOptions): Promise<TlsAnswer>;
  /** What no client library would send, to the proxy before `shop`. */
  raw(lines: readonly string[]): Promise<string>;
  /** To the proxy behind a service, as the service itself. */
  callOut(service: ServiceName, address: string, options?: CallOptions): Promise<Sent>;
  /** Ends the sidecar of a service. */
  stopSidecar(service: ServiceName): void;
  stop(): void;
}

export type Sent = Pick<Answer, 'status' | 'text'>;

export interface CallOptions {
  readonly method?: string;
  /** The whole header. */
  readonly authorization?: string | undefined;
  /** Default: the gateway. */
  readonly as?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function startShop(kind: ProxyKind): Promise<Shop> {
  const ca = testCa();
  const issuer = await startIssuer(graph);
  const signer = await proofSigner();
  const identities = new Map(
    [...SERVICES, 'gateway', 'stranger'].map((name) => [
      name,
      ca.issue({
        commonName: name,
        uris: [`spiffe://shop.example/${name}`],
        dns: [`${name}.shop.example`],
        ips: [[127, 0, 0, 1]],
      }),
    ]),
  );
  const certificateOf = (name: string): Identity => identities.get(name)!;
  const ports = new Map<string, { inbound: number; outbound: number; sidecar: number }>();
  for (const name of SERVICES)
    ports.set(name, { inbound: await freePort(), outbound: await freePort(), sidecar: await freePort() });
  const portsOf = (name: string) => ports.get(name)!;
  const addresses = new Map(Array.from(ports, ([name, { inbound }]) => [name, at(inbound)]));
  const authorities = scratchFile('ca.crt', ca.cert);
  const seen: Seen[] = [];
  const decisions: DecisionReport[] = [];
  const sidecars = new Map<string, () => void>();

  const callOut: Shop['callOut'] = (
    service,
    address,
    { method = 'GET', authorization, headers = {} } = {},
  ) => {
    const { host, pathname, search } = new URL(address);
    const own = authorization === undefined ? {} : { authorization };
    return sendPlain(portsOf(service).outbound, method, pathname + search, { host, ...own, ...headers });
  };

  for (const name of SERVICES) {
    const application = await listen(
      (received, response) => {
        const { method = '', url = '', headers, headersDistinct } = received;
        seen.push({ service: name, headers, authorization: headersDistinct['authorization'] ?? [] });
        const { authorization } = headers;
        const calls = CALLS[`${name} ${method} ${url}`] ?? [];
        void Promise.all(
          calls.map(([verb, address]) => callOut(name, address, { method: verb, authorization })),
        ).then((answers) => {
          const failed = answers.find(({ status }) => status !== 200);
          response.writeHead(failed ? 502 : 200).end(failed ? `${failed.status} ${failed.text}` : name);
        });
      },
      { maxHeaderSize: 512 * 1024 },
    );
    const { inbound, outbound, sidecar } = portsOf(name);
    const exported = sidecarConfigs(issuer.plan, {
      ...{ only: [name], check: at(sidecar), addresses, gateways: [GATEWAY] },
      ...(kind.certificateHeader === undefined ? {} : { certificateHeader: kind.certificateHeader }),
    });
    const file = scratchFile(
      'sidecar.yaml',
      sidecarYaml(issuer.plan, name, exported.services.get(name)!, exported.notes),
    );
    const { config } = readConfig(file, {});
    const secrets = { SHOP: secretOf('shop'), STOCK: secretOf('stock') };
    const running = new Sidecar({
      ...sidecarOptions({ ...config, revocation_max_age: 0 }, secrets),
      onDecision: (decision) => decisions.push(decision),
    });
    sidecars.set(name, await (kind.serve ?? serveHttp)(running, sidecar));
    const { chain, key } = certificateOf(name);
    await kind.start({
      ...{ plan: issuer.plan, service: name, addresses },
      inbound: at(inbound),
      outbound: at(outbound),
      application: at(Number(new URL(application).port)),
      sidecar: at(sidecar),
      tls: { certificate: scratchFile('tls.crt', chain), key: scratchFile('tls.key', key), authorities },
    });
  }

  const token = async (parameters: Record<string, string>, as: string, dpop?: string): Promise<string> => {
    const headers = dpop === undefined ? {} : { dpop };
    const { body, text: said } = await issuer.token(
      { grant_type: 'client_credentials', ...parameters },
      { as, headers },
    );
    if (body['access_token'] === undefined) throw new Error(said);
    return body['access_token'];
  };

  return {
    ...{ issuer, ca, seen, decisions, signer, certificateOf, callOut },
    root: (scope) => token({ scope }, 'web'),
    async boundRoot(scope) {
      const proven = { method: 'POST', url: `${issuer.url}/token`, now: Math.floor(Date.now() / 1000) };
      return token({ scope }, 'mobile', await signer.proof(proven));
    },
    call: (service, path, { method = 'GET', authorization, as = 'gateway', headers = {} } = {}) =>
      sendTls(`https://127.0.0.1:${portsOf(service).inbound}${path}`, ca, {
        as: certificateOf(as),
        method,
        headers: { ...(authorization === undefined ? {} : { authorization }), ...headers },
      }),
    raw(lines) {
      const { chain, key } = certificateOf('gateway');
      const options = { host: '127.0.0.1', port: portsOf('shop').inbound, cert: chain, key, ca: ca.cert };
      const socket = connect(options, () =>
        socket.write([...lines, 'Connection: close', '', ''].join('\r\n')),
      );
      return text(socket);
    },
    stopSidecar: (service) => sidecars.get(service)?.(),
    stop: () => [...sidecars.values()].forEach((stop) => stop()),
  };
}

async function serveHttp(sidecar: Sidecar, port: number): Promise<() => void> {
  const server: Server = createServer({ maxHeaderSize: 128 * 1024 }, httpChecks(sidecar));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return () => {
    server.closeAllConnections();
    server.close();
  };
}

function at(port: number): SocketAddress {
  return { host: '127.0.0.1', port };
}

/** Unlike `fetch`, it lets a caller set the host. */
function sendPlain(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let received = '';
      response.setEncoding('utf8').on('data', (data: string) => (received += data));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: received }));
    });
    sent.on('error', reject).end();
  });
}
