/**
 * A shop behind real HAProxies with the exported configuration: one before and behind each service. The services know
 * nothing of Waybill: they pass their `authorization` header on.
 */
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { request, type IncomingHttpHeaders } from 'node:http';

import { envoyConfig, haproxyConfig } from '../../../../src/architect/export/index.ts';
import { startBeside } from '../../../support/envoy.ts';
import { scratchFile } from '../../../support/files.ts';
import { startHaproxy } from '../../../support/haproxy.ts';
import { freePort, listen } from '../../../support/http.ts';
import { startIssuer, type TestIssuer } from '../../../support/issuer/start.ts';

const graph = (url: string): string => `
waybill: 1
name: shop
issuer: { url: '${url}' }
defaults:
  audience: http://{name}.shop.example
  identity: spiffe://shop.example/{name}
  headers: { max_total: 128KiB }
  caller: none
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [browse, order] } }
services:
  shop:
    scopes:
      browse: { operations: ['GET /items/{id}'], calls: { stock: [look] } }
      order: { operations: [POST /orders, GET /items/new], calls: { stock: [look, reserve], pay: [charge] } }
  stock:
    scopes:
      look: { operations: ['GET /stock/:id'] }
      reserve: { operations: [POST /reserve], calls: { warehouse: [pick] } }
  warehouse: { scopes: { pick: { operations: [POST /pick] } } }
  pay: { scopes: { charge: { operations: [POST /charge] } } }
`;

const SERVICES = ['shop', 'stock', 'warehouse', 'pay'] as const;
export type ServiceName = (typeof SERVICES)[number];

const CALLS: Readonly<Record<string, readonly string[]>> = {
  'shop POST /orders': ['http://stock.shop.example/reserve', 'http://pay.shop.example/charge'],
  'stock POST /reserve': ['http://warehouse.shop.example/pick'],
};

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly token?: string | undefined;
}

export interface Shop {
  readonly issuer: TestIssuer;
  /** What services were asked. */
  readonly seen: { readonly service: ServiceName; readonly headers: IncomingHttpHeaders }[];
  root(scope: string): Promise<string>;
  /** To the proxy before a service. @returns the status. */
  call(service: ServiceName, path: string, sent?: Sent): Promise<number>;
  /** To the proxy behind a service, as the service itself. */
  callOut(service: ServiceName, url: string, sent: Sent): Promise<number>;
  /** What the proxy of a service wrote. */
  output(service: ServiceName): string;
}

/** @param others services whose HAProxy reports, or that have an Envoy in its place. */
export async function startShop(
  others: Readonly<Partial<Record<ServiceName, 'report' | 'behind Envoy'>>> = {},
): Promise<Shop> {
  const issuer = await startIssuer(graph);
  const { keys } = (await (await fetch(`${issuer.url}/jwks`)).json()) as { keys: JsonWebKey[] };
  const keyFiles = keys.map((key) =>
    scratchFile(
      'issuer.pem',
      createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString(),
    ),
  );
  const ports = new Map<ServiceName, { readonly inbound: number; readonly outbound: number }>();
  const outputs = new Map<ServiceName, () => string>();
  const seen: { readonly service: ServiceName; readonly headers: IncomingHttpHeaders }[] = [];
  const callOut = (service: ServiceName, url: string, sent: Sent): Promise<number> =>
    send(ports.get(service)!.outbound, url, {
      ...sent,
      headers: { host: new URL(url).host, ...sent.headers },
    });

  for (const name of SERVICES) ports.set(name, { inbound: await freePort(), outbound: await freePort() });
  const addresses = new Map(
    Array.from(ports, ([name, { inbound }]) => [name, { host: '127.0.0.1', port: inbound }]),
  );
  for (const name of SERVICES) {
    const application = await listen((received, response) => {
      seen.push({ service: name, headers: received.headers });
      const calls = CALLS[`${name} ${received.method} ${received.url}`] ?? [];
      const token = received.headers.authorization?.slice('Bearer '.length);
      void Promise.all(calls.map((url) => callOut(name, url, { method: 'POST', token }))).then((answers) =>
        response.writeHead(answers.every((status) => status === 200) ? 200 : 502).end(),
      );
    });
    const { inbound, outbound } = ports.get(name)!;
    const own = {
      only: [name],
      inbound: { host: '127.0.0.1', port: inbound },
      outbound: { host: '127.0.0.1', port: outbound },
      application: { host: '127.0.0.1', port: Number(new URL(application).port) },
      addresses,
    };
    if (others[name] === 'behind Envoy') {
      const envoy = await startBeside(envoyConfig(issuer.plan, own).services.get(name)!, {
        inbound,
        outbound,
      });
      outputs.set(name, () => envoy.output());
      continue;
    }
    const mode = others[name] ?? 'enforce';
    const { services } = haproxyConfig(issuer.plan, { ...own, keyFiles, mode });
    const text = services.get(name)!;
    const both = text.includes('waybill-outbound');
    const proxy = await startHaproxy(text, both ? [inbound, outbound] : [inbound]);
    outputs.set(name, () => proxy.output());
  }
  return {
    ...{ issuer, seen, callOut },
    async root(scope) {
      const { body, text } = await issuer.token({ grant_type: 'client_credentials', scope }, { as: 'web' });
      if (body['access_token'] === undefined) throw new Error(text);
      return body['access_token'];
    },
    call: (service, path, sent = {}) => send(ports.get(service)!.inbound, path, sent),
    output: (service) => outputs.get(service)!(),
  };
}

function send(port: number, path: string, { method = 'GET', token, headers }: Sent): Promise<number> {
  return new Promise((resolve, reject) => {
    const own = token === undefined ? {} : { authorization: `Bearer ${token}` };
    request({ host: '127.0.0.1', port, path, method, agent: false, headers: { ...own, ...headers } })
      .on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)))
      .on('error', reject)
      .end();
  });
}
