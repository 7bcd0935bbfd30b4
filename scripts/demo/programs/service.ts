/**
 * One service of the shop, as a program of its own. It knows no graph: its parent tells it which operations it has,
 * the scope that each needs and what each calls. All that it does about tokens is `protect` and `request.waybill.fetch`.
 */
import { TLSSocket } from 'node:tls';
import express, { type Express, type Request, type Response } from 'express';
import { extractor, type CredentialsOptions } from 'waybill/middleware';
import { answerParent, lineBytes, now } from './child.ts';
import { meshFetch, type Mesh } from './mesh.ts';
import { addressOf, expressPath, routeOf, type Operation } from './operations.ts';

export interface ServiceConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly operations: readonly HandledOperation[];
  /** Audiences of the services, by name: a service is called at its audience. */
  readonly audiences: Readonly<Record<string, string>>;
  readonly mesh: Mesh;
  /** Where the graph gives the service an `auth`. */
  readonly credentials: CredentialsOptions | undefined;
  /** Whether it takes tokens that name no caller, from a gateway. */
  readonly isEntry: boolean;
  /** Seconds for which it believes the issuer that a token was not revoked; undefined: it does not ask. */
  readonly revocationMaxAge: number | undefined;
}

export interface HandledOperation {
  readonly operation: string;
  readonly scope: string;
  /** Called in this order, one after the other. */
  readonly calls: readonly Operation[];
}

/** A request that was let in. */
export interface SeenRequest {
  /** When it arrived, before its token was looked at. */
  readonly at: number;
  readonly operation: string;
  /** The name in the certificate of whoever sent it. */
  readonly presenter: string;
  /** For the parent alone, which plays the attackers. */
  readonly token: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly lineBytes: number;
}

const ARRIVED = 'arrived';

answerParent<ServiceConfig, SeenRequest>((config, seen): Express => {
  const { issuer, audience, operations, mesh, credentials, isEntry, revocationMaxAge } = config;
  const waybill = extractor({
    issuer,
    audience,
    caller: 'mtls',
    unboundRoots: isEntry ? 'accept' : 'refuse',
    credentials,
    revocation: revocationMaxAge === undefined ? 'none' : 'introspect',
    revocationMaxAge,
    fetch: meshFetch(mesh),
  });
  const app = express();
  app.use((_request, response, next) => {
    response.locals[ARRIVED] = now();
    next();
  });
  for (const { operation, scope, calls } of operations) {
    const { method, path } = routeOf(operation);
    app[method](expressPath(path), waybill.protect({ scope }), async (request, response) => {
      seen.push(noted(request, response, operation));
      await callAll(calls, config.audiences, request, response);
    });
  }
  app.use(
    (request, response) => void response.status(404).json({ detail: `no ${request.method} ${request.path}` }),
  );
  return app;
});

function noted(request: Request, response: Response, operation: string): SeenRequest {
  const { authorization = '' } = request.headers;
  return {
    at: response.locals[ARRIVED] as number,
    operation,
    presenter: presenterOf(request),
    token: authorization.slice('Bearer '.length),
    claims: request.waybill.claims,
    lineBytes: lineBytes(authorization),
  };
}

function presenterOf({ socket }: Request): string {
  const names = socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.subjectAltName : undefined;
  return /URI:([^,]+)/.exec(names ?? '')?.[1] ?? 'nobody';
}

async function callAll(
  calls: readonly Operation[],
  audiences: ServiceConfig['audiences'],
  request: Request,
  response: Response,
): Promise<void> {
  for (const { service, operation } of calls) {
    const { method, url } = addressOf(audiences[service] ?? '', operation);
    try {
      const answered = await request.waybill.fetch(url, { method });
      const { detail } = (await answered.json()) as { detail?: string };
      if (!answered.ok) return fail(response, `${service} answered ${answered.status}: ${detail}`);
    } catch (error) {
      return fail(response, `${service} was not reached: ${reasonOf(error)}`);
    }
  }
  response.json({ done: true });
}

function fail(response: Response, detail: string): void {
  response.status(502).json({ detail });
}

/** `fetch failed` says little; its cause says why. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
