/** A protected service and its callee, on real ports. */
import express from 'express';
import type { RequestHandler } from 'express';

import {
  extractor,
  type Extractor,
  type ExtractorOptions,
  type ProtectOptions,
} from '../../src/middleware/index.ts';
import { listen } from '../support/http.ts';
import type { ScriptedIssuer } from '../support/issuer/scripted.ts';
import { AUDIENCE, NOW } from '../support/keys/signer.ts';

export function extractorFor(issuer: ScriptedIssuer, options: Partial<ExtractorOptions> = {}): Extractor {
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
