/**
 * The edge: clients present opaque references or root tokens, services behind it see the root token alone. The gateway
 * asks the issuer for it (the phantom-token swap), keeps the answer for seconds, and sends on no token header that a
 * client made itself. It knows no graph and no framework; `express.ts` is an adapter on top.
 */

import { issuerKeys } from '../discovery/index.ts';
import { WaybillError } from '../errors.ts';
import { audiencesOf, isReference, tokenVerifier } from '../token/index.ts';
import type { TokenVerifier, VerifiedToken } from '../token/index.ts';
import { bearerToken } from './bearer.ts';
import { swapHandler, type ProtectHandler } from './express.ts';
import { readGatewaySettings, type GatewayOptions, type GatewaySettings } from './gateway-options.ts';
import { IntrospectionClient } from './introspection.ts';
import { requireNames, requireText } from './options.ts';
import { ShortCache, type ShortAnswer } from './short-cache.ts';
import { isTokenHeader, type HeaderLine } from './token-headers.ts';
import { cachedVerifier } from './verified-cache.ts';

export interface RouteOptions {
  /** The audience of the service behind this route: a token for any other is refused. */
  readonly audience: string;
}

export interface SwapOptions extends RouteOptions {
  /** All header lines of the request, in their order, repeated ones too. */
  readonly headers: Iterable<HeaderLine>;
}

/** What goes on to the service. */
export interface Swapped {
  /** The root token. Never put it in a log, nor in an answer to the client. */
  readonly token: string;
  /** The request's lines without any that carries a token, and one `Authorization` with the root token. */
  readonly headers: readonly HeaderLine[];
}

export interface Gateway {
  /**
   * A handler for Express that lets a request pass only with a token for the service behind this route, its headers
   * rewritten. It answers everything else itself, as the extractor's `protect` does.
   *
   * @throws WaybillError `usage` for an unknown option or an empty audience.
   */
  protect(options: RouteOptions): ProtectHandler;
  /**
   * The same for any framework; `refusal(error)` makes an answer of what it throws.
   *
   * @throws WaybillError `token_…`, `issuer_unavailable`, `issuer_metadata`, `introspection_refused`; `usage`.
   */
  swap(options: SwapOptions): Promise<Swapped>;
}

const ACCESS_TOKEN = 'application/jwt';
/** Most root tokens whose signature is remembered as good. */
const VERIFIED_TOKENS = 1_000;

/**
 * Makes the gateway. Nothing is fetched before the first token comes.
 *
 * @throws WaybillError `usage` for an option that is unknown, missing or has the wrong shape.
 */
export function gateway(options: GatewayOptions): Gateway {
  const settings = readGatewaySettings(options);
  const swapper = new Swapper(settings);

  async function swap(headers: Iterable<HeaderLine>, audience: string): Promise<Swapped> {
    const lines = [...headers];
    const authorization = lines.filter(([name]) => name.toLowerCase() === 'authorization');
    const presented = bearerToken(
      authorization.map(([, value]) => value),
      settings.inbound,
    );
    const { compact, claims } = await swapper.swap(presented);
    // The first audience is the service that the token was made for.
    if (audiencesOf(claims)[0] !== audience) {
      throw new WaybillError('token_audience', `the token is not for ${audience}`);
    }
    const kept = lines.filter((line) => !isTokenHeader(line, settings.strip));
    return { token: compact, headers: [...kept, ['Authorization', `Bearer ${compact}`]] };
  }

  return Object.freeze({
    protect(given: RouteOptions) {
      requireNames(given, ['audience'], 'protect()');
      const audience = requireText(given.audience, 'audience');
      return swapHandler(async (headers) => (await swap(headers, audience)).headers);
    },
    async swap(given: SwapOptions) {
      requireNames(given, ['audience', 'headers'], 'swap()');
      return swap(given.headers, requireText(given.audience, 'audience'));
    },
  });
}

class Swapper {
  readonly #settings: GatewaySettings;
  readonly #verify: TokenVerifier;
  readonly #client: IntrospectionClient;
  readonly #swaps: ShortCache<VerifiedToken>;

  constructor(settings: GatewaySettings) {
    const { issuer, clock, clockTolerance, keysMaxAge, authenticate, cachedSwaps } = settings;
    this.#settings = settings;
    const verify = tokenVerifier({ issuer, keys: issuerKeys(settings), clock, clockTolerance });
    this.#verify = cachedVerifier(verify, { tokens: VERIFIED_TOKENS, maxAge: keysMaxAge, clock });
    this.#client = new IntrospectionClient(settings, authenticate);
    this.#swaps = new ShortCache(clock, cachedSwaps);
  }

  /** A forged token, or one that is no root, costs the issuer no request. */
  async swap(presented: string): Promise<VerifiedToken> {
    if (!isReference(presented)) requireRoot(await this.#verify(presented));
    return this.#swaps.get(presented, () => this.#ask(presented));
  }

  async #ask(presented: string): Promise<ShortAnswer<VerifiedToken>> {
    const { clock, swapMaxAge } = this.#settings;
    const { status, type, text } = await this.#client.ask(presented, ACCESS_TOKEN);
    if (status === 204)
      throw new WaybillError('token_inactive', 'the issuer says that the token is not active');
    if (type !== ACCESS_TOKEN) {
      throw new WaybillError('issuer_unavailable', 'the issuer cannot be reached at the moment', {
        detail: 'the introspection endpoint did not answer with a token',
      });
    }
    const token = await this.#verify(text);
    requireRoot(token);
    return { value: token, until: Math.min(token.claims.exp, clock() + swapMaxAge) };
  }
}

/** An edge accepts roots alone: `act` names a service that should be presenting the token, not a client. */
function requireRoot({ claims }: VerifiedToken): void {
  if (claims.act !== undefined) {
    throw new WaybillError('token_presenter', 'the token is for calls between services, not for the edge');
  }
  if (claims['cnf'] !== undefined) {
    throw new WaybillError('token_presenter', 'the token is bound to a key, which this gateway cannot check');
  }
}
