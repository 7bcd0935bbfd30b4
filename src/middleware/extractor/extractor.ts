/**
 * The extractor: verifies the token of a request and hands out the tokens of the calls that the request leads to.
 * It knows no graph and no framework: each adapter in `adapters` stands on `admission`.
 */

import type { X509Certificate } from 'node:crypto';

import { isWaybillError } from '../../errors.ts';
import {
  presentedPeer,
  verifiedCertificate,
  type PresentedPeer,
  type ReceivedRequest,
} from '../../identity/index.ts';
import { isScopeToken } from '../../protocol.ts';
import { protectHandler, type ProtectHandler } from '../adapters/express.ts';
import { requireNames, requireTexts, usage } from '../option-checks.ts';
import type { AuthorizationHeader } from '../request/authorization.ts';
import { incomingRequest, type IncomingRequest } from '../request/incoming-request.ts';
import { dropForgedCertificates, fromNode } from '../request/node-request.ts';
import { refusal } from '../request/refusal.ts';
import type { Admission, Admit } from './admission.ts';
import { CurrentRequest } from './current-request.ts';
import type { ExtractorOptions } from './options.ts';
import type { RequestContext } from './request-context.ts';
import { RequestVerifier, type Demands } from './request-verifier.ts';
import { readSettings } from './settings.ts';

export interface ProtectOptions {
  /** Scopes that the token must have, all of them: separated by blanks, or a list. Default: none. */
  readonly scope?: string | readonly string[] | undefined;
  /**
   * Parties of which one must have acted on the way to the request, by the names in `act`; the token must name all of them
   * back to its client (`lineage: full`). A second fence: `through` in the graph lets the issuer decide the same, and RFC
   * 8693 section 4.1 leaves it to that. Default: any.
   */
  readonly allowLineage?: readonly string[] | undefined;
}

export interface AuthenticateOptions extends ProtectOptions {
  /** The request's Authorization header: undefined for none, a list where there may be several lines. */
  readonly authorization: AuthorizationHeader;
  /**
   * The certificate of the request's peer, where the server asked for one and verified it against its authorities; never
   * one that only arrived. Needed for `caller: 'mtls'` and for tokens that are bound to a certificate. Default: none.
   */
  readonly certificate?: X509Certificate | undefined;
  /**
   * What a proxy that ended TLS and verified the peer's certificate says of it, where it passes on names and no
   * certificate; from `peerOf`, or the principal that an external authorization names. Default: none.
   */
  readonly peer?: PeerNames | undefined;
  /** The request's DPoP header, as `authorization`. Needed, with the next two, for tokens that are bound to a DPoP key. */
  readonly dpop?: AuthorizationHeader;
  /** The request's method. */
  readonly method?: string | undefined;
  /** The request's path, as its line names it, or its whole address, of which the path counts alone. */
  readonly url?: string | undefined;
}

/** The names of a peer's certificate, as a trusted party that verified it says them. */
export interface PeerNames {
  /** All URIs among the alternative names. A SPIFFE ID counts only if it is the one URI. */
  readonly uris?: readonly string[] | undefined;
  /** All DNS names among the alternative names. */
  readonly dns?: readonly string[] | undefined;
}

/** A request that this service has accepted before. */
export interface ResumeOptions {
  /** The Authorization header that the request came with. */
  readonly authorization: AuthorizationHeader;
}

/** Verifies the tokens of requests to a service, and hands out the tokens for its own calls. */
export interface Extractor {
  /**
   * A handler for Express that accepts a request only with a valid token, and sets `request.waybill`. It answers
   * everything else itself, in problem documents (RFC 9457) with a challenge (RFC 6750 section 3, RFC 9449 section 7.1).
   *
   * @throws WaybillError `usage` for an unknown option or a scope that is none.
   */
  protect(options?: ProtectOptions): ProtectHandler;
  /**
   * The same for any framework; `refusal(error)` makes an answer of what it throws. With `mode: 'report'` it throws no
   * refusal: the context then has `verified: false`.
   *
   * @throws WaybillError `token_…`, `invalid_dpop_proof`, `scope_insufficient`, `issuer_unavailable`, `issuer_metadata`; `usage`.
   */
  authenticate(options: AuthenticateOptions): Promise<RequestContext>;
  /**
   * What an adapter for a framework stands on: decides on each request, and says how to refuse it.
   *
   * @throws WaybillError `usage` for an unknown option or a scope that is none.
   */
  admission(options?: ProtectOptions): Admit;
  /**
   * The context of the request that this code runs for, however far from its handler. Each adapter makes it the current
   * one until the request has been answered.
   *
   * @throws WaybillError `usage` outside of a request, after its end, and on a platform without AsyncLocalStorage.
   */
  current(): RequestContext;
  /**
   * `current().fetch`: calls another service with the token that the current request carries for it.
   *
   * @throws WaybillError as `current` and `RequestContext.fetch`.
   */
  fetch(address: string | URL, init?: RequestInit): Promise<Response>;
  /**
   * The certificate of a request's peer, as `protect` sees it, for `authenticate`: that of the connection, or what a proxy
   * that `clientCertFrom` names passes on.
   *
   * @param request Node's own, as frameworks keep it (`request.raw` of Fastify).
   * @returns undefined if there is none, or it was not verified.
   */
  certificateOf(request: ReceivedRequest): X509Certificate | undefined;
  /**
   * What a proxy that `clientCertFrom` names says of the peer in `x-forwarded-client-cert`, for `authenticate`: its URIs,
   * and DNS names, which are there without a certificate too (Istio).
   *
   * @returns undefined if the request is not from the proxy, or the header says nothing.
   */
  peerOf(request: ReceivedRequest): PeerNames | undefined;
  /**
   * The context of a request that `authenticate` or `protect` accepted before, where only its header is left: in another
   * process of the same service, or in a sidecar that is asked for the token of a call. The token is verified again,
   * revocation included, but not who presents it, since that is the service itself now. So never give it the header of a
   * request that was not accepted.
   *
   * @throws WaybillError `token_…`, `issuer_unavailable`, `issuer_metadata`; `usage`.
   */
  resume(options: ResumeOptions): Promise<RequestContext>;
}

/** Where calls find their tokens: the extractor, whose current request then counts, or the context of one request. */
export type TokenSource = Pick<Extractor, 'current'> | Pick<RequestContext, 'obtainHeaders'>;

/**
 * Makes the extractor of a service. Nothing is fetched before the first token comes.
 *
 * @throws WaybillError `usage` for an option that is unknown, missing or has the wrong shape.
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { extractor } from 'waybill/middleware';
 *
 * const waybill = extractor({
 *   issuer: 'https://tokens.example',
 *   audience: 'https://shop.example',
 *   caller: 'none', // whoever holds a token may present it
 * });
 * const app = express();
 * app.post('/order', waybill.protect({ scope: 'order' }), async (request, response) => {
 *   const paid = await request.waybill.fetch('https://payment.example/charge', { method: 'POST' });
 *   response.status(paid.ok ? 201 : 502).end();
 * });
 * ```
 */
export function extractor(options: ExtractorOptions): Extractor {
  const settings = readSettings(options);
  const requests = new RequestVerifier(settings);
  const currentRequest = new CurrentRequest();

  async function decide(received: IncomingRequest, demands: Demands): Promise<Admission> {
    try {
      return currentRequest.scope(await requests.verify(received, demands));
    } catch (error) {
      const refused = refusal(error, demands.scope);
      if (refused === undefined || !isWaybillError(error)) throw error;
      return { refusal: refused, error };
    }
  }

  function admission(given: ProtectOptions, where: string): Admit {
    requireNames(given, ['scope', 'allowLineage'], where);
    const demands = readDemands(given);
    const { certificateProxy } = settings;
    return async (request) => {
      if (!('rawHeaders' in request)) return decide(incomingRequest(request, [...request.headers]), demands);
      if (certificateProxy) dropForgedCertificates(request, certificateProxy);
      return decide(fromNode(request, certificateProxy), demands);
    };
  }

  return Object.freeze({
    protect: (given: ProtectOptions = {}) => protectHandler(admission(given, 'protect()')),
    admission: (given: ProtectOptions = {}) => admission(given, 'admission()'),
    current: () => currentRequest.get(),
    async fetch(address: string | URL, init?: RequestInit) {
      return currentRequest.get().fetch(address, init);
    },
    async authenticate(given: AuthenticateOptions) {
      requireNames(given, AUTHENTICATE_NAMES, 'authenticate()');
      const { authorization, dpop, method, url, certificate: verified, peer } = given;
      const names = peer && { names: { uris: peer.uris ?? [], dns: peer.dns ?? [], emails: [], ips: [] } };
      const certificate = verified ? { certificate: verified, verified: true } : names;
      return requests.verify({ authorization, dpop, method, url, certificate }, readDemands(given));
    },
    certificateOf: (request: ReceivedRequest) => verifiedCertificate(request, settings.certificateProxy),
    peerOf: (request: ReceivedRequest) => namesOf(presentedPeer(request, settings.certificateProxy)),
    async resume(given: ResumeOptions) {
      requireNames(given, ['authorization'], 'resume()');
      return requests.resume(given.authorization);
    },
  });
}

const AUTHENTICATE_NAMES = [
  ...['authorization', 'certificate', 'peer', 'dpop', 'method', 'url'],
  ...['scope', 'allowLineage'],
];

function namesOf(peer: PresentedPeer | undefined): PeerNames | undefined {
  return peer !== undefined && 'names' in peer ? { uris: peer.names.uris, dns: peer.names.dns } : undefined;
}

const NO_DEMANDS: Demands = { scope: [], allowLineage: undefined };

function readDemands({ scope, allowLineage }: ProtectOptions): Demands {
  if (scope === undefined && allowLineage === undefined) return NO_DEMANDS;
  const parties = allowLineage && requireTexts(allowLineage, 'allowLineage');
  if (parties?.length === 0) throw usage('allowLineage must name a party; leave it out to allow any');
  return { scope: readScope(scope), allowLineage: parties };
}

/** An empty scope is a slip, not a wish for none: who wants none leaves the option out. */
function readScope(scope: ProtectOptions['scope']): readonly string[] {
  if (scope === undefined) return [];
  const scopes = typeof scope === 'string' ? scope.split(' ') : [...scope];
  const valid = scopes.length > 0 && scopes.every(isScopeToken);
  if (!valid)
    throw usage('scope must be scopes with single blanks between, or a list; leave it out to ask for none');
  return scopes;
}
