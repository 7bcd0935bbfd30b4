/** The edge of the shop: takes opaque tokens from browsers, and sends requests on with the token that the issuer gives. */
import { request as ask } from 'node:https';
import express, { type Express } from 'express';
import { gateway, type CredentialsOptions } from 'waybill/middleware';
import { answerParent, lineBytes, now } from './child.ts';
import { routeTo, type Mesh } from './mesh.ts';
import { passOn } from './pass-on.ts';

export interface GatewayConfig {
  readonly issuer: string;
  readonly credentials: CredentialsOptions;
  /** The service behind it: its audience, which is its address too. */
  readonly audience: string;
  readonly mesh: Mesh;
  /** The coding in which it asks for tokens; undefined: the graph's. */
  readonly encoding: 'nested' | 'packed' | undefined;
  /** Seconds for which a swapped token serves again; so long a revoked one may pass. */
  readonly swapMaxAge: number;
}

/** A request as the browser sent it, let in or not. */
export interface EdgeRequest {
  readonly at: number;
  readonly operation: string;
  readonly lineBytes: number;
}

answerParent<GatewayConfig, EdgeRequest>(({ audience, mesh, ...options }, seen): Express => {
  const edge = gateway(options);
  const app = express();
  app.use((request, _response, next) => {
    const { method, path, headers } = request;
    seen.push({ at: now(), operation: `${method} ${path}`, lineBytes: lineBytes(headers.authorization) });
    next();
  });
  app.use(edge.protect({ audience }), (request, response) => {
    const url = new URL(request.originalUrl, audience);
    const headers = { ...request.headers, host: url.host };
    passOn(request, ask({ ...routeTo(url, mesh), method: request.method, headers }), response);
  });
  return app;
});
