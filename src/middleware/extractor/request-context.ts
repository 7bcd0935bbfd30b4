/** What a handler gets of the token that its request came with. */

import { WaybillError } from '../../errors.ts';
import { parseUrl } from '../../input/url.ts';
import { isFetchable, isName, type Callees, type Found } from './callees.ts';
import type { Exchanger } from './exchange.ts';
import type { OutboundToken } from '../caching/cached-token.ts';
import { usage } from '../option-checks.ts';
import { DEFAULT_BUDGET } from '../shared-options.ts';
import type { Settings } from './settings.ts';
import type { VisibleClaims } from './visible-claims.ts';

/** One request's token: its claims, and the tokens for the calls that the request leads to. */
export interface RequestContext {
  /** Verified. Frozen, since requests with the same token share them. Children are not among them. */
  readonly claims: VisibleClaims;
  /** The token's scopes. */
  readonly scopes: readonly string[];
  /**
   * The token for a callee, as the graph names it.
   *
   * @throws WaybillError `child_missing`; `child_on_demand` where it would have to be exchanged; `child_foreign`;
   *   `token_expired` where it expired since the request came in.
   */
  child(name: string): string;
  /**
   * The header that a call needs.
   *
   * @param callee a name of the graph, or the address that is to be called.
   * @throws WaybillError as `child`; `child_too_large` over `budget.outbound`; `child_ambiguous`; `usage`.
   */
  headersFor(callee: string | URL): { authorization: string };
  /**
   * The same, and where the callee is on demand, or its token has expired, it is fetched from the issuer.
   *
   * @throws WaybillError as `headersFor`; `child_on_demand` only without `credentials`; `exchange_refused`,
   *   `issuer_unavailable`, `issuer_metadata`.
   */
  obtainHeaders(callee: string | URL): Promise<{ authorization: string }>;
  /**
   * The global `fetch` with the callee's token. Every error of `obtainHeaders` comes before anything is sent.
   *
   * Redirects are handed back to the caller (`redirect: 'manual'`) unless `init` says otherwise. With `follow`, the
   * Fetch standard takes the token off before another origin is asked; a `fetch` option of your own must do the same.
   *
   * @throws WaybillError as `obtainHeaders`; `usage` where `init` has an Authorization header already.
   */
  fetch(address: string | URL, init?: RequestInit): Promise<Response>;
}

/** The tokens themselves are in private fields, so that a context in a log or an error report shows none. */
export class TokenContext implements RequestContext {
  readonly claims: VisibleClaims;
  readonly scopes: readonly string[];
  readonly #callees: Callees;
  readonly #settings: Settings;
  readonly #exchanger: Exchanger | undefined;

  /** @param exchanger absent where the service has no credentials. */
  constructor(callees: Callees, settings: Settings, exchanger: Exchanger | undefined) {
    this.claims = callees.token.claims;
    this.scopes = callees.token.scopes;
    this.#callees = callees;
    this.#settings = settings;
    this.#exchanger = exchanger;
  }

  child(name: string): string {
    return this.#carried(this.#callees.byName(name)).compact;
  }

  headersFor(callee: string | URL): { authorization: string } {
    return this.#headers(this.#carried(this.#find(callee)));
  }

  async obtainHeaders(callee: string | URL): Promise<{ authorization: string }> {
    const found = this.#find(callee);
    if (!this.#exchanger || (!isFetchable(found) && this.#lives(found)))
      return this.#headers(this.#carried(found));
    const inbound = this.#callees.token;
    if (!this.#lives(inbound.claims)) {
      throw new WaybillError(
        'token_expired',
        'the token of this request has expired, and with it all others',
      );
    }
    const { callee: name, audience } = found;
    return this.#headers(await this.#exchanger.exchange(inbound, { callee: name, audience }));
  }

  async fetch(address: string | URL, init: RequestInit = {}): Promise<Response> {
    if (typeof address !== 'string' && !(address instanceof URL))
      throw usage('fetch takes a string or a URL');
    const headers = new Headers(init.headers);
    if (headers.has('authorization'))
      throw usage('fetch sets Authorization itself: leave it out of init.headers');
    const url = parseUrl(address);
    if (url === undefined) throw usage('fetch takes an absolute address');
    headers.set('authorization', (await this.obtainHeaders(address)).authorization);
    const { fetch } = this.#settings;
    return fetch(url, { ...init, redirect: init.redirect ?? 'manual', headers });
  }

  #find(callee: string | URL): Found {
    return typeof callee === 'string' && isName(callee)
      ? this.#callees.byName(callee)
      : this.#callees.byAddress(callee, this.#settings.routes);
  }

  #headers(found: OutboundToken): { authorization: string } {
    this.#requireBudget(found);
    return { authorization: `Bearer ${found.compact}` };
  }

  #lives({ exp }: { readonly exp: number }): boolean {
    return this.#settings.clock() < exp;
  }

  /** A token that this request brought along, and that still lives. */
  #carried(found: Found): OutboundToken {
    if (isFetchable(found)) {
      const what = this.#exchanger ? 'use fetch or obtainHeaders' : 'exchanging needs the option credentials';
      throw new WaybillError('child_on_demand', `${found.callee} is on demand: ${what}`);
    }
    if (this.#lives(found)) return found;
    throw new WaybillError('token_expired', `the token for ${found.callee} has expired`);
  }

  #requireBudget({ callee, compact }: OutboundToken): void {
    const { outbound } = this.#settings;
    const own =
      typeof outbound === 'number'
        ? outbound
        : Object.hasOwn(outbound, callee)
          ? outbound[callee]
          : undefined;
    const limit = own ?? DEFAULT_BUDGET;
    if (compact.length <= limit) return;
    const size = `${compact.length} bytes`;
    throw new WaybillError(
      'child_too_large',
      `the token for ${callee} has ${size}, its budget is ${limit} bytes`,
    );
  }
}
