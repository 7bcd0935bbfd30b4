/**
 * A shop of three levels behind real Envoys, with a real issuer. The services know nothing of Waybill: they pass their
 * `authorization` header on, through the Envoy beside them.
 */
import { request, type IncomingHttpHeaders } from 'node:http';

import { envoyConfig, type EnvoyExport } from '../../../../src/architect/export/index.ts';
import { startEnvoy, type Envoy } from '../../../support/envoy.ts';
import { scratchFile } from '../../../support/files.ts';
import { freePort, listen } from '../../../support/http.ts';
import { startIssuer, type TestIssuer } from '../../../support/issuer/start.ts';
import { testCa, type Identity, type TestCa } from '../../../support/keys/certificates.ts';
import { sendTls, type TlsAnswer } from '../../../support/tls.ts';

/** Dots in names are keys of the metadata that Envoy swaps by. */
const graph = (url: string): string => `
waybill: 1
name: shop
issuer: { url: '${url}', limits: { nested: 96KiB } }
claims: { note: { from: client, max_bytes: 20KiB } }
defaults:
  audience: https://{name}.shop.example
  identity: spiffe://shop.example/{name}
  headers: { max_total: 128KiB }
  caller: mtls
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    claims: { note: '${'n'.repeat(20_000)}' }
    calls: { shop: [browse, order, large] }
  mobile: { auth: { method: client_secret_basic, secret_env: MOBILE }, calls: { shop: [browse] } }
services:
  shop:
    calls: { flags: { mode: none } }
    scopes:
      browse: { operations: ['GET /items/{id}'], calls: { stock.v1: [look] } }
      order: { operations: [POST /orders, GET /items/new], calls: { stock.v1: [look, reserve], pay: [charge] } }
      large: { operations: [POST /large], calls: { stock.v1: [bulk] } }
  stock.v1:
    scopes:
      look: { operations: ['GET /stock/:id'] }
      reserve: { operations: [POST /reserve], calls: { warehouse: [pick] } }
      bulk: { operations: [POST /bulk], calls: { warehouse: [bulk] } }
  warehouse:
    scopes:
      pick: { operations: [POST /pick] }
      bulk: { operations: [POST /bulk], claims: [note] }
  pay: { scopes: { charge: { operations: [POST /charge] } } }
`;

export const SERVICES = ['shop', 'stock.v1', 'warehouse', 'pay'] as const;
export type ServiceName = (typeof SERVICES)[number];
export const GATEWAY = 'spiffe://shop.example/gateway';

/** What a service was asked. */
export interface Seen {
  readonly service: ServiceName;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** `authorization`, once for each line. */
  readonly authorization: readonly string[];
}

export interface Shop {
  readonly issuer: TestIssuer;
  readonly ca: TestCa;
  readonly exported: EnvoyExport;
  readonly seen: Seen[];
  readonly envoys: readonly Envoy[];
  /** A root for a client. */
  root(scope: string, client?: string): Promise<string>;
  certificateOf(service: string): Identity;
  inboundPort(service: ServiceName): number;
  /** To the Envoy before a service; as the gateway, unless another certificate is named. */
  call(service: ServiceName, path: string, options?: CallOptions): Promise<TlsAnswer>;
  /** To the Envoy behind a service, as the service itself. */
  callOut(
    service: ServiceName,
    address: string,
    options?: CallOptions,
  ): Promise<{ status: number; text: string }>;
}

export interface CallOptions {
  readonly method?: string;
  readonly token?: string;
  /** Default: the gateway. */
  readonly as?: Identity | 'nobody';
  readonly headers?: Readonly<Record<string, string>>;
}

/** The calls that a service makes for a request, as it would in plain HTTP. */
const CALLS: Readonly<Record<string, readonly (readonly [method: string, address: string])[]>> = {
  'shop POST /orders': [
    ['POST', 'http://stock.v1.shop.example/reserve'],
    ['POST', 'http://pay.shop.example/charge'],
  ],
  'shop POST /large': [['POST', 'http://stock.v1.shop.example/bulk']],
  'stock.v1 POST /reserve': [['POST', 'http://warehouse.shop.example/pick']],
  'stock.v1 POST /bulk': [['POST', 'http://warehouse.shop.example/bulk']],
};

export async function startShop(): Promise<Shop> {
  const ca = testCa();
  const issuer = await startIssuer(graph);
  const identities = new Map(
    [...SERVICES, 'gateway', 'stranger'].map((name) => [
      name,
      ca.issue({ commonName: name, uris: [`spiffe://shop.example/${name}`], ips: [[127, 0, 0, 1]] }),
    ]),
  );
  const certificateOf = (name: string): Identity => identities.get(name)!;
  const ports = new Map<string, { readonly inbound: number; readonly outbound: number }>();
  for (const name of SERVICES) ports.set(name, { inbound: await freePort(), outbound: await freePort() });
  const portsOf = (name: string) => ports.get(name)!;
  const addresses = new Map(
    Array.from(ports, ([name, { inbound }]) => [name, { host: '127.0.0.1', port: inbound }]),
  );
  const authorities = scratchFile('ca.crt', ca.cert);
  const seen: Seen[] = [];
  const envoys: Envoy[] = [];
  let exported: EnvoyExport | undefined;

  const callOut: Shop['callOut'] = (service, address, { method = 'GET', token, headers = {} } = {}) => {
    const { host, pathname, search } = new URL(address);
    const own = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return sendPlain(portsOf(service).outbound, method, pathname + search, { host, ...own, ...headers });
  };

  for (const name of SERVICES) {
    const application = await listen(
      (received, response) => {
        const { method = '', url = '', headers, headersDistinct } = received;
        const authorization = headersDistinct['authorization'] ?? [];
        seen.push({ service: name, method, path: url, headers, authorization });
        const calls = CALLS[`${name} ${method} ${url}`] ?? [];
        const token = headers.authorization?.slice('Bearer '.length);
        void Promise.all(
          calls.map(([verb, address]) =>
            callOut(name, address, { method: verb, ...(token === undefined ? {} : { token }) }),
          ),
        ).then((answers) => {
          const failed = answers.find(({ status }) => status !== 200);
          response.writeHead(failed ? 502 : 200).end(failed ? `${failed.status} ${failed.text}` : name);
        });
      },
      { maxHeaderSize: 512 * 1024 },
    );
    const { inbound, outbound } = portsOf(name);
    const { chain, key } = certificateOf(name);
    const config = envoyConfig(issuer.plan, {
      only: [name],
      inbound: { host: '127.0.0.1', port: inbound },
      outbound: { host: '127.0.0.1', port: outbound },
      application: { host: '127.0.0.1', port: Number(new URL(application).port) },
      addresses,
      tls: { certificate: scratchFile('tls.crt', chain), key: scratchFile('tls.key', key), authorities },
      gateways: [GATEWAY],
    });
    exported ??= config;
    const bootstrap = config.services.get(name)!;
    const listeners = bootstrap.static_resources.listeners.length;
    envoys.push(await startEnvoy(bootstrap, listeners === 2 ? [inbound, outbound] : [inbound]));
  }

  return {
    ...{ issuer, ca, exported: exported!, seen, envoys, certificateOf, callOut },
    inboundPort: (name) => portsOf(name).inbound,
    async root(scope, client = 'web') {
      const { body, text } = await issuer.token({ grant_type: 'client_credentials', scope }, { as: client });
      return body['access_token'] ?? failWith(text);
    },
    call: (service, path, { method = 'GET', token, as = certificateOf('gateway'), headers = {} } = {}) =>
      sendTls(`https://127.0.0.1:${portsOf(service).inbound}${path}`, ca, {
        as: as === 'nobody' ? undefined : as,
        method,
        headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
      }),
  };
}

function failWith(text: string): never {
  throw new Error(text);
}

/** Unlike `fetch`, it lets a caller set the host. */
function sendPlain(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (data: string) => (text += data));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject).end();
  });
}
