/**
 * How a request is refused: a problem document (RFC 9457) and, where a token is at fault, a challenge (RFC 6750
 * section 3, RFC 9449 section 7.1). The one place of the middleware that knows HTTP statuses.
 */

import {
  isStepUpRequired,
  isWaybillError,
  type ErrorCode,
  type StepUpRequired,
  type WaybillError,
} from '../../errors.ts';
import { FULLY_SPECIFIED_ALGORITHMS } from '../../protocol.ts';
import { schemeOf } from './challenge.ts';

export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A problem document in JSON. */
  readonly body: string;
  /** That of the error. */
  readonly code: ErrorCode;
}

interface Answer {
  readonly status: number;
  readonly title: string;
  /** RFC 6750 section 3.1; absent where the answer has no challenge, empty for a challenge without error code. */
  readonly challenge?:
    | ''
    | 'invalid_request'
    | 'invalid_token'
    | 'insufficient_scope'
    | 'invalid_dpop_proof'
    | 'insufficient_user_authentication';
}

const INVALID_TOKEN: Answer = { status: 401, title: 'Unauthorized', challenge: 'invalid_token' };
const UNAVAILABLE: Answer = { status: 503, title: 'Service Unavailable' };

/** Codes that mean that the request is refused; any other error is the service's own. */
const ANSWERS: Partial<Record<ErrorCode, Answer>> = {
  token_missing: { status: 401, title: 'Unauthorized', challenge: '' },
  token_repeated: { status: 400, title: 'Bad Request', challenge: 'invalid_request' },
  token_too_large: { status: 431, title: 'Request Header Fields Too Large' }, // RFC 6585 section 5
  token_tree_too_large: { status: 431, title: 'Request Header Fields Too Large' }, // what it unpacks to
  token_malformed: INVALID_TOKEN,
  token_packed: INVALID_TOKEN,
  token_sealed: INVALID_TOKEN,
  token_algorithm: INVALID_TOKEN,
  token_key_unknown: INVALID_TOKEN,
  token_signature: INVALID_TOKEN,
  token_type: INVALID_TOKEN,
  token_issuer: INVALID_TOKEN,
  token_audience: INVALID_TOKEN,
  token_claims: INVALID_TOKEN,
  token_expired: INVALID_TOKEN,
  token_not_yet_valid: INVALID_TOKEN,
  token_inactive: INVALID_TOKEN,
  token_presenter: INVALID_TOKEN, // RFC 8705 section 3: a binding that does not hold is an invalid token
  invalid_dpop_proof: { status: 401, title: 'Unauthorized', challenge: 'invalid_dpop_proof' },
  insufficient_user_authentication: {
    status: 401,
    title: 'Unauthorized',
    challenge: 'insufficient_user_authentication',
  },
  scope_insufficient: { status: 403, title: 'Forbidden', challenge: 'insufficient_scope' },
  lineage_not_allowed: { status: 403, title: 'Forbidden' },
  issuer_unavailable: UNAVAILABLE,
  issuer_metadata: UNAVAILABLE,
  introspection_refused: UNAVAILABLE,
};

/** Whether an error means that a request is refused. */
export function isRefusal(error: WaybillError): boolean {
  return ANSWERS[error.code] !== undefined;
}

/**
 * The answer to a request that `authenticate` refused, for any framework.
 *
 * @param scope the scopes that the operation needs, for `insufficient_scope`.
 * @returns undefined for an error that is not about the request's token.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { extractor, refusal } from 'waybill/middleware';
 *
 * const waybill = extractor({
 *   issuer: 'https://tokens.example',
 *   audience: 'https://shop.example',
 *   caller: 'none', // whoever holds a token may present it
 * });
 * createServer((request, response) => {
 *   waybill.authenticate({ authorization: request.headers.authorization, scope: 'order' }).then(
 *     () => response.end('ordered'),
 *     (error: unknown) => {
 *       const answer = refusal(error, ['order']);
 *       if (!answer) throw error;
 *       response.writeHead(answer.status, answer.headers).end(answer.body);
 *     },
 *   );
 * });
 * ```
 */
export function refusal(error: unknown, scope: readonly string[] = []): Refusal | undefined {
  const answer = isWaybillError(error) ? ANSWERS[error.code] : undefined;
  if (answer === undefined || !isWaybillError(error)) return undefined;
  const { status, title } = answer;
  const body = JSON.stringify({
    type: 'about:blank',
    title,
    status,
    detail: error.message,
    code: error.code,
  });
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(answer.challenge === undefined
        ? {}
        : { 'www-authenticate': challenge(answer.challenge, error, scope) }),
    },
    body,
    code: error.code,
  };
}

/** The answer to a request whose handler needs another login of the user (RFC 9470); undefined for any other error. */
export function stepUpRefusal(error: unknown): Refusal | undefined {
  return isStepUpRequired(error) ? refusal(error) : undefined;
}

/** RFC 9449 section 7.1. */
const ALGORITHMS = `algs="${FULLY_SPECIFIED_ALGORITHMS.join(' ')}"`;

function challenge(code: string, error: WaybillError, scope: readonly string[]): string {
  if (code === '') return `Bearer, DPoP ${ALGORITHMS}`; // RFC 9449 section 7.2: either will do
  const scheme = schemeOf(error);
  const parameters = [`error="${code}"`, `error_description="${quotable(error.message)}"`];
  if (code === 'insufficient_scope') parameters.push(`scope="${scope.join(' ')}"`);
  if (isStepUpRequired(error)) parameters.push(...loginParameters(error));
  if (scheme === 'DPoP') parameters.push(ALGORITHMS);
  return `${scheme} ${parameters.join(', ')}`;
}

/** RFC 9470 section 3. */
function loginParameters({ acrValues, maxAge }: StepUpRequired): string[] {
  return [
    ...(acrValues ? [`acr_values="${quotable(acrValues.join(' '))}"`] : []),
    ...(maxAge === undefined ? [] : [`max_age="${maxAge}"`]),
  ];
}

/** The characters that RFC 6750 section 3 allows in `error_description`. */
function quotable(text: string): string {
  return text.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?');
}
