/**
 * An endpoint of the issuer that takes forms of an authenticated client. It is found by discovery unless it is configured,
 * used over a bounded number of connections and within one deadline, and not asked for a while after failures.
 */

import { discoverAddress, issuerUnavailable, type Fetch, type FetchInit } from '../../discovery/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { ConcurrencyLimit } from './concurrency-limit.ts';
import type { Authenticate } from '../credentials/issuer-access.ts';
import type { SharedSettings } from '../shared-options.ts';

export type IssuerSettings = Pick<SharedSettings, 'issuer' | 'issuerFetch' | 'timeout' | 'insecureHosts'>;

/** Settings for authenticated requests to the issuer. */
export interface IssuerClient {
  readonly authenticate: Authenticate;
  /** Shared by all endpoints of the issuer. */
  readonly connections: ConcurrencyLimit;
}

export class IssuerEndpoint {
  readonly #settings: IssuerSettings;
  readonly #client: IssuerClient;
  readonly #name: 'token_endpoint' | 'introspection_endpoint';
  readonly #circuit = new CircuitBreaker();
  #address: Promise<string> | undefined;

  /** @param address if it is configured; else the issuer's metadata names it. */
  constructor(
    settings: IssuerSettings,
    client: IssuerClient,
    name: 'token_endpoint' | 'introspection_endpoint',
    address: string | undefined,
  ) {
    this.#settings = settings;
    this.#client = client;
    this.#name = name;
    this.#address = address === undefined ? undefined : Promise.resolve(address);
  }

  /**
   * POSTs a form.
   *
   * @param fetchAs reads the answer: `fetchJson` or `fetchText`.
   * @returns the answer, of a status below 500.
   * @throws WaybillError `issuer_unavailable` if there is no answer within `timeout`, the wait for a connection included,
   *   or the circuit is open; `issuer_metadata`.
   */
  async post<Answer extends { readonly status: number }>(
    form: URLSearchParams,
    fetchAs: (fetch: Fetch, address: string, init: FetchInit) => Promise<Answer>,
  ): Promise<Answer> {
    this.#circuit.requireClosed();
    const deadline = AbortSignal.timeout(Math.ceil(this.#settings.timeout));
    return this.#client.connections.run(deadline, () =>
      this.#circuit.run(() => this.#within(deadline, this.#send(form, fetchAs, deadline))),
    );
  }

  async #send<Answer extends { readonly status: number }>(
    form: URLSearchParams,
    fetchAs: (fetch: Fetch, address: string, init: FetchInit) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded' });
    await this.#client.authenticate(form, headers);
    const address = await this.#find(signal);
    const init = { method: 'POST', body: form.toString(), headers, signal };
    const answer = await fetchAs(this.#settings.issuerFetch, address, init);
    if (answer.status < 500) return answer;
    throw issuerUnavailable(`${address} answered ${answer.status}`);
  }

  /** Found once; a failure is forgotten, so that the next request looks again. */
  #find(signal: AbortSignal): Promise<string> {
    const { issuerFetch, issuer, insecureHosts } = this.#settings;
    const found = () => discoverAddress(this.#name, issuerFetch, issuer, signal, insecureHosts);
    this.#address ??= this.#within(signal, found()).catch((error: unknown) => {
      this.#address = undefined;
      throw error;
    });
    return this.#address;
  }

  /** Custom authentication and a custom `fetch` may have no deadline of their own. */
  async #within<Answer>(deadline: AbortSignal, answer: Promise<Answer>): Promise<Answer> {
    let expire = (): void => undefined;
    const expired = new Promise<never>((_resolve, reject) => {
      expire = () => reject(issuerUnavailable(`no answer within ${this.#settings.timeout} ms`));
      deadline.addEventListener('abort', expire, { once: true });
    });
    try {
      return await Promise.race([expired, answer]);
    } finally {
      deadline.removeEventListener('abort', expire);
    }
  }
}
