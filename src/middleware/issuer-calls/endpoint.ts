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

export type IssuerEndpoint = ReturnType<typeof issuerEndpoint>;

/** @param address if it is configured; else the issuer's metadata names it. */
export function issuerEndpoint(
  settings: IssuerSettings,
  client: IssuerClient,
  name: 'token_endpoint' | 'introspection_endpoint',
  address: string | undefined,
) {
  const circuit = new CircuitBreaker();
  let endpoint = address === undefined ? undefined : Promise.resolve(address);

  async function send<Answer extends { readonly status: number }>(
    form: URLSearchParams,
    fetchAs: (fetch: Fetch, address: string, init: FetchInit) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded' });
    await client.authenticate(form, headers);
    const address = await find(signal);
    const init = { method: 'POST', body: form.toString(), headers, signal };
    const answer = await fetchAs(settings.issuerFetch, address, init);
    if (answer.status < 500) return answer;
    throw issuerUnavailable(`${address} answered ${answer.status}`);
  }

  /** Found once; a failure is forgotten, so that the next request looks again. */
  function find(signal: AbortSignal): Promise<string> {
    const { issuerFetch, issuer, insecureHosts } = settings;
    const found = () => discoverAddress(name, issuerFetch, issuer, signal, insecureHosts);
    endpoint ??= within(signal, found()).catch((error: unknown) => {
      endpoint = undefined;
      throw error;
    });
    return endpoint;
  }

  /** Custom authentication and a custom `fetch` may have no deadline of their own. */
  async function within<Answer>(deadline: AbortSignal, answer: Promise<Answer>): Promise<Answer> {
    let expire = (): void => undefined;
    const expired = new Promise<never>((_resolve, reject) => {
      expire = () => reject(issuerUnavailable(`no answer within ${settings.timeout} ms`));
      deadline.addEventListener('abort', expire, { once: true });
    });
    try {
      return await Promise.race([expired, answer]);
    } finally {
      deadline.removeEventListener('abort', expire);
    }
  }

  return {
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
      circuit.requireClosed();
      const deadline = AbortSignal.timeout(Math.ceil(settings.timeout));
      return client.connections.run(deadline, () =>
        circuit.run(() => within(deadline, send(form, fetchAs, deadline))),
      );
    },
  };
}
