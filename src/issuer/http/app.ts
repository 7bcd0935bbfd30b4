/** The issuer's Express application. It reads the current issuer for each request, so that a graph can be replaced. */
import type { RequestListener } from 'node:http';
import express, { type ErrorRequestHandler, type Response } from 'express';
import type { Logger } from 'pino';
import { Admission, type AdmissionLimits } from './admission.ts';
import { sendJson, sendOAuthError, sendProblem } from './responses.ts';
import { formEndpoint, logRefusal, type EndpointOptions } from './authenticated-form.ts';
import type { ClientCertificates } from './certificate-methods.ts';
import { readForm, type Handler } from './form.ts';
import { introspectionEndpoint } from './introspection-endpoint.ts';
import { WELL_KNOWN, metadataOf, metadataPath, pathOf } from './metadata.ts';
import { Readiness, type ReadinessReport } from './readiness.ts';
import { revocationEndpoint } from './revocation-endpoint.ts';
import { tokenEndpoint } from './token-endpoint.ts';

/** What the issuer's HTTP application is made from. */
export interface AppOptions extends EndpointOptions {
  /** What `/readyz` answers. Default: the readiness of this issuer, which needs no store. */
  readonly readiness?: () => Promise<ReadinessReport>;
  /** Whether new requests are accepted, if `readiness` is left out. Default: always. */
  readonly ready?: () => boolean;
  /** Limits beyond which requests are answered 503. */
  readonly admission?: AdmissionLimits | undefined;
  /** What the server shows of the certificates of clients. Default: with `certificateProxy` `verified`, else `none`. */
  readonly clientCertificates?: ClientCertificates | undefined;
}

/** How long a verifier may keep metadata and keys, in seconds. */
const PUBLIC_SECONDS = 60;
/** Addresses of `X-Forwarded-For` to examine, from the last one on: more proxies than any request passes. */
const MAX_PROXIES = 32;

/**
 * Makes the Express application of an issuer: token, introspection and revocation endpoint, keys, metadata, health. It asks
 * `issuer` for each request, so that a program can replace the issuer when the graph or the keys change.
 *
 * @example
 * ```ts
 * import pino from 'pino';
 * import { createApp, listen, type Issuer } from 'waybill';
 *
 * declare const issuer: Issuer;
 * const app = createApp({ issuer: () => issuer, log: pino() });
 * const server = await listen(app, { host: '127.0.0.1', port: 8080 });
 * console.log(server.url);
 * ```
 */
export function createApp(options: AppOptions): RequestListener {
  const { issuer, log, ready, certificateProxy, forwardedFrom } = options;
  const { clientCertificates = certificateProxy ? 'verified' : 'none' } = options;
  const own = new Readiness({ issuer, ready });
  const readiness = options.readiness ?? (async () => own.report());
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('case sensitive routing').enable('strict routing');
  if (forwardedFrom) {
    app.set('trust proxy', (address: string, hop: number) => hop < MAX_PROXIES && forwardedFrom.has(address));
  }
  const { url } = issuer().plan.issuer;
  // At the root and, if the issuer has a path, under that too: a proxy may strip it or not.
  const at = (suffix: string) => routes(suffix, `${pathOf(url)}${suffix}`);
  const metadata = routes(WELL_KNOWN, metadataPath(url));

  const admission = new Admission(log, options.admission ?? {}, () => options.observer?.overloaded());
  const form = [admission.beforeBody, readForm(() => issuer().plan)];
  app.post(at('/token'), form, formEndpoint(options, admission, tokenEndpoint));
  app.post(at('/introspect'), form, formEndpoint(options, admission, introspectionEndpoint));
  app.post(at('/revoke'), form, formEndpoint(options, admission, revocationEndpoint));
  app.get(at('/jwks'), (_request, response) => {
    sendPublic(response, issuer().jwks, 'application/jwk-set+json');
  });
  app.get(metadata, (_request, response) => {
    sendPublic(response, metadataOf(issuer().plan, clientCertificates), 'application/json');
  });
  app.get('/healthz', (_request, response) => {
    sendJson(response, 200, { status: 'ok' });
  });
  app.get('/readyz', async (_request, response) => {
    const { status, body } = await readiness();
    sendJson(response, status, body);
  });
  app.all([...at('/token'), ...at('/introspect'), ...at('/revoke')], otherMethod('POST'));
  app.all([...at('/jwks'), ...metadata, '/healthz', '/readyz'], otherMethod('GET, HEAD'));
  app.use((_request, response) => {
    sendProblem(
      response,
      404,
      'Not Found',
      'No such endpoint. The endpoints are listed in /.well-known/oauth-authorization-server.',
    );
  });
  app.use(failed(log));
  return app;
}

/** Escapes what Express would read as a pattern in the issuer's path. */
function routes(...paths: string[]): string[] {
  return [...new Set(paths)].map((path) => path.replace(/[{}()[\]+?!:*\\]/g, '\\$&'));
}

function sendPublic(response: Response, body: object, type: string): void {
  sendJson(response, 200, body, {
    'content-type': type,
    'cache-control': `public, max-age=${PUBLIC_SECONDS}`,
  });
}

function otherMethod(allow: string): Handler {
  return (_request, response) => {
    sendProblem(response, 405, 'Method Not Allowed', `Use ${allow}.`, { allow });
  };
}

/** Before an endpoint is reached, only reading the body can fail; any other error is a fault of the issuer. */
function failed(log: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return void next(error);
    logRefusal(log, error);
    sendOAuthError(response, error);
  };
}
