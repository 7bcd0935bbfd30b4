/**
 * The context of a request as parameters: `authorization_details` (RFC 9396) or `request_details` (Transaction Tokens) of a
 * client, `request_context` of a gateway. Bounded before they are parsed; no value of theirs is in an error or a log.
 */
import { FlatJsonFault, parseFlatObject, parseOneFlatObject } from '../../input/flat-json.ts';
import { WaybillError } from '../../errors.ts';
import type { Plan } from '../../graph/index.ts';
import { RequestClaimFault } from '../index.ts';
import { HttpError } from './responses.ts';
import { single, type Form } from './form.ts';

/** What a party sets, by the names of claims. */
export type RequestValues = Readonly<Record<string, unknown>>;

/** Characters: room for the most that the claims of a graph can take, and their names. */
const MAX_CHARS = 8 * 1024;

const AUTHORIZATION_DETAILS = 'authorization_details';
const REQUEST_DETAILS = 'request_details';
const REQUEST_CONTEXT = 'request_context';

/** What a client says of its request. */
export interface RequestDetails {
  readonly values: RequestValues;
  /** Whether it came as `authorization_details`; then the answer says what was granted, in the same form. */
  readonly isRichRequest: boolean;
}

/**
 * @throws WaybillError `invalid_authorization_details` (RFC 9396 section 5), `invalid_request`
 */
export function requestDetailsOf(form: Form, { issuer: { contextType } }: Plan): RequestDetails {
  refuseParameters(
    form,
    [REQUEST_CONTEXT],
    'It is for gateways, which swap opaque tokens at the introspection endpoint.',
  );
  const rich = single(form, AUTHORIZATION_DETAILS);
  const plain = single(form, REQUEST_DETAILS);
  if (rich === undefined)
    return { values: plain === undefined ? {} : readObject(REQUEST_DETAILS, plain), isRichRequest: false };
  if (plain !== undefined)
    throw invalidDetails(`A request has ${AUTHORIZATION_DETAILS} or ${REQUEST_DETAILS}, not both.`);
  const { type, ...values } = read(AUTHORIZATION_DETAILS, rich, parseOneFlatObject, invalidDetails);
  if (type !== contextType)
    throw invalidDetails(
      `The type in ${AUTHORIZATION_DETAILS} must be ${contextType}, and there is one such object.`,
    );
  return { values, isRichRequest: true };
}

/** @throws HttpError */
export function requestContextOf(form: Form): RequestValues {
  refuseParameters(
    form,
    [AUTHORIZATION_DETAILS, REQUEST_DETAILS],
    'A client sets it when it asks for the token.',
  );
  const context = single(form, REQUEST_CONTEXT);
  return context === undefined ? {} : readObject(REQUEST_CONTEXT, context);
}

/** A service changes nothing of the request for which it works. @throws HttpError */
export function refuseRequestDetails(form: Form): void {
  refuseParameters(
    form,
    [AUTHORIZATION_DETAILS, REQUEST_DETAILS, REQUEST_CONTEXT],
    'A service cannot set claims of the request: they come with the token that it presents.',
  );
}

/** What was granted, in the form in which it was asked for (RFC 9396 section 7). */
export function grantedDetails({ issuer: { contextType } }: Plan, granted: RequestValues): readonly object[] {
  return Object.keys(granted).length === 0 ? [] : [{ type: contextType, ...granted }];
}

/** Faults of the values themselves, under the code of the form in which they came. */
export async function underCodeOf<Result>(
  { isRichRequest }: RequestDetails,
  issuing: Promise<Result>,
): Promise<Result> {
  try {
    return await issuing;
  } catch (error) {
    throw isRichRequest && error instanceof RequestClaimFault ? invalidDetails(error.message) : error;
  }
}

function refuseParameters(form: Form, names: readonly string[], why: string): void {
  const name = names.find((each) => form.has(each));
  if (name !== undefined) throw new HttpError(400, `The parameter ${name} is not for this request. ${why}`);
}

function readObject(name: string, text: string): RequestValues {
  return read(name, text, parseFlatObject, (message) => new HttpError(400, message));
}

function read(
  name: string,
  text: string,
  parse: (json: string) => ReadonlyMap<string, unknown>,
  fault: (message: string) => WaybillError,
): RequestValues {
  if (text.length > MAX_CHARS) throw fault(`The parameter ${name} has at most ${MAX_CHARS} characters.`);
  try {
    return Object.fromEntries(parse(text));
  } catch (error) {
    throw error instanceof FlatJsonFault
      ? fault(`The parameter ${name} cannot be read: ${error.message}.`)
      : error;
  }
}

function invalidDetails(message: string): WaybillError {
  return new WaybillError('invalid_authorization_details', message);
}
