/** What it takes to ask the issuer as somebody. */

import type { Fetch } from '../../discovery/index.ts';

/** Puts what authenticates into a request to the issuer. */
export type Authenticate = (form: URLSearchParams, headers: Headers) => Promise<void>;

export interface IssuerAccess {
  readonly authenticate: Authenticate;
  /** Makes connections that authenticate; absent: any connection will do. */
  readonly fetch?: Fetch;
}
