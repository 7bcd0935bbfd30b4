/**
 * `POST /introspect`. The `Accept` header selects the response: claims in JSON (RFC 7662), the same signed (RFC 9701), or the
 * access token itself (the phantom-token swap, on purpose not a standard).
 *
 * A token that is not active, or that the caller may not introspect, is `{"active": false}` in the first two, and 204
 * without a body in a swap, as gateways with phantom tokens expect.
 */
import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { INTROSPECTION_TYPE, nameOf, type Introspection, type Party } from '../index.ts';
import { NO_STORE, HttpError, sendJson } from './responses.ts';
import type { Answered, AuthenticatedForm, FormEndpoint } from './authenticated-form.ts';
import { encodingOf, required, single } from './form.ts';
import { requestContextOf } from './request-details.ts';

const SWAP = 'application/jwt';
const SIGNED = `application/${INTROSPECTION_TYPE}`;

/** By preference: JSON for a caller that accepts anything, or none of these. */
const TYPES = ['application/json', SIGNED, SWAP];
/** Characters: parsing quoted commas takes quadratic time. */
const MAX_ACCEPT = 1_024;

export const introspectionEndpoint: FormEndpoint = { name: 'introspection', answer };

async function answer(
  { issuer, party, form, request, log }: AuthenticatedForm,
  response: ServerResponse,
): Promise<Answered> {
  if ((request.headers.accept?.length ?? 0) > MAX_ACCEPT)
    throw new HttpError(400, `The header Accept has at most ${MAX_ACCEPT} characters.`);
  const accepted = request.accepts(TYPES);
  const result = await issuer.introspect(party, {
    token: required(form, 'token'),
    form: accepted === SWAP ? 'token' : 'claims',
    verified: { jkt: single(form, 'dpop_jkt'), 'x5t#S256': single(form, 'x5t#S256') },
    encoding: encodingOf(form),
    request: requestContextOf(form),
  });
  logResult(log, party, result, accepted === SWAP);
  const claims = (result.active ? result.claims : undefined) ?? { active: false };
  if (accepted === SWAP) sendToken(response, result);
  else if (accepted === SIGNED) sendText(response, SIGNED, await issuer.signIntrospection(party, claims));
  else sendJson(response, 200, claims, INTROSPECTED);
  return result.active ? {} : { outcome: 'inactive' };
}

const INTROSPECTED = { ...NO_STORE, vary: 'accept' };

function sendToken(response: ServerResponse, result: Introspection): void {
  if (result.active && result.token !== undefined) return sendText(response, SWAP, result.token);
  response.writeHead(204, INTROSPECTED).end();
}

function sendText(response: ServerResponse, type: string, text: string): void {
  const headers = { 'content-type': type, 'content-length': Buffer.byteLength(text), ...INTROSPECTED };
  response.writeHead(200, headers).end(text);
}

function logResult(log: Logger, party: Party, result: Introspection, swap: boolean): void {
  const what = swap ? 'swapped' : 'introspected';
  const caller = nameOf(party);
  if (result.active) log.info({ caller, client: result.client, txn: result.txn, active: true }, what);
  else log.info({ caller, active: false, reason: result.reason }, what);
}
