/** Real servers on port 0 for the tests: an issuer's public side, a protected service, a callee. */

import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerOptions, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import express from 'express';
import type { RequestHandler } from 'express';
import type { JWK } from 'jose';

import {
  extractor,
  type Extractor,
  type ExtractorOptions,
  type ProtectOptions,
} from '../../src/middleware/index.ts';
import { AUDIENCE, NOW, claims, makeSigner, type Json, type Signer } from '../support/keys/signer.ts';

const open = new Set<Server>();

/** Call in `afterEach` or `after`: closes every server and the connections that fetch keeps open. */
export async function closeServers(): Promise<void> {
  const closing = [...open].map((server) => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    return closed;
  });
  open.clear();
  await Promise.all(closing);
}

export async function listen(listener: RequestListener, options: ServerOptions = {}): Promise<string> {
  const server = createServer(options, listener);
  open.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The public side of an issuer, with what a test may bend. */
export interface TestIssuer {
  readonly url: string;
  readonly signer: Signer;
  /** Paths in the order in which they were asked for. */
  readonly requests: string[];
  keys: JWK[];
  /** Members that replace those of the metadata. */
  metadata: Json;
  /** Answers in place of the issuer; returns true where it did. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** A token of this issuer; overrides as in `claims`. */
  token(overrides?: Json, header?: Json): Promise<string>;
  asked(path: string): number;
}

export const METADATA_PATH = '/.well-known/oauth-authorization-server';

/** @param path the issuer's own path, say `/tenant`. */
export async function startIssuer(path = ''): Promise<TestIssuer> {
  const signer = await makeSigner();
  const requests: string[] = [];
  const origin = await listen((request, response) => {
    requests.push(request.url ?? '');
    if (issuer.intercept?.(request, response) === true) return;
    const documents: Record<string, unknown> = {
      [`${METADATA_PATH}${path}`]: { issuer: issuer.url, jwks_uri: `${origin}/jwks`, ...issuer.metadata },
      '/jwks': { keys: issuer.keys },
    };
    const document = documents[request.url ?? ''];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  });
  const issuer: TestIssuer = {
    url: `${origin}${path}`,
    signer,
    requests,
    keys: [signer.publicJwk],
    metadata: {},
    intercept: undefined,
    token: (overrides = {}, header = {}) => signer.sign(claims({ iss: issuer.url, ...overrides }), header),
    asked: (asked) => requests.filter((request) => request === asked).length,
  };
  return issuer;
}

export function extractorFor(issuer: TestIssuer, options: Partial<ExtractorOptions> = {}): Extractor {
  return extractor({ issuer: issuer.url, audience: AUDIENCE, caller: 'none', clock: () => NOW, ...options });
}

/** An Express service with one protected route, `/orders`. */
export async function startService(
  waybill: Extractor,
  protect?: ProtectOptions,
  handler: RequestHandler = (request, response) => {
    response.json({ sub: request.waybill.claims.sub, scopes: request.waybill.scopes });
  },
): Promise<string> {
  const app = express().set('env', 'test'); // does not print what a handler throws
  app.all('/orders', waybill.protect(protect), handler);
  return `${await listen(app, { maxHeaderSize: 256 * 1024 })}/orders`;
}

/** A callee that answers with the path and the Authorization header that it got. */
export async function startCallee(): Promise<string> {
  return listen((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ path: request.url, authorization: request.headers.authorization ?? null }));
  });
}

/** Whether a `fetch` goes to an issuer's introspection endpoint. */
export function isIntrospection(input: string | URL | Request): boolean {
  const address = input instanceof Request ? input.url : input.toString();
  return address.endsWith('/introspect');
}
