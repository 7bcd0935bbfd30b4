/** A real issuer on a real port, with its log in memory, and clients that speak to it. */
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';

import { pino } from 'pino';

import type { Plan } from '../../../src/graph/index.ts';
import {
  createApp,
  listen,
  type AppOptions,
  type RunningServer,
  type TlsOptions,
} from '../../../src/issuer/http/index.ts';
import { createIssuer, type Issuer, type IssuerOptions } from '../../../src/issuer/index.ts';
import type { KeyRing } from '../../../src/issuer/keys/index.ts';
import { firstStore } from './first-store.ts';
import { PATIENT, keysFor, secretOf, secretsFor } from './issue.ts';
import { planOf } from '../files.ts';

const running = new Set<RunningServer>();

/** Call in `after`. */
export async function stopIssuers(): Promise<void> {
  await Promise.all([...running].map((server) => server.close()));
  running.clear();
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: number };

export interface TestIssuer {
  /** `iss`, and the base of the endpoints. */
  readonly url: string;
  readonly origin: string;
  readonly plan: Plan;
  /** What answers from now on; a test may replace it, as a reload does. */
  issuer: Issuer;
  /** Everything that was logged. */
  logText(): string;
  logLines(): LogLine[];
  /** POST /token with these parameters; as a client, with Basic, where one is named. */
  token(parameters: FormParameters, options?: RequestOptions): Promise<Answer>;
}

export type FormParameters =
  Readonly<Record<string, string>> | string | readonly (readonly [string, string])[];

export interface RequestOptions {
  /** Authenticates with Basic and the secret that the test issuer gave this client. */
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly body?: string | Uint8Array | undefined;
  readonly path?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Readonly<Record<string, string>>;
}

interface StartOptions {
  readonly path?: string;
  readonly keys?: KeyRing;
  readonly requestTimeout?: number;
  /** Speaks TLS; `token` has no certificate to show and is of no use then. */
  readonly tls?: TlsOptions;
  /** Of the application beside issuer and log. */
  readonly app?: Partial<AppOptions>;
  /** What the issuer gets beside plan, keys and secrets; and it is `PATIENT` unless it says otherwise. */
  readonly issuer?: Partial<IssuerOptions>;
}

/** @param graph the graph for an issuer URL; it is compiled once the port is known. */
export async function startIssuer(
  graph: (url: string) => string,
  options: StartOptions = {},
): Promise<TestIssuer> {
  let app: RequestListener = (_request, response) => void response.writeHead(503).end();
  const { requestTimeout, tls } = options;
  const server = await listen((request, response) => app(request, response), {
    host: '127.0.0.1',
    port: 0,
    tls,
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
  });
  running.add(server);
  const url = `${server.url}${options.path ?? ''}`;
  const plan = planOf(graph(url));
  const log: string[] = [];
  const keys = options.keys ?? (await keysFor(plan.issuer.signing));
  const clock = options.issuer?.clock;
  const store = firstStore(clock ? { clock } : {});
  const started: TestIssuer = {
    url,
    origin: server.url,
    plan,
    issuer: createIssuer({
      plan,
      keys,
      secrets: secretsFor(plan),
      attempts: PATIENT,
      store,
      ...options.issuer,
    }),
    logText: () => log.join(''),
    logLines: () => log.map((line) => JSON.parse(line) as LogLine),
    token: (parameters, request = {}) => {
      const body = typeof parameters === 'string' ? parameters : form(parameters);
      return send(`${url}${request.path ?? '/token'}`, {
        method: 'POST',
        body,
        ...request,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          ...(request.as === undefined ? {} : { authorization: basic(request.as, secretOf(request.as)) }),
          ...request.headers,
        },
      });
    },
  };
  app = createApp({
    issuer: () => started.issuer,
    log: pino({ level: 'debug' }, { write: (line: string) => void log.push(line) }),
    ...options.app,
  });
  return started;
}

function form(parameters: Exclude<FormParameters, string>): string {
  return new URLSearchParams(
    Array.isArray(parameters)
      ? (parameters as [string, string][])
      : { ...(parameters as Record<string, string>) },
  ).toString();
}

/** RFC 6749 section 2.3.1: id and secret are form-encoded each. */
export function basic(client: string, secret: string): string {
  const encode = (text: string) => new URLSearchParams({ t: text }).toString().slice(2);
  return `Basic ${Buffer.from(`${encode(client)}:${encode(secret)}`).toString('base64')}`;
}

export async function send(address: string, options: RequestOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options;
  const response = await fetch(address, { method, headers, body: body ?? null, redirect: 'manual' });
  const text = await response.text();
  const json = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: json ? (JSON.parse(text) as Record<string, string>) : {},
  };
}

/** Writes bytes to the issuer's port and reads until it closes: for requests that no client library would send. */
export async function sendRaw(origin: string, text: string): Promise<string> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setEncoding('utf8').on('data', (data: string) => (received += data));
    socket.on('end', () => resolve(received)).on('error', reject);
  });
}

/** A small shop: two entries that share a scope's name, a client of each method, a tree of three tokens. */
export const shop = (url: string) => `
waybill: 1
name: shop
issuer: { url: '${url}', ignore_scopes: [openid, profile], limits: { tokens: 3 } }
defaults: { audience: 'https://{name}.shop.example', headers: { profile: go } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    default_scopes: [read]
    calls: { orders: [read, place, cancel], admin: [manage, place] }
  kiosk:
    auth: { method: client_secret_post, secret_env: KIOSK_SECRET }
    calls: { orders: [place] }
services:
  orders:
    scopes:
      read: {}
      place: { calls: { payment: [charge], mail: [send] } }
      cancel: { calls: { refunds: [pay] } }
      internal: {}
  admin: { scopes: { manage: {}, place: {} } }
  payment: { scopes: { charge: {} } }
  refunds: { scopes: { pay: {} } }
  mail: { scopes: { send: {} } }
`;

export const ORDERS = 'https://orders.shop.example';
export const ADMIN = 'https://admin.shop.example';
