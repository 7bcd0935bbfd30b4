/**
 * The sidecar as a proxy of its own, for services that have none: before the application, and for its calls. It decides as
 * the checks do, and passes on what is allowed.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import { WaybillError } from '../../errors.ts';
import { headerValues } from '../../input/header-lines.ts';
import { findByHost } from '../callees.ts';
import type { Direction } from '../metrics.ts';
import { sendRefusal } from '../refusal.ts';
import type { Decision, Sidecar } from '../sidecar.ts';
import { calleeOrigin, type Destination, type Destinations } from './destinations.ts';
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
  destination(target: Target, scheme: Target['scheme']): Destination;
}

/** Before the application. @param upstream where the application listens. */
export function inboundProxy(sidecar: Sidecar, upstream: URL, options: ProxyOptions): RequestListener {
  const { extractor } = sidecar;
  const { destinations } = options;
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
    destination: () => destinations.at(upstream),
  });
}

/** By host of a call, in lower case, with a port or without. */
export interface CalleeTables {
  /** Where it listens. */
  readonly addresses: ReadonlyMap<string, URL>;
  /** The SPIFFE ID that its certificate must have. Others are known by their host name. */
  readonly identities: ReadonlyMap<string, readonly string[]>;
}

/** For the calls of the application. */
export function egressProxy(
  sidecar: Sidecar,
  { addresses, identities }: CalleeTables,
  options: ProxyOptions,
): RequestListener {
  const { destinations } = options;
  return listener('outbound', sidecar, options, {
    decide: ({ rawHeaders }, { host, path }) =>
      sidecar.outbound({ authorization: headerValues(rawHeaders, 'authorization'), host, url: path }),
    destination: (target, scheme) =>
      destinations.at(calleeOrigin(target, scheme, addresses), findByHost(identities, target.host)),
  });
}

function listener(
  direction: Direction,
  sidecar: Sidecar,
  { silenceMs, maxRequests }: ProxyOptions,
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
      destination: route.destination(target, scheme),
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
