/**
 * Fetches the token of a callee that is on demand (RFC 8693 section 2.1): the service authenticates as itself and
 * shows the token that it received. One request is made however many calls wait for it, and the answer is kept until
 * shortly before it ends.
 */

import { WaybillError } from '../errors.ts';
import { decodeChild, unpack } from '../token/index.ts';
import { discoverAddress, fetchJson } from '../discovery/index.ts';
import type { Authenticate } from './issuer-access.ts';
import type { Fetchable } from './callees.ts';
import { ownPresentable } from './kept-token.ts';
import type { KeptToken, Presentable } from './kept-token.ts';
import type { Settings } from './options.ts';
import { ShortCache } from './short-cache.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** A token that ends within so many seconds is fetched anew: the call that it is for takes time too. */
const SPARE_SECONDS = 5;

export class Exchanger {
  readonly #settings: Settings;
  readonly #authenticate: Authenticate;
  readonly #answers: ShortCache<Presentable>;
  #endpoint: Promise<string> | undefined;

  constructor(settings: Settings, authenticate: Authenticate) {
    this.#settings = settings;
    this.#authenticate = authenticate;
    const { clock, cachedExchanges } = settings;
    this.#answers = new ShortCache(clock, cachedExchanges, charsOf);
  }

  /**
   * @param inbound the token that the service received.
   * @throws WaybillError `exchange_refused` with the issuer's reason; `issuer_unavailable`, `issuer_metadata`;
   *   `child_foreign` where the answer does not belong to the inbound token.
   */
  async exchange(inbound: KeptToken, callee: Fetchable): Promise<Presentable> {
    return this.#answers.get(inbound.compact, callee.callee, async () => {
      const value = await this.#fetch(inbound, callee);
      // One that is as short-lived as the spare time serves those who waited for it, and nobody later.
      return { value, until: value.exp - SPARE_SECONDS };
    });
  }

  async #fetch(inbound: KeptToken, { callee, audience }: Fetchable): Promise<Presentable> {
    const { issuerFetch: fetch, timeout, unpacked } = this.#settings;
    const signal = AbortSignal.timeout(Math.ceil(timeout));
    const form = new URLSearchParams({
      grant_type: EXCHANGE,
      subject_token: inbound.compact,
      subject_token_type: ACCESS_TOKEN,
      audience: callee,
    });
    const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded' });
    await this.#authenticate(form, headers);
    const { status, body } = await fetchJson(fetch, await this.#tokenEndpoint(signal), {
      method: 'POST',
      body: form.toString(),
      headers,
      signal,
    });
    const { access_token: token } = (body ?? {}) as { access_token?: unknown };
    if (status !== 200 || typeof token !== 'string') throw refused(callee, status, body);
    const child = decodeChild(inbound.claims, callee, unpack(token, { maxNestedBytes: unpacked }), {
      maxBytes: unpacked,
    });
    if (child.audience !== audience) {
      throw new WaybillError('child_foreign', `the issuer answered with a token that is not for ${callee}`);
    }
    return ownPresentable({ callee, audience, compact: token, exp: child.claims.exp });
  }

  /** Found once; a failure is forgotten, so that the next exchange asks again. */
  #tokenEndpoint(signal: AbortSignal): Promise<string> {
    const { tokenEndpoint, issuerFetch: fetch, issuer } = this.#settings;
    if (tokenEndpoint !== undefined) return Promise.resolve(tokenEndpoint);
    this.#endpoint ??= discoverAddress('token_endpoint', fetch, issuer, signal).catch((error: unknown) => {
      this.#endpoint = undefined;
      throw error;
    });
    return this.#endpoint;
  }
}

function charsOf({ callee, audience, compact }: Presentable): number {
  return callee.length + audience.length + compact.length;
}

/** RFC 6749 section 5.2: the reason is made of visible ASCII; anything else is not the issuer's. */
function refused(callee: string, status: number, body: unknown): WaybillError {
  const { error, error_description: description } = (body ?? {}) as {
    error?: unknown;
    error_description?: unknown;
  };
  // RFC 6585 section 4: too many attempts, by whoever shares an address with this service.
  if (status >= 500 || status === 429) {
    return new WaybillError('issuer_unavailable', 'the issuer cannot be reached at the moment', {
      detail: `the token endpoint answered ${status}`,
    });
  }
  const reason = [error, description].filter(
    (text): text is string => typeof text === 'string' && /^[\x20-\x7e]{1,500}$/.test(text),
  );
  return new WaybillError(
    'exchange_refused',
    `the issuer gave no token for ${callee}: ${reason.join(', ') || `status ${status}`}`,
  );
}
