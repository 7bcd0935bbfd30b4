/** Access to the issuer as an authenticated client. */

import type { Fetch } from '../../discovery/index.ts';

/** Puts what authenticates into a request to the issuer. */
export type Authenticate = (form: URLSearchParams, headers: Headers) => Promise<void>;

/**
 * Authenticates with an assertion (RFC 7521 section 4.2).
 *
 * @param type the last part of `client_assertion_type`.
 */
export function withAssertion(
  clientId: string,
  type: 'jwt-bearer' | 'jwt-spiffe',
  assertion: () => string | Promise<string>,
): Authenticate {
  return async (form) => {
    form.set('client_assertion', await assertion());
    form.set('client_assertion_type', `urn:ietf:params:oauth:client-assertion-type:${type}`);
    form.set('client_id', clientId);
  };
}

export interface IssuerAccess {
  readonly authenticate: Authenticate;
  /** Makes connections that authenticate; absent: any connection will do. */
  readonly fetch?: Fetch;
}
