/**
 * The edge: clients present opaque references or root tokens, services behind it see the root token alone. The gateway
 * asks the issuer for it (the phantom-token swap), keeps the answer for seconds, and sends on no token header that a
 * client made itself. It knows no graph and no framework; `express.ts` is an adapter on top.
 *
 * If a token is bound to a key, the gateway checks that its presenter holds that key, and sends the key's thumbprint to
 * the issuer, which then returns the root without the binding: no service behind the gateway could satisfy it. A presenter
 * with no key or another one is refused; the issuer would return it only a root that is still bound.
 */

import type { X509Certificate } from 'node:crypto';

import { issuerKeys, issuerUnavailable } from '../../discovery/index.ts';
import { WaybillError } from '../../errors.ts';
import { presentedCertificate, type ReceivedRequest } from '../../identity/index.ts';
import {
  audiencesOf,
  bindingsOf,
  eagerVerifier,
  isReference,
  isSealed,
  readSealedHeader,
} from '../../token/index.ts';
import { originsOf } from '../request/addresses.ts';
import { presentedToken, refusedToken, type PresentedToken } from '../request/authorization.ts';
import { ConcurrencyLimit } from '../issuer-calls/concurrency-limit.ts';
import { swapHandler, type ProtectHandler } from '../adapters/express.ts';
import type { CachedToken } from '../caching/cached-token.ts';
import { readGatewaySettings, type GatewayOptions, type GatewaySettings } from './gateway-options.ts';
import { IntrospectionClient } from '../issuer-calls/introspection.ts';
import { decisionsBy } from '../decisions/decisions.ts';
import { requireAudiences, requireNames } from '../option-checks.ts';
import { requireKeys, presentedThumbprint, type Presenter } from '../request/presenter.ts';
import { requestText, type RequestValues } from '../request/request-values.ts';
import { proofCheck, type ProofCheck } from '../request/dpop-proofs.ts';
import {
  incomingRequest,
  type HeaderLine,
  type IncomingRequest,
  type RequestDescription,
} from '../request/incoming-request.ts';
import { REFUSAL_SECONDS, CoalescingCache, type IssuerAnswer } from '../caching/coalescing-cache.ts';
import { isTokenHeader } from './token-headers.ts';
import { cachedVerifier } from '../caching/verified-cache.ts';

export interface RouteOptions {
  /** The audience of the service behind this route, or all of them: a token for any other service is refused. */
  readonly audience: string | readonly string[];
}

/**
 * A request for the service behind a route: `method` and `url` are needed for tokens that are bound to a DPoP key,
 * `certificate`, from `certificateOf`, for tokens that are bound to one.
 */
export interface SwapOptions extends RouteOptions, RequestDescription {
  /** As the option `requestContext` gives it for `protect`. Default: the gateway says nothing of the request. */
  readonly requestContext?: RequestValues | undefined;
}

/** What goes on to the service. */
export interface Swapped {
  /**
   * The root token. Never put it in a log, nor in an answer to the client. Undefined only with `mode: 'report'`, for a
   * request that would have been refused.
   */
  readonly token: string | undefined;
  /**
   * The request's lines without any that carries a token, and one `Authorization` with the root token; where there is no
   * token, with the `Authorization` that the client sent.
   */
  readonly headers: readonly HeaderLine[];
}

/** Swaps what clients send for the root token that the entry service accepts, and strips headers. */
export interface Gateway {
  /**
   * A handler for Express that lets a request pass only with a token for the service behind this route, its headers
   * rewritten. It answers everything else itself, as the extractor's `protect` does.
   *
   * @throws WaybillError `usage` for an unknown option or an empty audience.
   */
  protect(options: RouteOptions): ProtectHandler;
  /**
   * The same for any framework; `refusal(error)` makes an answer of what it throws. With `mode: 'report'` it throws no
   * refusal.
   *
   * @throws WaybillError `token_…`, `invalid_dpop_proof`, `issuer_unavailable`, `issuer_metadata`, `introspection_refused`; `usage`.
   */
  swap(options: SwapOptions): Promise<Swapped>;
  /**
   * The certificate of a request's peer, as `protect` sees it, for `swap`: that of the connection, or what a proxy that
   * `clientCertFrom` names passes on. A binding is to the key alone, so its chain is not checked (RFC 8705 section 6.2).
   *
   * @param request Node's own, as frameworks keep it (`request.raw` of Fastify).
   * @returns undefined if it has none.
   */
  certificateOf(request: ReceivedRequest): X509Certificate | undefined;
}

const SWAP_NAMES = ['audience', 'headers', 'method', 'url', 'certificate', 'requestContext'];
const ACCESS_TOKEN = 'application/jwt';
const INACTIVE = { code: 'token_inactive', message: 'the issuer says that the token is not active' } as const;
/** Most root tokens whose signature is remembered as good. */
const VERIFIED_TOKENS = 1_000;

/**
 * Makes the gateway. Nothing is fetched before the first token comes.
 *
 * @throws WaybillError `usage` for an option that is unknown, missing or has the wrong shape.
 *
 * @example
 * ```ts
 * import { gateway } from 'waybill/middleware';
 *
 * const edge = gateway({
 *   issuer: 'https://tokens.example',
 *   credentials: { clientId: 'edge', secret: process.env.EDGE_SECRET ?? '' },
 * });
 * ```
 */
export function gateway(options: GatewayOptions): Gateway {
  const settings = readGatewaySettings(options);
  const swapper = new Swapper(settings);
  const decisions = decisionsBy('gateway', settings, { maxBytes: settings.inbound });

  async function swap(
    received: IncomingRequest,
    headers: readonly HeaderLine[],
    audiences: readonly string[],
    context: string | undefined,
  ): Promise<Swapped> {
    const kept = headers.filter((line) => !isTokenHeader(line, settings.stripHeaders));
    let presented: PresentedToken | undefined;
    const audience = audiences[0]!;
    try {
      presented = presentedToken(received.authorization, settings);
      const { compact, claims } = await swapper.swap(presented, received, audiences, context);
      decisions.accepted?.({ audience, claims });
      return { token: compact, headers: [...kept, ['Authorization', `Bearer ${compact}`]] };
    } catch (error) {
      const refused = presented === undefined ? error : refusedToken(presented, error);
      decisions.refused(refused, { audience, presented: presented?.token });
      return { token: undefined, headers: [...kept, ...headers.filter(isAuthorization)] };
    }
  }

  return Object.freeze({
    protect(given: RouteOptions) {
      requireNames(given, ['audience'], 'protect()');
      const audiences = requireAudiences(given.audience);
      return swapHandler(async (received, headers, request) => {
        const context = requestText(settings.requestContext?.(request), 'requestContext');
        return (await swap(received, headers, audiences, context)).headers;
      }, settings.certificateProxy);
    },
    async swap(given: SwapOptions) {
      requireNames(given, SWAP_NAMES, 'swap()');
      const lines = [...given.headers];
      const context = requestText(given.requestContext, 'requestContext');
      return swap(incomingRequest(given, lines), lines, requireAudiences(given.audience), context);
    },
    certificateOf: (request: ReceivedRequest) =>
      presentedCertificate(request, settings.certificateProxy)?.certificate,
  });
}

/** With `mode: 'report'` a refused request keeps the one header by which older services may know their users. */
function isAuthorization([name]: HeaderLine): boolean {
  return name.toLowerCase() === 'authorization';
}

/** A root that only its entry can open: the gateway passes it on unread, as the issuer gave it. */
interface SealedRoot {
  readonly compact: string;
  readonly chars: number;
  /** The entry, as the seal names it. */
  readonly audience: string;
  readonly claims?: undefined;
}

type Root = CachedToken | SealedRoot;

class Swapper {
  readonly #settings: GatewaySettings;
  readonly #verify: (token: string) => CachedToken | Promise<CachedToken>;
  readonly #client: IntrospectionClient;
  readonly #swaps: CoalescingCache<Root>;
  readonly #proofs: ProofCheck;

  constructor(settings: GatewaySettings) {
    const { issuer, clock, clockTolerance, keysMaxAge, cachedSwaps, cachedProofs } = settings;
    this.#settings = settings;
    const verify = eagerVerifier({
      issuer,
      keys: issuerKeys({ ...settings, fetch: settings.issuerFetch }),
      clock,
      clockTolerance,
    });
    const options = { tokens: VERIFIED_TOKENS, maxAge: keysMaxAge, clock };
    this.#verify = cachedVerifier(verify, (kept) => kept, options);
    const { authenticate } = settings;
    const connections = new ConcurrencyLimit(settings.connections);
    this.#client = new IntrospectionClient(settings, { authenticate, connections });
    this.#swaps = new CoalescingCache(clock, cachedSwaps, ({ chars }) => chars);
    this.#proofs = proofCheck(clock, cachedProofs);
  }

  /** A token that is forged, no root, or another's, costs the issuer no request. */
  async swap(
    { scheme, token }: PresentedToken,
    received: IncomingRequest,
    audiences: readonly string[],
    context: string | undefined,
  ): Promise<Root> {
    const { clock, addresses = audiences.flatMap(originsOf) } = this.#settings;
    const own = isReference(token) ? undefined : await this.#verify(token);
    if (own !== undefined) requireRoot(own);
    const proof = scheme === 'DPoP' ? await this.#proofs.verify(received, token, addresses) : undefined;
    const presenter = { scheme, jkt: proof?.jkt, certificate: received.certificate };
    if (own !== undefined) requireKeys(own.claims, presenter, clock);
    // A token that is no reference was signed with its claims.
    const root = await this.#root(token, presenter, own === undefined ? context : undefined);
    // The first audience is the service that the token was made for.
    const [primary = ''] = root.claims ? audiencesOf(root.claims) : [root.audience];
    if (!audiences.includes(primary)) {
      throw new WaybillError('token_audience', `the token is not for ${audiences.join(' or ')}`);
    }
    if (proof !== undefined) this.#proofs.use(proof);
    return root;
  }

  /** Cached for the same presented keys and the same context only: they are part of the cache key. */
  async #root(token: string, presenter: Presenter, context: string | undefined): Promise<Root> {
    const { clock } = this.#settings;
    const keys: Record<string, string> = {};
    if (presenter.jkt !== undefined) keys['dpop_jkt'] = presenter.jkt;
    const thumbprint = presentedThumbprint(presenter.certificate, clock);
    if (thumbprint !== undefined) keys['x5t#S256'] = thumbprint;
    if (context !== undefined) keys['request_context'] = context;
    const shown = Object.entries(keys).flat().join(' ');
    const root = await this.#swaps.get(token, shown, () => this.#ask(token, keys));
    // Still bound, so the presenter has not shown its key.
    if (!root.claims || bindingsOf(root.claims) === undefined) return root;
    requireKeys(root.claims, presenter, clock);
    throw issuerUnavailable('the introspection endpoint left the binding in a token whose key was shown');
  }

  async #ask(token: string, keys: Readonly<Record<string, string>>): Promise<IssuerAnswer<Root>> {
    const { clock, swapMaxAge, encoding } = this.#settings;
    const wanted = encoding === undefined ? keys : { ...keys, encoding };
    const { status, type, text } = await this.#client.ask(token, ACCESS_TOKEN, wanted);
    const until = clock() + swapMaxAge;
    if (status === 204) return { refused: INACTIVE, until: Math.min(until, clock() + REFUSAL_SECONDS) };
    if (type !== ACCESS_TOKEN)
      throw issuerUnavailable('the introspection endpoint did not answer with a token');
    if (isSealed(text)) return { value: sealedRoot(text), until };
    const root = await this.#verify(text);
    requireRoot(root);
    return { value: root, until: Math.min(until, root.claims.exp) };
  }
}

function sealedRoot(compact: string): SealedRoot {
  const header = readSealedHeader(compact);
  if (!header)
    throw issuerUnavailable('the introspection endpoint answered with a sealed token that none can open');
  return { compact, chars: compact.length, audience: header.aud };
}

/** An edge accepts roots alone: `act` names a service that should be presenting the token, not a client. */
function requireRoot({ claims }: CachedToken): void {
  if (claims.act === undefined) return;
  throw new WaybillError('token_presenter', 'the token is for calls between services, not for the edge');
}
