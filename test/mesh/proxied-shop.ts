/**
 * Three levels of services that know nothing of Waybill, each behind a sidecar that is its proxy both ways, with mutual TLS
 * between them; a real issuer; a gateway that presents the roots.
 */
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { listen, type RunningServer } from '../../src/issuer/http/index.ts';
import {
  Destinations,
  Sidecar,
  egressProxy,
  inboundProxy,
  type DecisionReport,
  type SidecarOptions,
} from '../../src/mesh/index.ts';
import type { ExtractorOptions } from '../../src/middleware/index.ts';
import { secretOf } from '../support/issuer/issue.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../support/issuer/start.ts';
import { LOOPBACK, testCa, type Identity, type TestCa } from '../support/keys/certificates.ts';
import { sendTls, type TlsAnswer } from '../support/tls.ts';

const SERVICES = ['depot', 'stock', 'ads', 'front'] as const; // the deepest first: its address is known then
export type ServiceName = (typeof SERVICES)[number];

const graph = (url: string, encoding: string) => `
waybill: 1
issuer: { url: '${url}', encoding: ${encoding} }
defaults: { audience: 'https://{name}.shop.example', identity: 'spiffe://shop.example/{name}', headers: { profile: node }, caller: mtls }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: S }
    calls: { front: [order] }
services:
  front:
    auth: { method: client_secret_basic, secret_env: S }
    calls: { ads: { scopes: [show], mode: exchange } }
    scopes: { order: { calls: { stock: [reserve] } } }
  stock: { auth: { method: client_secret_basic, secret_env: S }, scopes: { reserve: { calls: { depot: [pick] } } } }
  depot: { auth: { method: client_secret_basic, secret_env: S }, scopes: { pick: {} } }
  ads: { auth: { method: client_secret_basic, secret_env: S }, scopes: { show: {} } }
`;

export interface Heard {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
}

export interface ProxiedService {
  /** Of the proxy before the application. */
  readonly url: string;
  /** Of the proxy for its calls. */
  readonly egress: string;
  readonly sidecar: Sidecar;
  /** Of the proxy for its calls. */
  readonly destinations: Destinations;
  readonly decisions: readonly DecisionReport[];
  /** What reached the application. */
  readonly heard: Heard[];
}

export interface ProxiedShop {
  readonly ca: TestCa;
  readonly issuer: TestIssuer;
  readonly services: Readonly<Record<ServiceName, ProxiedService>>;
  identity(name: string): Identity;
  root(): Promise<string>;
  /** As the gateway does. */
  send(path: string, token: string, headers?: Readonly<Record<string, string>>): Promise<TlsAnswer>;
  close(): Promise<void>;
}

interface Options {
  readonly encoding?: 'nested' | 'packed';
  readonly sidecar?: Partial<SidecarOptions>;
  readonly extractor?: Partial<ExtractorOptions>;
  /** Host of a callee → the SPIFFE ID that its certificate must have. */
  readonly identities?: Readonly<Record<string, string>>;
}

/** What an application answers with; `callee` is what its own call was answered with. */
export interface AppAnswer {
  readonly service: string;
  readonly sub?: string;
  readonly act?: string;
  readonly scope?: string;
  readonly authorization?: string;
  readonly status?: number;
  readonly callee?: AppAnswer & { readonly code?: string };
}

export async function openProxiedShop(options: Options = {}): Promise<ProxiedShop> {
  const { encoding = 'nested' } = options;
  const ca = testCa();
  const identities = new Map<string, Identity>();
  const identity = (name: string): Identity => {
    const known = identities.get(name) ?? ca.issue({ ...LOOPBACK, uris: [`spiffe://shop.example/${name}`] });
    identities.set(name, known);
    return known;
  };
  const issuer = await startIssuer((url) => graph(url, encoding));
  const closing: (() => Promise<unknown>)[] = [];
  const services: Partial<Record<ServiceName, ProxiedService>> = {};
  for (const name of SERVICES) {
    const addresses = new Map(
      Object.entries(services).map(([callee, { url }]) => [`${callee}.shop.example`, new URL(url)]),
    );
    services[name] = await startService(name, { issuer, ca, identity, addresses, closing }, options);
  }
  const gateway = identity('gateway');
  const all = services as Record<ServiceName, ProxiedService>;
  return {
    ca,
    issuer,
    services: all,
    identity,
    async root() {
      const answer = await issuer.token({ grant_type: 'client_credentials', scope: 'order' }, { as: 'web' });
      if (answer.status !== 200) throw new Error(answer.text);
      return answer.body['access_token'] ?? '';
    },
    send: (path, token, headers = {}) =>
      sendTls(`${all.front.url}${path}`, ca, {
        as: gateway,
        headers: { authorization: `Bearer ${token}`, ...headers },
      }),
    async close() {
      await Promise.all(closing.map((close) => close()));
      await stopIssuers();
    },
  };
}

interface Surroundings {
  readonly issuer: TestIssuer;
  readonly ca: TestCa;
  readonly identity: (name: string) => Identity;
  readonly addresses: ReadonlyMap<string, URL>;
  readonly closing: (() => Promise<unknown>)[];
}

async function startService(
  name: ServiceName,
  { issuer, ca, identity, addresses, closing }: Surroundings,
  { sidecar: more = {}, extractor = {}, identities: callees = {} }: Options,
): Promise<ProxiedService> {
  const decisions: DecisionReport[] = [];
  const heard: Heard[] = [];
  const sidecar = new Sidecar({
    extractor: {
      issuer: issuer.url,
      audience: `https://${name}.shop.example`,
      caller: 'mtls',
      gateways: ['spiffe://shop.example/gateway'],
      credentials: { clientId: name, secret: secretOf(name) },
      ...extractor,
    },
    correlation: 'authorization',
    handleBytes: 1_000_000,
    claimsHeader: false,
    operations: undefined,
    open: [],
    callees: {},
    maxRequests: 1_000,
    onDecision: (decision) => decisions.push(decision),
    ...more,
  });
  const { cert, key } = identity(name);
  const destinations = new Destinations({ cert, key, ca: ca.cert });
  const proxy = { destinations, silenceMs: 5_000, maxRequests: 1_000 };
  const at = { host: '127.0.0.1', port: 0, maxHeaderBytes: 96 * 1024 };
  const identities = new Map(Object.entries(callees).map(([host, identity]) => [host, [identity]]));
  const egress = await listen(egressProxy(sidecar, { addresses, identities }, proxy), at);
  const app = await startApp(name, egress.url, heard);
  const before = await listen(inboundProxy(sidecar, new URL(addressOf(app)), proxy), {
    ...at,
    tls: { cert, key, clientCa: ca.cert },
  });
  closing.push(async () => {
    await endServers(before, egress);
    destinations.close();
    app.closeAllConnections();
    app.close();
  });
  return { url: before.url, egress: egress.url, sidecar, destinations, decisions, heard };
}

async function endServers(...servers: readonly RunningServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.close()));
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** `/call/HOST/path` calls that host under this path, with the inbound Authorization header; else it answers itself. */
async function startApp(name: ServiceName, egress: string, heard: Heard[]): Promise<Server> {
  const server = createServer({ maxHeaderSize: 96 * 1024 }, (incoming, response) => {
    const { method, url, headers, rawHeaders } = incoming;
    heard.push({ method, url, headers, rawHeaders });
    const [, host, path] = /^\/call\/([^/]+)(\/.*)$/.exec(url ?? '') ?? [];
    const answer = (more: object): void =>
      void response.setHeader('content-type', 'application/json').end(
        JSON.stringify({
          service: name,
          sub: headers['x-waybill-sub'],
          act: headers['x-waybill-act'],
          scope: headers['x-waybill-scope'],
          authorization: headers.authorization,
          ...more,
        }),
      );
    if (host === undefined || path === undefined) return answer({});
    callThrough(egress, name === 'front' ? `http://${host}${path}` : path, host, headers.authorization).then(
      answer,
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** @param target of the request line: a whole address, as for a proxy, or a path. */
export function callThrough(
  egress: string,
  target: string,
  host: string,
  authorization: string | undefined,
): Promise<{ readonly status: number; readonly callee: unknown }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(egress);
    const headers = { host, ...(authorization === undefined ? {} : { authorization }) };
    request({ hostname, port, path: target, headers, agent: false }, (answer) => {
      text(answer).then((body) => {
        let callee: unknown = body;
        if (/json/.test(answer.headers['content-type'] ?? '')) callee = JSON.parse(body);
        resolve({ status: answer.statusCode ?? 0, callee });
      }, reject);
    })
      .on('error', reject)
      .end();
  });
}
