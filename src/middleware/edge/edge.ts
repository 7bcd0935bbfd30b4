/**
 * The client at the edge, such as a back end for a front end: asks the issuer for root tokens, in its own name or in
 * that of a user, and calls entries with them. However many callers want the same token, one request asks for it; it is
 * cached until shortly before it ends. A user's token is never a key of the cache: a digest stands for it.
 */

import { createHash } from 'node:crypto';

import { LRUCache } from 'lru-cache';

import { fetchJson, issuerUnavailable } from '../../discovery/index.ts';
import { WaybillError, type ErrorCode } from '../../errors.ts';
import { copyText } from '../../input/copy-text.ts';
import { parseUrl } from '../../input/url.ts';
import { signProof } from '../../token/index.ts';
import { CoalescingCache, REFUSAL_SECONDS, type IssuerAnswer } from '../caching/coalescing-cache.ts';
import { stepUpRequired } from '../issuer-calls/required-login.ts';
import { ConcurrencyLimit } from '../issuer-calls/concurrency-limit.ts';
import { issuerEndpoint, type IssuerEndpoint } from '../issuer-calls/endpoint.ts';
import { requireNames, requireText, usage } from '../option-checks.ts';
import { requestText, type RequestValues } from '../request/request-values.ts';
import { readEdgeSettings, type EdgeOptions, type EdgeSettings } from './edge-options.ts';

/** Which token is wanted. */
export interface TokenRequest {
  /** Scopes, separated by blanks. Default: those that the graph gives the client by default. */
  readonly scope?: string | undefined;
  /** The audience of the entry, needed where several entries have such scopes (RFC 8707). */
  readonly resource?: string | undefined;
  /** A user's token, in whose name the tree is (RFC 8693). Default: the client asks in its own name. */
  readonly subjectToken?: string | undefined;
  /** What `subjectToken` is. Default: `access_token`. */
  readonly subjectTokenType?: 'access_token' | 'id_token' | 'jwt' | undefined;
  /**
   * What the client says of its request: values of the claims that the graph takes `from: request`, by name, such as the
   * amount that was approved. A token is cached for equal values only. Default: nothing.
   */
  readonly requestDetails?: RequestValues | undefined;
  /** The same as one object of RFC 9396 with its `type`, for an issuer that has a `context_type`. Default: none. */
  readonly authorizationDetails?: readonly [RequestValues & { readonly type: string }] | undefined;
}

/** A token of the issuer's. Never put it in a log. */
export interface EdgeToken {
  /** The root token, or the reference of an opaque client. */
  readonly token: string;
  /** The scheme of the Authorization header. */
  readonly type: 'Bearer' | 'DPoP';
  /** What was granted, separated by blanks. */
  readonly scope: string;
  /** When it ends, by this machine's clock, in seconds since the epoch. */
  readonly expires: number;
  /** What was granted of `authorizationDetails` (RFC 9396 section 7); absent where nothing was asked for in that form. */
  readonly authorizationDetails?: readonly unknown[] | undefined;
}

/** Gets tokens for requests at the edge. */
export interface Edge {
  /**
   * The token for a request: cached, or asked for once for all who wait for the same.
   *
   * @throws WaybillError with the issuer's code: `invalid_request`, `invalid_client`, `invalid_grant`,
   *   `unauthorized_client`, `unsupported_grant_type`, `invalid_scope`, `invalid_target`, `invalid_dpop_proof`,
   *   `invalid_authorization_details`; `exchange_refused` for any other; `issuer_unavailable`, `issuer_metadata`; `usage`.
   */
  tokenFor(wanted?: TokenRequest): Promise<EdgeToken>;
  /**
   * `fetch` with the token, and with a DPoP proof where the token is bound to a key. Redirects are handed back
   * (`redirect: 'manual'`) unless `init` says otherwise. An answer 401 is handed back too; the token is forgotten then
   * unless it is only five seconds old, so the next call has a new one.
   *
   * @throws WaybillError as `tokenFor`; `usage` where `init` has an Authorization header already.
   */
  fetch(address: string | URL, wanted: TokenRequest, init?: RequestInit): Promise<Response>;
  /**
   * Drops the cached token of a request, or a cached refusal, so that the next caller asks the issuer: after a service
   * answered 401, say because the token was revoked.
   *
   * @param refused the token that did not serve. A newer one, which another caller has got meanwhile, stays. Default: the
   *   cached one, whatever it is.
   * @throws WaybillError `usage`
   */
  forget(wanted: TokenRequest, refused?: EdgeToken): void;
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
const SUBJECT_TYPES = ['access_token', 'id_token', 'jwt'] as const;
/** Servers whose last nonce is remembered. */
const MAX_NONCES = 100;

/**
 * Makes the client. Nothing is fetched before the first token is wanted.
 *
 * @throws WaybillError `usage` for an option that is unknown, missing or has the wrong shape.
 *
 * @example
 * ```ts
 * import { edge } from 'waybill/middleware';
 *
 * declare const session: { readonly accessToken: string };
 * const shop = edge({
 *   issuer: 'https://tokens.example',
 *   credentials: { clientId: 'web', secret: process.env.WEB_SECRET ?? '' },
 * });
 * const wanted = { scope: 'order', subjectToken: session.accessToken };
 * const answer = await shop.fetch('https://shop.example/orders', wanted, { method: 'POST' });
 * console.log(answer.status);
 * ```
 */
export function edge(options: EdgeOptions): Edge {
  const settings = readEdgeSettings(options);
  const client = new EdgeClient(settings);
  return Object.freeze({
    tokenFor: async (wanted: TokenRequest = {}) => client.tokenFor(wanted),
    fetch: async (address: string | URL, wanted: TokenRequest, init?: RequestInit) =>
      client.fetch(address, wanted, init),
    forget: (wanted: TokenRequest, refused?: EdgeToken) => client.forget(wanted, refused),
  });
}

interface CachedToken {
  readonly found: EdgeToken;
  /** When the issuer was asked, in seconds since the epoch. */
  readonly asked: number;
}

class EdgeClient {
  readonly #settings: EdgeSettings;
  readonly #endpoint: IssuerEndpoint;
  readonly #tokens: CoalescingCache<CachedToken>;
  /** By origin (RFC 9449 section 8.2). */
  readonly #nonces = new LRUCache<string, string>({ max: MAX_NONCES });

  constructor(settings: EdgeSettings) {
    const { authenticate, clock, cachedTokens, connections, tokenEndpoint } = settings;
    this.#settings = settings;
    const client = { authenticate, connections: new ConcurrencyLimit(connections) };
    this.#endpoint = issuerEndpoint(settings, client, 'token_endpoint', tokenEndpoint);
    this.#tokens = new CoalescingCache(
      clock,
      cachedTokens,
      ({ found: { token, scope } }) => token.length + scope.length,
    );
  }

  async tokenFor(wanted: TokenRequest): Promise<EdgeToken> {
    return (await this.#cached(wanted)).found;
  }

  forget(wanted: TokenRequest, refused?: EdgeToken): void {
    this.#tokens.forget(digestOf(wanted), '', refused && (({ found }) => found.token === refused.token));
  }

  #cached(wanted: TokenRequest): Promise<CachedToken> {
    return this.#tokens.get(digestOf(wanted), '', () => this.#request(wanted));
  }

  async fetch(address: string | URL, wanted: TokenRequest, init: RequestInit = {}): Promise<Response> {
    const url = parseUrl(address);
    if (url === undefined) throw usage('fetch takes an absolute address');
    if (new Headers(init.headers).has('authorization'))
      throw usage('fetch sets Authorization itself: leave it out of init.headers');
    const { found, asked } = await this.#cached(wanted);
    const { fetch, clock } = this.#settings;
    const call = async (): Promise<Response> => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `${found.type} ${found.token}`);
      if (found.type === 'DPoP')
        headers.set('dpop', await this.#proof((init.method ?? 'GET').toUpperCase(), url.href, found.token));
      return fetch(url, { ...init, redirect: init.redirect ?? 'manual', headers });
    };
    let answer = await call();
    const hasNonce = found.type === 'DPoP' && this.#keepNonce(url.href, answer.headers);
    const lacksNonce = hasNonce && asksForNonce(answer);
    // A stream can be sent once only.
    if (lacksNonce && !(init.body instanceof ReadableStream)) {
      await answer.body?.cancel();
      answer = await call();
    }
    // A service that refuses whatever it gets must not make the issuer sign for each call.
    if (answer.status === 401 && !asksForNonce(answer) && clock() >= asked + REFUSAL_SECONDS)
      this.forget(wanted, found);
    return answer;
  }

  async #request(wanted: TokenRequest): Promise<IssuerAnswer<CachedToken>> {
    const { clock, margin } = this.#settings;
    const asked = clock();
    // Made now: the answer is cached for this request, and the caller may change its object meanwhile.
    const form = formOf(wanted);
    let answer = await this.#post(form);
    // RFC 9449 section 8: once more, with the nonce; an assertion of the credentials is made anew.
    if (answer.asksForNonce) answer = await this.#post(form);
    const { status, body } = answer;
    const { access_token: token, token_type: type, expires_in: life, scope = '' } = body;
    const { authorization_details: details } = body;
    if (status !== 200) {
      const refused = refusalOf(status, body, wanted);
      // RFC 6749 section 5.2: about the request, unless the client itself is not known.
      if (status !== 400) throw refused;
      return { refused, until: asked + REFUSAL_SECONDS };
    }
    const isDpop = typeof type === 'string' && type.toLowerCase() === 'dpop';
    const isKnown = isDpop ? this.#settings.proofKey !== undefined : /^bearer$/i.test(String(type));
    if (
      typeof token !== 'string' ||
      !/^[\w.~+/-]+=*$/.test(token) ||
      typeof life !== 'number' ||
      !(life > 0) ||
      !isKnown ||
      typeof scope !== 'string'
    )
      throw issuerUnavailable('the token endpoint answered with no token that this client can use');
    const found: EdgeToken = {
      token: copyText(token),
      type: isDpop ? 'DPoP' : 'Bearer',
      scope: copyText(scope),
      expires: asked + life,
      ...(Array.isArray(details) ? { authorizationDetails: details as unknown[] } : {}),
    };
    return { value: { found, asked }, until: found.expires - Math.min(margin, life / 2) };
  }

  async #post(asked: URLSearchParams) {
    const form = new URLSearchParams(asked);
    const { status, body, hasNonce } = await this.#endpoint.post(form, async (fetch, address, init) => {
      const headers = new Headers(init.headers);
      if (this.#settings.proofKey !== undefined) headers.set('dpop', await this.#proof('POST', address));
      const answer = await fetchJson(fetch, address, { ...init, headers });
      return { ...answer, hasNonce: this.#keepNonce(address, answer.headers) };
    });
    const members = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
    return { status, body: members, asksForNonce: hasNonce && members['error'] === 'use_dpop_nonce' };
  }

  async #proof(method: string, url: string, token?: string): Promise<string> {
    const { proofKey, clock } = this.#settings;
    if (proofKey === undefined) throw usage('the token is bound to a key that this client does not have');
    const nonce = this.#nonces.get(new URL(url).origin);
    return signProof(proofKey, { method, url, token, nonce, now: clock() });
  }

  /** @returns whether the answer brings a nonce. */
  #keepNonce(address: string, headers: Headers): boolean {
    const nonce = headers.get('dpop-nonce') ?? '';
    // RFC 9449 section 8.1: NQCHAR.
    if (!/^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/.test(nonce)) return false;
    this.#nonces.set(new URL(address).origin, copyText(nonce));
    return true;
  }
}

function formOf(wanted: TokenRequest): URLSearchParams {
  const { scope, resource, subjectToken, subjectTokenType = 'access_token' } = wanted;
  return new URLSearchParams({
    grant_type: subjectToken === undefined ? 'client_credentials' : EXCHANGE,
    ...(scope === undefined ? {} : { scope }),
    ...(resource === undefined ? {} : { resource }),
    ...detailsOf(wanted),
    ...(subjectToken === undefined
      ? {}
      : { subject_token: subjectToken, subject_token_type: `${TOKEN_TYPE}${subjectTokenType}` }),
  });
}

/**
 * Stands for a request in the cache, without its user's token.
 *
 * @throws WaybillError `usage`
 */
function digestOf(wanted: TokenRequest): string {
  requireNames(wanted, [...TEXTS, 'requestDetails', 'authorizationDetails'], 'tokenFor()');
  for (const name of TEXTS) if (wanted[name] !== undefined) requireText(wanted[name], name);
  const { scope = '', resource, subjectToken, subjectTokenType = 'access_token' } = wanted;
  if (!SUBJECT_TYPES.includes(subjectTokenType))
    throw usage(`subjectTokenType must be ${SUBJECT_TYPES.join(' or ')}`);
  const scopes = [...new Set(scope.split(' '))].sort().join(' ');
  const about = JSON.stringify([scopes, resource, subjectToken, subjectTokenType, detailsOf(wanted)]);
  return createHash('sha256').update(about).digest('base64url');
}

const TEXTS = ['scope', 'resource', 'subjectToken', 'subjectTokenType'] as const;

/**
 * What the client says of its request, as parameters.
 *
 * @throws WaybillError `usage`
 */
function detailsOf({ requestDetails, authorizationDetails }: TokenRequest): Record<string, string> {
  const plain = requestText(requestDetails, 'requestDetails');
  const parameters: Record<string, string> = plain === undefined ? {} : { request_details: plain };
  if (authorizationDetails === undefined) return parameters;
  const [details, ...others] = Array.isArray(authorizationDetails) ? authorizationDetails : [];
  const rich = requestText(details, 'authorizationDetails');
  if (rich === undefined || others.length > 0)
    throw usage('authorizationDetails must be a list of one object with a type');
  return { ...parameters, authorization_details: `[${rich}]` };
}

/** RFC 9449 section 9. */
function asksForNonce({ status, headers }: Response): boolean {
  return status === 401 && /error="?use_dpop_nonce/.test(headers.get('www-authenticate') ?? '');
}

/** RFC 6749 section 5.2, RFC 8707 section 2, RFC 9449 section 5: the codes that have one here. */
const CODES: readonly ErrorCode[] = [
  ...(['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client'] as const),
  ...(['unsupported_grant_type', 'invalid_scope', 'invalid_target', 'invalid_dpop_proof'] as const),
  'invalid_authorization_details',
];

function refusalOf(
  status: number,
  body: Record<string, unknown>,
  { subjectToken }: TokenRequest,
): WaybillError {
  // RFC 6585 section 4: too many attempts from the address of this client.
  if (status === 429) return issuerUnavailable(`the token endpoint answered ${status}`);
  const { error, error_description: description } = body;
  const reason = [error, description].filter(
    (text): text is string =>
      typeof text === 'string' &&
      /^[\x20-\x7e]{1,500}$/.test(text) &&
      // An issuer may repeat what it was sent.
      (subjectToken === undefined || !text.includes(subjectToken)),
  );
  const message = `the issuer gave no token: ${reason.join(', ') || `status ${status}`}`;
  if (error === 'insufficient_user_authentication') return stepUpRequired(message, body);
  return new WaybillError(CODES.find((code) => code === error) ?? 'exchange_refused', message);
}
