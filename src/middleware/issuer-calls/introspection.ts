/** Asks the issuer about a token (RFC 7662 section 2.1), with the credentials of this service. */

import { fetchText, issuerUnavailable } from '../../discovery/index.ts';
import { WaybillError } from '../../errors.ts';
import { issuerEndpoint, type IssuerEndpoint, type IssuerClient, type IssuerSettings } from './endpoint.ts';
import type { SharedSettings } from '../shared-options.ts';

export type IntrospectionSettings = IssuerSettings & Pick<SharedSettings, 'introspectionEndpoint'>;

export type IntrospectionAnswer = Awaited<ReturnType<typeof fetchText>>;

export class IntrospectionClient {
  readonly #endpoint: IssuerEndpoint;

  constructor(settings: IntrospectionSettings, client: IssuerClient) {
    const { introspectionEndpoint: address } = settings;
    this.#endpoint = issuerEndpoint(settings, client, 'introspection_endpoint', address);
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
    const form = new URLSearchParams({ ...more, token, token_type_hint: 'access_token' });
    const answer = await this.#endpoint.post(form, (fetch, address, init) =>
      fetchText(fetch, address, accept, init),
    );
    if (answer.status === 200 || answer.status === 204) return answer;
    const detail = `the introspection endpoint answered ${answer.status}${reasonIn(answer.text, token)}`;
    throw answer.status === 400 || answer.status === 401
      ? new WaybillError('introspection_refused', 'the issuer does not let this service introspect tokens', {
          detail,
        })
      : issuerUnavailable(detail);
  }
}

/** What the issuer says of a wrong request (RFC 6749 section 5.2), for the log: unless it repeats the token. */
function reasonIn(body: string, token: string): string {
  const [, reason = ''] = /"error_description": ?"([\x20\x21\x23-\x5b\x5d-\x7e]{1,500})"/.exec(body) ?? [];
  return reason === '' || reason.includes(token) ? '' : `: ${reason}`;
}
