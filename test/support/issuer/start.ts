/** A real issuer on a real port, with its log in memory, and clients that speak to it. */
import type { RequestListener } from 'node:http';

import { pino } from 'pino';

import type { Plan } from '../../../src/graph/index.ts';
import {
  createApp,
  listen,
  type AppOptions,
  type RunningServer,
  type TlsOptions,
} from '../../../src/issuer/http/index.ts';
import { createIssuer, type Issuer, type ServedIssuerOptions } from '../../../src/issuer/index.ts';
import type { KeyRing } from '../../../src/issuer/keys/index.ts';
import { PATIENT, firstStore, keysFor, secretOf, secretsFor } from './issue.ts';
import { planOf } from '../compile.ts';
import { basic, send, type Answer, type Sent } from '../http.ts';

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

export interface RequestOptions extends Sent {
  /** Authenticates with Basic and the secret that the test issuer gave this client. */
  readonly as?: string;
  readonly path?: string;
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
  readonly issuer?: Partial<ServedIssuerOptions>;
}

/** @param graph the graph, or its plan, for an issuer URL, which is known once it has a port. */
export async function startIssuer(
  graph: (url: string) => string | Plan,
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
  const declared = graph(url);
  const plan = typeof declared === 'string' ? planOf(declared) : declared;
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
