/** The decision on a request, as every adapter gets it: a verified context, or the answer that refuses it. */

import type { IncomingMessage } from 'node:http';

import type { WaybillError } from '../../errors.ts';
import type { RequestDescription } from '../request/incoming-request.ts';
import type { Refusal } from '../request/refusal.ts';
import type { RequestScope } from './current-request.ts';

/** The request passed: its context, and the scope in which the extractor's own `current()` and `fetch` are its. */
export interface Admitted extends RequestScope {
  readonly refusal?: undefined;
}

export interface Refused {
  /** The answer, for HTTP. */
  readonly refusal: Refusal;
  /** Why: its `detail` is for the log of the service only. */
  readonly error: WaybillError;
}

export type Admission = Admitted | Refused;

/**
 * Decides on a request: Node's own, as frameworks keep it (`request.raw` of Fastify), or a description.
 *
 * @throws an error that is not about the request's token, such as WaybillError `crypto_failed`.
 */
export type Admit = (request: IncomingMessage | RequestDescription) => Promise<Admission>;
