/** What a handler gets of the token that its request came with. */

import { WaybillError, isWaybillError } from '../../errors.ts';
import { parseUrl } from '../../input/url.ts';
import { isFetchable, isName, routedName, type Callees, type Found } from './callees.ts';
import type { Decisions } from '../decisions/decisions.ts';
import type { Exchanger } from './exchange.ts';
import type { OutboundToken } from '../caching/cached-token.ts';
import { usage } from '../option-checks.ts';
import { DEFAULT_BUDGET } from '../shared-options.ts';
import { lineageOf, type RequestLineage } from './lineage.ts';
import type { Settings } from './settings.ts';
import type { VisibleClaims } from './visible-claims.ts';

/** The headers of a call. `authorization` is missing only with `mode: 'report'`, where no token could be had. */
export interface CallHeaders {
  readonly authorization?: string;
}

/** One request's token: its claims, and the tokens for the calls that the request leads to. */
export interface RequestContext {
  /**
   * Whether the token was verified. False only with `mode: 'report'`, for a request that would have been refused: then
   * `claims`, `scopes` and `child` throw that refusal, and calls go out without a token.
   */
  readonly verified: boolean;
  /**
   * Verified. Frozen, since requests with the same token share them. Children are not among them.
   *
   * @throws WaybillError the refusal, where `verified` is false.
   */
  readonly claims: VisibleClaims;
  /**
   * The token's scopes.
   *
   * @throws WaybillError the refusal, where `verified` is false.
   */
  readonly scopes: readonly string[];
  /**
   * The parties through which the request came, the nearest first. Who may present the token is decided by the first alone
   * (RFC 8693 section 4.1).
   *
   * @throws WaybillError the refusal, where `verified` is false.
   */
  readonly lineage: RequestLineage;
  /**
   * The token for a callee, as the graph names it.
   *
   * @throws WaybillError `child_missing`; `child_on_demand` where it would have to be exchanged; `child_foreign`;
   *   `token_expired` where it expired since the request came in.
   */
  child(name: string): string;
  /**
   * The header that a call needs. With `mode: 'report'` it is missing where there is no token; `onDecision` gets that decision.
   *
   * @param callee a name of the graph, or the address that is to be called.
   * @throws WaybillError as `child`; `child_too_large` over `budget.outbound`; `child_ambiguous`; `usage`.
   */
  headersFor(callee: string | URL): CallHeaders;
  /**
   * The same, and where the callee is on demand, or its token has expired, it is fetched from the issuer.
   *
   * @throws StepUpRequired where the call waits for another login of the user (RFC 9470). The adapters answer it with 401.
   * @throws WaybillError as `headersFor`; `child_on_demand` only without `credentials`; `exchange_refused`,
   *   `issuer_unavailable`, `issuer_metadata`.
   */
  obtainHeaders(callee: string | URL): Promise<CallHeaders>;
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

/**
 * Calls with the headers of a call, which are obtained first.
 *
 * @throws WaybillError `usage`; what `obtain` throws.
 */
export async function callWith(
  fetch: typeof globalThis.fetch,
  address: string | URL,
  init: RequestInit = {},
  obtain: () => Promise<CallHeaders>,
): Promise<Response> {
  if (typeof address !== 'string' && !(address instanceof URL)) throw usage('fetch takes a string or a URL');
  const headers = new Headers(init.headers);
  if (headers.has('authorization'))
    throw usage('fetch sets Authorization itself: leave it out of init.headers');
  const url = parseUrl(address);
  if (url === undefined)
    throw usage(
      `fetch takes an absolute address, not ${shownAddress(address)}: the audience of the callee or an entry of \`routes\``,
    );
  const { authorization } = await obtain();
  if (authorization !== undefined) headers.set('authorization', authorization);
  return fetch(url, { ...init, redirect: init.redirect ?? 'manual', headers });
}

/** Without query, fragment and user name, which may hold secrets. A password may itself contain `/`, `?` or `#`. */
function shownAddress(address: string | URL): string {
  const text = String(address);
  const [path = ''] = text.split(/[?#]/, 1);
  const mayCutPassword = path.includes('//') && text.slice(path.length).includes('@');
  const shown = mayCutPassword ? path.slice(0, path.indexOf('//')) : path.slice(path.lastIndexOf('@') + 1);
  return JSON.stringify(shown.slice(0, 200));
}

/** How a decision names a callee: of an address the origin alone, since paths may hold what is nobody else's concern. */
export function calleeOf(callee: string | URL): string {
  if (typeof callee === 'string' && isName(callee)) return callee;
  return parseUrl(callee)?.origin ?? 'an address that is none';
}

/** What the context of each request of a service is made with. */
export interface ContextParts {
  readonly settings: Settings;
  /** Absent where the service has no credentials. */
  readonly exchanger: Exchanger | undefined;
  /** Decides what becomes of a call that has no token. */
  readonly calls: Decisions;
}

/** The tokens themselves are in private fields, so that a context in a log or an error report shows none. */
export class TokenContext implements RequestContext {
  readonly verified = true;
  readonly claims: VisibleClaims;
  readonly scopes: readonly string[];
  readonly #callees: Callees;
  readonly #settings: Settings;
  readonly #exchanger: Exchanger | undefined;
  readonly #calls: Decisions;

  constructor(callees: Callees, { settings, exchanger, calls }: ContextParts) {
    this.claims = callees.token.claims;
    this.scopes = callees.token.scopes;
    this.#callees = callees;
    this.#settings = settings;
    this.#exchanger = exchanger;
    this.#calls = calls;
  }

  get lineage(): RequestLineage {
    return lineageOf(this.claims);
  }

  child(name: string): string {
    return this.#carried(this.#callees.byName(name)).compact;
  }

  headersFor(callee: string | URL): CallHeaders {
    try {
      return this.#headers(this.#carried(this.#find(callee)));
    } catch (error) {
      return this.#withoutToken(error, callee);
    }
  }

  async obtainHeaders(callee: string | URL): Promise<CallHeaders> {
    try {
      return this.#headers(await this.#obtain(callee));
    } catch (error) {
      return this.#withoutToken(error, callee);
    }
  }

  async fetch(address: string | URL, init?: RequestInit): Promise<Response> {
    return callWith(this.#settings.fetch, address, init, async () => this.obtainHeaders(address));
  }

  async #obtain(callee: string | URL): Promise<OutboundToken> {
    const found = await this.#findOrExplain(callee);
    if (!this.#exchanger || (!isFetchable(found) && this.#lives(found))) return this.#carried(found);
    const inbound = this.#callees.token;
    if (!this.#lives(inbound.claims)) {
      throw new WaybillError(
        'token_expired',
        'the token of this request has expired, and with it all others',
      );
    }
    const audiences = isFetchable(found) ? found.audiences : [found.audience];
    return this.#exchanger.exchange(inbound, { callee: found.callee, audiences });
  }

  /** @throws the error, unless refusals are only reported. */
  #withoutToken(error: unknown, callee: string | URL): CallHeaders {
    const { audience } = this.#settings;
    this.#calls.refused(error, { audience, claims: this.claims, callee: calleeOf(callee) });
    return {};
  }

  #find(callee: string | URL): Found {
    return typeof callee === 'string' && isName(callee)
      ? this.#callees.byName(callee)
      : this.#callees.byAddress(callee, this.#settings.routes);
  }

  /** A callee that the token lacks may only wait for another login: the issuer knows. */
  async #findOrExplain(callee: string | URL): Promise<Found> {
    try {
      return this.#find(callee);
    } catch (error) {
      const { token } = this.#callees;
      if (!isWaybillError(error, 'child_missing') || !this.#exchanger || !token.hasVerdicts) throw error;
      const name = routedName(callee, this.#settings.routes);
      await this.#exchanger.requireLogin(token, isName(name) ? 'audience' : 'resource', name);
      throw error;
    }
  }

  #headers(found: OutboundToken): CallHeaders {
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
