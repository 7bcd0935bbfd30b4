/**
 * The sidecar as a proxy of its own, for services that have none: before the application, and for its calls. It decides as
 * the checks do, and passes on what is allowed.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import { WaybillError } from '../../errors.ts';
import { headerValues } from '../../input/header-lines.ts';
import type { Direction } from '../metrics.ts';
import { sendRefusal } from '../refusal.ts';
import type { Decision, Sidecar } from '../sidecar.ts';
import { calleeOrigin, type Destinations } from './destinations.ts';
import { forward } from './forward.ts';
import { requestLines } from './forwarded-headers.ts';
import { readTarget, requireForwardable, type Target } from './target.ts';

export interface ProxyOptions {
  readonly destinations: Destinations;
  /** Longest silence of the application or a callee, in milliseconds. */
  readonly silenceMs: number;
  /** Most requests at once, in each direction; further ones are answered 503. */
  readonly maxRequests: number;
}

interface Route {
  decide(request: IncomingMessage, target: Target): Promise<Decision>;
  /** @param scheme of the audience that was called. */
  origin(target: Target, scheme: Target['scheme']): URL;
}

/** Before the application. @param upstream where the application listens. */
export function inboundProxy(sidecar: Sidecar, upstream: URL, options: ProxyOptions): RequestListener {
  const { extractor } = sidecar;
  return listener('inbound', sidecar, options, {
    decide: (request, { path }) =>
      sidecar.inbound({
        authorization: headerValues(request.rawHeaders, 'authorization'),
        dpop: headerValues(request.rawHeaders, 'dpop'),
        method: request.method ?? '',
        url: path,
        certificate: extractor.certificateOf(request),
        peer: extractor.peerOf(request),
      }),
    origin: () => upstream,
  });
}

/** For the calls of the application. @param addresses host → where it listens. */
export function egressProxy(
  sidecar: Sidecar,
  addresses: ReadonlyMap<string, URL>,
  options: ProxyOptions,
): RequestListener {
  return listener('outbound', sidecar, options, {
    decide: ({ rawHeaders }, { host, path }) =>
      sidecar.outbound({ authorization: headerValues(rawHeaders, 'authorization'), host, url: path }),
    origin: (target, scheme) => calleeOrigin(target, scheme, addresses),
  });
}

function listener(
  direction: Direction,
  sidecar: Sidecar,
  { destinations, silenceMs, maxRequests }: ProxyOptions,
  route: Route,
): RequestListener {
  let running = 0;
  const pass = async (request: IncomingMessage, response: ServerResponse, found: Found): Promise<void> => {
    requireForwardable(request);
    const target = readTarget(request);
    found.host = target.host;
    if (running > maxRequests)
      throw new WaybillError('overloaded', 'the sidecar passes as many requests on as it may');
    const decision = await route.decide(request, target);
    if (decision.refused) return sendRefusal(response, decision.refused);
    if (response.destroyed) return; // nobody waits for it any more
    const { authorization, identity, scheme } = decision;
    const { certificateHeader } = sidecar;
    await forward(request, response, {
      destination: destinations.at(route.origin(target, scheme)),
      path: target.path,
      lines: requestLines(request, { host: target.host, authorization, identity, certificateHeader }),
      silenceMs,
    });
  };
  return (request, response) => {
    const found: Found = {};
    running += 1;
    pass(request, response, found)
      .catch((error: unknown) => {
        const refused = sidecar.notForwarded(direction, found.host, error);
        // Half an answer must not look like a whole one.
        if (response.headersSent) response.destroy();
        else sendRefusal(response, refused);
      })
      .finally(() => (running -= 1));
  };
}

/** What is known of a request that fails. */
interface Found {
  host?: string;
}
