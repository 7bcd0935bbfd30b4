/** Whether a verified token was revoked. It stands outside the cache of verified tokens, and fails closed. */

import { issuerUnavailable } from '../../discovery/index.ts';
import { WaybillError } from '../../errors.ts';
import { InputFault, parseJsonInput } from '../../input/json-input.ts';
import type { CachedToken } from '../caching/cached-token.ts';
import type { IssuerClient } from '../issuer-calls/endpoint.ts';
import { IntrospectionClient } from '../issuer-calls/introspection.ts';
import type { Settings } from './settings.ts';
import { CoalescingCache } from '../caching/coalescing-cache.ts';

/** Most cached answers. */
const MAX_ANSWERS = 1_000;

export class RevocationCheck {
  readonly #settings: Settings;
  readonly #client: IntrospectionClient;
  readonly #active: CoalescingCache<boolean>;

  constructor(settings: Settings, client: IssuerClient) {
    this.#settings = settings;
    this.#client = new IntrospectionClient(settings, client);
    this.#active = new CoalescingCache(settings.clock, MAX_ANSWERS, () => 0);
  }

  /** @throws WaybillError `token_inactive`; `issuer_unavailable`, `issuer_metadata`, `introspection_refused` */
  async check({ compact, claims }: CachedToken): Promise<void> {
    const { clock, revocationMaxAge } = this.#settings;
    const active = await this.#active.get(compact, '', async () => ({
      value: await this.#ask(compact),
      until: Math.min(claims.exp, clock() + revocationMaxAge),
    }));
    if (!active) throw new WaybillError('token_inactive', 'the issuer says that the token is not active');
  }

  async #ask(compact: string): Promise<boolean> {
    const { text } = await this.#client.ask(compact, 'application/json');
    const active = activeOf(text);
    if (active !== undefined) return active;
    throw issuerUnavailable('the introspection endpoint did not say whether the token is active');
  }
}

/** Only the two values that RFC 7662 section 2.2 knows. */
function activeOf(text: string): boolean | undefined {
  try {
    const { active } = (parseJsonInput(text) ?? {}) as { active?: unknown };
    return typeof active === 'boolean' ? active : undefined;
  } catch (error) {
    if (!(error instanceof InputFault)) throw error;
    return undefined;
  }
}
