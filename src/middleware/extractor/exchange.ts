/**
 * Fetches the token of a callee that is on demand (RFC 8693 section 2.1): the service authenticates as itself and
 * presents the token that it received. Concurrent calls share one request; the token is cached until shortly before it
 * expires, a refusal for seconds.
 */

import { WaybillError, isStepUpRequired } from '../../errors.ts';
import { decodeChild, isSealed, sealedChild, unpack } from '../../token/index.ts';
import { fetchJson, issuerUnavailable } from '../../discovery/index.ts';
import { stepUpRequired } from '../issuer-calls/required-login.ts';
import { issuerEndpoint, type IssuerEndpoint, type IssuerClient } from '../issuer-calls/endpoint.ts';
import type { Fetchable } from './callees.ts';
import { copyOutbound, type CachedToken, type OutboundToken } from '../caching/cached-token.ts';
import type { Settings } from './settings.ts';
import { REFUSAL_SECONDS, CoalescingCache, type IssuerAnswer } from '../caching/coalescing-cache.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** A token that ends within so many seconds is fetched anew: the call that it is for takes time too. */
const SPARE_SECONDS = 5;

export class Exchanger {
  readonly #settings: Settings;
  readonly #endpoint: IssuerEndpoint;
  readonly #answers: CoalescingCache<OutboundToken>;
  /** Why callees are missing; empty: the issuer does not say. */
  readonly #missing: CoalescingCache<string>;

  constructor(settings: Settings, client: IssuerClient) {
    this.#settings = settings;
    const { clock, cachedExchanges, tokenEndpoint } = settings;
    this.#endpoint = issuerEndpoint(settings, client, 'token_endpoint', tokenEndpoint);
    this.#answers = new CoalescingCache(clock, cachedExchanges, charsOf);
    this.#missing = new CoalescingCache(clock, cachedExchanges, () => 0);
  }

  /**
   * @param inbound the token that the service received.
   * @throws StepUpRequired where the user must log in again (RFC 9470).
   * @throws WaybillError `exchange_refused` with the issuer's reason; `issuer_unavailable`, `issuer_metadata`;
   *   `child_foreign` where the answer does not belong to the inbound token.
   */
  async exchange(inbound: CachedToken, callee: Fetchable): Promise<OutboundToken> {
    return this.#answers.get(inbound.compact, callee.callee, () => this.#fetch(inbound, callee));
  }

  /**
   * Asks why the token of the service lacks a callee: another login of the user may give it (RFC 9470).
   *
   * @param parameter how the callee is named.
   * @throws StepUpRequired if so. Any other answer says nothing: what the token lacks stays missing.
   */
  async requireLogin(
    inbound: CachedToken,
    parameter: 'audience' | 'resource',
    callee: string,
  ): Promise<void> {
    const about = `${parameter} ${callee}`;
    await this.#missing.get(inbound.compact, about, async () => {
      const form = this.#form(inbound, parameter, callee);
      const { body } = await this.#endpoint.post(form, fetchJson);
      const until = this.#settings.clock() + REFUSAL_SECONDS;
      const refused = refusal(callee, 400, body);
      return isStepUpRequired(refused) ? { refused, until } : { value: '', until };
    });
  }

  #form({ compact }: CachedToken, parameter: 'audience' | 'resource', callee: string): URLSearchParams {
    return new URLSearchParams({
      grant_type: EXCHANGE,
      subject_token: compact,
      subject_token_type: ACCESS_TOKEN,
      [parameter]: callee,
    });
  }

  async #fetch(inbound: CachedToken, { callee, audiences }: Fetchable): Promise<IssuerAnswer<OutboundToken>> {
    const { clock } = this.#settings;
    const form = this.#form(inbound, 'audience', callee);
    const { status, body } = await this.#endpoint.post(form, fetchJson);
    const { access_token: token, error } = (body ?? {}) as { access_token?: unknown; error?: unknown };
    if (status !== 200 || typeof token !== 'string') {
      const refused = refusal(callee, status, body);
      // RFC 6749 section 5.2: about the token and the callee, unless the service itself is not known.
      if (status !== 400 || typeof error !== 'string' || error === 'invalid_client') throw refused;
      return { refused, until: clock() + REFUSAL_SECONDS };
    }
    const child = isSealed(token)
      ? sealedChild({ exp: this.#endOf(inbound, body) }, callee, token)
      : this.#readable(inbound, callee, token);
    const [audience = ''] = child.audiences;
    if (!audiences.includes(audience)) {
      throw new WaybillError('child_foreign', `the issuer answered with a token that is not for ${callee}`);
    }
    const value = copyOutbound({ callee, audience, compact: token, exp: child.exp });
    // A token that lives no longer than the safety margin serves the calls that waited for it, and no later ones.
    return { value, until: value.exp - SPARE_SECONDS };
  }

  #readable(
    { claims }: CachedToken,
    callee: string,
    token: string,
  ): { audiences: readonly string[]; exp: number } {
    const { unpacked } = this.#settings;
    const nested = unpack(token, { maxNestedBytes: unpacked });
    const child = decodeChild(claims, callee, nested, { maxBytes: unpacked });
    return { audiences: [child.audience], exp: child.claims.exp };
  }

  /** Of a sealed token only the answer says when it ends (RFC 6749 section 5.1); never after the one that was exchanged. */
  #endOf({ claims }: CachedToken, body: unknown): number {
    const { expires_in: seconds } = body as { expires_in?: unknown };
    const life = typeof seconds === 'number' && seconds >= 0 ? seconds : 0;
    return Math.min(claims.exp, this.#settings.clock() + life);
  }
}

function charsOf({ callee, audience, compact }: OutboundToken): number {
  return callee.length + audience.length + compact.length;
}

/** RFC 6749 section 5.2: the reason is made of visible ASCII; anything else is not the issuer's. */
function refusal(callee: string, status: number, body: unknown): WaybillError {
  const { error, error_description: description } = (body ?? {}) as {
    error?: unknown;
    error_description?: unknown;
  };
  // RFC 6585 section 4: too many attempts from the address of this service.
  if (status === 429) return issuerUnavailable(`the token endpoint answered ${status}`);
  const reason = [error, description].filter(
    (text): text is string => typeof text === 'string' && /^[\x20-\x7e]{1,500}$/.test(text),
  );
  const message = `the issuer gave no token for ${callee}: ${reason.join(', ') || `status ${status}`}`;
  return error === 'insufficient_user_authentication'
    ? stepUpRequired(message, body as Record<string, unknown>)
    : new WaybillError('exchange_refused', message);
}
