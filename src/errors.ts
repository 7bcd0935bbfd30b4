/**
 * The one base of every error that Waybill throws on purpose.
 *
 * An error speaks to two audiences. `message` may reach whoever sent the request: it names what is wrong and
 * what to do, and never holds a token or a secret. `detail` is for the operator's log alone.
 */

/** Every code that a `WaybillError` can carry. Closed: a switch over it is checked by the compiler. */
export type ErrorCode =
  // the program was called wrongly
  | 'usage'
  // a file or a stream cannot be written: the disk is full, or it may not be
  | 'output_failed'
  // graph and keys
  | 'graph_invalid'
  | 'keys_invalid'
  | 'keys_missing'
  | 'keys_unpublished'
  | 'secret_missing'
  // traces, graphs of traffic and policies, as they are imported
  | 'source_unreadable'
  | 'source_malformed'
  | 'source_too_large'
  | 'source_unsuitable'
  // OAuth, RFC 6749 section 5.2 and RFC 8707 section 2
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'server_error'
  // RFC 9396 section 5
  | 'invalid_authorization_details'
  // RFC 9470 section 3: another login would do, at the token endpoint and at a service
  | 'insufficient_user_authentication'
  // authentication that failed too often, RFC 6585 section 4
  | 'too_many_attempts'
  // RFC 9449 sections 5 and 7.1: at the token endpoint, and at the edge
  | 'invalid_dpop_proof'
  // keys of an identity provider, as the issuer fetches them
  | 'provider_unavailable'
  // what the issuer keeps between requests cannot be asked or written
  | 'store_unavailable'
  // more requests than the issuer can answer in time
  | 'overloaded'
  // a token as it arrived
  | 'token_missing'
  | 'token_repeated'
  | 'token_too_large'
  | 'token_malformed'
  | 'token_packed'
  | 'token_sealed'
  | 'token_algorithm'
  | 'token_key_unknown'
  | 'token_signature'
  | 'token_type'
  | 'token_issuer'
  | 'token_audience'
  | 'token_claims'
  | 'token_expired'
  | 'token_not_yet_valid'
  | 'token_presenter'
  | 'token_tree_too_large'
  | 'token_inactive'
  | 'scope_insufficient'
  | 'lineage_not_allowed'
  // the crypto of the platform failed, so nothing is known of a token: a fault of the service, not of the request
  | 'crypto_failed'
  // keys of the issuer, as the extractor fetches them
  | 'issuer_unavailable'
  | 'issuer_metadata'
  | 'introspection_refused'
  // a child for the next call
  | 'child_missing'
  | 'child_on_demand'
  | 'child_ambiguous'
  | 'child_foreign'
  | 'child_too_large'
  | 'exchange_refused'
  // what a sidecar refuses
  | 'handle_unknown'
  | 'path_ambiguous'
  | 'operation_unlisted'
  // what its proxy cannot pass on
  | 'request_unsupported'
  | 'upstream_unavailable'
  | 'upstream_timeout';

/** What a `WaybillError` says beside its message. */
export interface WaybillErrorOptions {
  /** For the operator's log only; never sent to a caller. */
  readonly detail?: string;
  /** The error that led to this one. Logged, never sent. */
  readonly cause?: unknown;
}

const NAME = 'WaybillError';

/**
 * Every error that Waybill throws on purpose. `code` is stable; `message` may be shown to whoever made the mistake and holds no
 * token or secret; `detail` is for the operator's log only.
 *
 * @example
 * ```ts
 * import { WaybillError } from 'waybill';
 *
 * const error = new WaybillError('usage', 'The option --port takes a number.');
 * console.log(error.code, error.message);
 * ```
 */
export class WaybillError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name: string = NAME;
  readonly code: Code;
  readonly detail: string | undefined;

  constructor(code: Code, message: string, options: WaybillErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
  }
}

/** Which login would do (RFC 9470 section 3). */
export interface RequiredLogin {
  /** Values of `acr` that the provider can be asked for, of which one is enough. Absent: the user's login is strong enough. */
  readonly acrValues?: readonly string[] | undefined;
  /** Seconds since the login, at most. Absent: it is recent enough. */
  readonly maxAge?: number | undefined;
}

/**
 * The user must log in again, more strongly or more recently (RFC 9470). The client asks the provider for it with `acr_values`
 * and `max_age`, and begins a new tree.
 *
 * @example
 * ```ts
 * import { StepUpRequired } from 'waybill';
 *
 * const error = new StepUpRequired('Log in again.', { acrValues: ['urn:example:mfa'], maxAge: 300 });
 * console.log(error.code, error.acrValues?.join(' '), error.maxAge);
 * ```
 */
export class StepUpRequired
  extends WaybillError<'insufficient_user_authentication'>
  implements RequiredLogin
{
  readonly acrValues: readonly string[] | undefined;
  readonly maxAge: number | undefined;

  constructor(message: string, { acrValues, maxAge }: RequiredLogin, options: WaybillErrorOptions = {}) {
    super('insufficient_user_authentication', message, options);
    this.acrValues = acrValues;
    this.maxAge = maxAge;
  }

  /** With `headers` what Express and Fastify answer where a handler throws it. */
  get status(): 401 {
    return 401;
  }

  get statusCode(): 401 {
    return 401;
  }

  /** The challenge (RFC 9470 section 3). */
  get headers(): Readonly<Record<string, string>> {
    const parameters = ['error="insufficient_user_authentication"'];
    if (this.acrValues) parameters.push(`acr_values="${this.acrValues.join(' ')}"`);
    if (this.maxAge !== undefined) parameters.push(`max_age="${this.maxAge}"`);
    return { 'www-authenticate': `Bearer ${parameters.join(', ')}` };
  }
}

/** Whether an unknown `catch` value says that the user must log in again. */
export function isStepUpRequired(error: unknown): error is StepUpRequired {
  return isWaybillError(error, 'insufficient_user_authentication');
}

/**
 * Narrows an unknown `catch` value to a `WaybillError` with one of the codes (any code when none is given).
 *
 * @example
 * ```ts
 * import { isWaybillError, unpack } from 'waybill';
 *
 * try {
 *   unpack('wb1~!');
 * } catch (error) {
 *   if (isWaybillError(error, 'token_packed')) console.log(error.message);
 *   else throw error;
 * }
 * ```
 */
export function isWaybillError<Code extends ErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is WaybillError<Code> {
  // By name, not by class: a process may have loaded `waybill` and both kinds of `@waybill/middleware`.
  return (
    error instanceof Error &&
    error.name === NAME &&
    (codes.length === 0 || (codes as readonly ErrorCode[]).includes((error as WaybillError).code))
  );
}

/** The program was called wrongly: by far the most frequent error. */
export function usageError(message: string, options?: ErrorOptions): WaybillError<'usage'> {
  return new WaybillError('usage', message, options);
}
