/** Services on real ports before a real issuer, each of which calls on with what its token holds. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import express, { type Express, type Request } from 'express';

import { extractor, isWaybillError, type ExtractorOptions } from '../../../src/middleware/index.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { startIssuer, type TestIssuer } from '../../support/issuer/start.ts';

/** Whom each service calls, as the graph below says. */
const CALLEES = {
  front: ['checkout', 'ads'],
  checkout: ['payment', 'mail'],
  ads: ['pictures'],
  payment: [],
  mail: [],
  pictures: [],
} as const;
type Name = keyof typeof CALLEES;
const NAMES = Object.keys(CALLEES) as Name[];

export interface GraphParts {
  /** More of the issuer. */
  readonly issuer?: string;
  /** More of a service, by name. */
  readonly services?: Readonly<Partial<Record<Name, string>>>;
}

/** `web` gets tokens, `site` references; `edge` is the gateway before front. */
const graph = (
  url: string,
  urls: Readonly<Record<Name, string>>,
  { issuer = '', services = {} }: GraphParts,
) => {
  const service = (name: Name) =>
    `audience: '${urls[name]}'\n    auth: { method: client_secret_basic, secret_env: S }\n    ${services[name] ?? ''}`;
  return `
waybill: 1
issuer: { url: '${url}', limits: { tokens: 8, depth: 4 } ${issuer} }
claims: { tier: { from: client, max_bytes: 16 }, region: { value: eu } }
defaults: { identity: 'spiffe://shop.example/{name}', headers: { profile: node } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: S }
    claims: { tier: gold }
    calls: { front: [order, look] }
  site:
    auth: { method: client_secret_basic, secret_env: S }
    token: opaque
    claims: { tier: tin }
    calls: { front: [order] }
  edge:
    auth: { method: client_secret_basic, secret_env: S }
    introspect: [front]
    calls: { front: [order] }
services:
  front:
    ${service('front')}
    calls: { ads: { scopes: [show], mode: exchange } }
    scopes: { look: {}, order: { calls: { checkout: [place] } } }
  checkout:
    ${service('checkout')}
    claims: [tier]
    scopes: { place: { calls: { payment: [charge], mail: [send] } } }
  ads:
    ${service('ads')}
    claims: [region]
    scopes: { show: { calls: { pictures: [get] } } }
  payment:
    ${service('payment')}
    claims: [tier, region]
    scopes: { charge: {} }
  mail:
    ${service('mail')}
    scopes: { send: {} }
  pictures:
    ${service('pictures')}
    scopes: { get: {} }
`;
};

/** What a service received. */
export interface Seen {
  readonly service: Name;
  /** The token as it stood in the header. */
  readonly token: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly scopes: readonly string[];
}

export interface PackedShop {
  readonly issuer: TestIssuer;
  readonly urls: Readonly<Record<Name, string>>;
  /** The root token of a client. */
  root(form?: Readonly<Record<string, string>>, as?: string): Promise<string>;
  /** Sends a token to front, which calls on. @returns what every service saw, by name. */
  send(token: string, address?: string): Promise<Readonly<Record<string, Seen>>>;
  close(): Promise<void>;
}

export async function openShop(
  parts: GraphParts = {},
  options: Partial<ExtractorOptions> = {},
): Promise<PackedShop> {
  const servers: Server[] = [];
  const apps = new Map<Name, Express>();
  const urls: Partial<Record<Name, string>> = {};
  for (const name of NAMES) {
    const app = express().set('env', 'test');
    const server = createServer({ maxHeaderSize: 128 * 1024 }, app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    urls[name] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    servers.push(server);
    apps.set(name, app);
  }
  const all = urls as Record<Name, string>;
  const close = async (): Promise<void> => {
    for (const server of servers) server.closeAllConnections();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  };
  const issuer = await startIssuer((url) => graph(url, all, parts)).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  for (const [name, app] of apps) {
    const credentials = { clientId: name, secret: secretOf(name) };
    const own = { issuer: issuer.url, audience: all[name], caller: 'none' as const, credentials };
    app.get('/', extractor({ ...own, ...options }).protect(), (request, response, next) => {
      callOn(name, request, all).then((seen) => response.json(seen), next);
    });
  }
  return {
    issuer,
    urls: all,
    async root(form = {}, as = 'web') {
      const asked = { grant_type: 'client_credentials', scope: 'order', ...form };
      return (await issuer.token(asked, { as })).body['access_token'] ?? '';
    },
    async send(token, address = all.front) {
      const response = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
      const seen = (await response.json()) as Seen[];
      return Object.fromEntries(seen.map((one) => [one.service, one]));
    },
    close,
  };
}

/** Calls everyone for whom the request's token has something, and tells what they saw. */
async function callOn(
  service: Name,
  request: Request,
  urls: Readonly<Record<Name, string>>,
): Promise<Seen[]> {
  const { waybill, headers } = request;
  const token = (headers.authorization ?? '').replace(/^Bearer /, '');
  const own: Seen = { service, token, claims: waybill.claims, scopes: waybill.scopes };
  const below = await Promise.all(
    CALLEES[service].map(async (callee): Promise<Seen[]> => {
      try {
        return (await (await waybill.fetch(urls[callee])).json()) as Seen[];
      } catch (error) {
        if (isWaybillError(error, 'child_missing')) return [];
        throw error;
      }
    }),
  );
  return [own, ...below.flat()];
}
