/**
 * Checks over HTTP, for proxies that ask before they pass a request on. The answer 200 lets it pass; every other answer is
 * meant for whoever sent it.
 *
 * - `/inbound/…` and `/outbound/…` are Envoy's external authorization over HTTP: method, path and host of the check are
 *   those of the request.
 * - `/auth/inbound` and `/auth/outbound` are for nginx' `auth_request`, and forward authentication as Traefik, Caddy and
 *   HAProxy's scripts have it: `X-Forwarded-Method`, `X-Forwarded-Uri` and `X-Forwarded-Host` name those of the request.
 *
 * The path alone says which it is. In the first, headers of such names are the client's own, and count nothing.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import { headerValues } from '../../input/header-lines.ts';
import { sendRefusal } from '../refusal.ts';
import type { Sidecar } from '../sidecar.ts';
import { decide, headerChanges, type Asked } from './decide.ts';

interface AskedOverHttp extends Asked {
  /** Whether the proxy sends only the `authorization` of the answer, and never its client's own. */
  readonly needsAuthorization: boolean;
}

const ENVOY = /^\/(inbound|outbound)(\/.*)$/s;
const FORWARD_AUTH = /^\/auth\/(inbound|outbound)(?:\?|$)/;
/** Envoy removes headers that the answer of a check names here. */
const REMOVED = 'x-envoy-auth-headers-to-remove';

export function httpChecks(sidecar: Sidecar): RequestListener {
  return (request, response) => {
    request.resume();
    const asked = readCheck(request);
    if (asked === undefined) return sendUnknown(response);
    decide(sidecar, request, asked).then(
      (decision) => {
        const needsAuthorization = asked.needsAuthorization || sidecar.replacesInbound;
        if (decision.refused) sendRefusal(response, decision.refused);
        else {
          const { set, removed } = headerChanges(request.rawHeaders, needsAuthorization, decision);
          response.writeHead(200, [...set, [REMOVED, removed.join(',')]].flat()).end();
        }
      },
      () => response.destroy(), // nothing that is decided throws
    );
  };
}

function readCheck(request: IncomingMessage): AskedOverHttp | undefined {
  const { method = '', url = '', rawHeaders } = request;
  const [, envoy, path] = ENVOY.exec(url) ?? [];
  if (envoy !== undefined && path !== undefined) {
    const host = only(rawHeaders, 'host') ?? '';
    const direction = envoy as Asked['direction'];
    return { direction, method, url: path, host, needsAuthorization: direction === 'outbound' };
  }
  const [, direction] = FORWARD_AUTH.exec(url) ?? [];
  if (direction === undefined) return undefined;
  return {
    direction: direction as Asked['direction'],
    method: only(rawHeaders, 'x-forwarded-method') ?? '',
    url: only(rawHeaders, 'x-forwarded-uri') ?? '',
    host: only(rawHeaders, 'x-forwarded-host') ?? '',
    needsAuthorization: true,
  };
}

/** A header that a proxy sets stands there once; of two, one is the client's. */
function only(rawHeaders: readonly string[], name: string): string | undefined {
  const values = headerValues(rawHeaders, name);
  return values.length === 1 ? values[0] : undefined;
}

function sendUnknown(response: ServerResponse): void {
  const body = JSON.stringify({
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    detail: 'This port has /inbound/…, /outbound/…, /auth/inbound and /auth/outbound.',
  });
  response
    .writeHead(404, { 'content-type': 'application/problem+json', 'content-length': Buffer.byteLength(body) })
    .end(body);
}
