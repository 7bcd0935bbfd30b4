/** Asks the issuer about a token (RFC 7662 section 2.1), as the party whose credentials these are. */

import { discoverAddress, fetchText } from '../discovery/index.ts';
import { WaybillError } from '../errors.ts';
import type { Authenticate } from './issuer-access.ts';
import type { Settings } from './options.ts';

export type IntrospectionSettings = Pick<
  Settings,
  'issuerFetch' | 'issuer' | 'timeout' | 'introspectionEndpoint'
>;

export interface IntrospectionAnswer {
  readonly status: number;
  /** The media type, without parameters. */
  readonly type: string;
  readonly text: string;
}

export class IntrospectionClient {
  readonly #settings: IntrospectionSettings;
  readonly #authenticate: Authenticate;
  #endpoint: Promise<string> | undefined;

  constructor(settings: IntrospectionSettings, authenticate: Authenticate) {
    this.#settings = settings;
    this.#authenticate = authenticate;
  }

  /**
   * @param more parameters of this issuer's (RFC 7662 section 2.1).
   * @returns an answer of status 200 or 204.
   * @throws WaybillError `issuer_unavailable`, `issuer_metadata`; `introspection_refused` for these credentials
   */
  async ask(
    token: string,
    accept: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<IntrospectionAnswer> {
    const { issuerFetch: fetch, timeout } = this.#settings;
    const signal = AbortSignal.timeout(timeout);
    const form = new URLSearchParams({ ...more, token, token_type_hint: 'access_token' });
    const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded' });
    await this.#authenticate(form, headers);
    const address = await this.#address(signal);
    const init = { method: 'POST', body: form.toString(), headers, signal };
    const answer = await fetchText(fetch, address, accept, init);
    if (answer.status === 200 || answer.status === 204) return answer;
    const detail = `the introspection endpoint answered ${answer.status}`;
    throw answer.status === 400 || answer.status === 401
      ? new WaybillError('introspection_refused', 'the issuer does not tell this service of tokens', {
          detail,
        })
      : new WaybillError('issuer_unavailable', 'the issuer cannot be reached at the moment', { detail });
  }

  /** Found once; a failure is forgotten, so that the next question looks again. */
  #address(signal: AbortSignal): Promise<string> {
    const { introspectionEndpoint, issuerFetch: fetch, issuer } = this.#settings;
    if (introspectionEndpoint !== undefined) return Promise.resolve(introspectionEndpoint);
    this.#endpoint ??= discoverAddress('introspection_endpoint', fetch, issuer, signal).catch(
      (error: unknown) => {
        this.#endpoint = undefined;
        throw error;
      },
    );
    return this.#endpoint;
  }
}
