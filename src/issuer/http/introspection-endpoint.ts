/**
 * `POST /introspect`. What the caller accepts decides what it gets: claims in JSON (RFC 7662), the same signed (RFC
 * 9701), or the access token itself (the phantom-token swap, a contract of its own on purpose).
 *
 * A token that is not active, or not for the caller to know, is `{"active": false}` in the first two, and in a swap
 * 204 without a body, as gateways that know phantom tokens expect.
 */
import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { INTROSPECTION_TYPE, nameOf, type Introspection, type Party } from '../index.ts';
import { NO_STORE, HttpError, sendJson } from './responses.ts';
import type { FormAnswer } from './authenticated-form.ts';
import { encodingOf, required, single } from './form.ts';

const SWAP = 'application/jwt';
const SIGNED = `application/${INTROSPECTION_TYPE}`;

/** By preference: who accepts anything, or nothing of these, gets JSON. */
const TYPES = ['application/json', SIGNED, SWAP];
/** Characters: reading the header takes time in the square of its length where it quotes commas. */
const MAX_ACCEPT = 1_024;

export const answerIntrospection: FormAnswer = async ({ issuer, party, form, request, log }, response) => {
  if ((request.headers.accept?.length ?? 0) > MAX_ACCEPT)
    throw new HttpError(400, `The header Accept has at most ${MAX_ACCEPT} characters.`);
  const accepted = request.accepts(TYPES);
  const result = await issuer.introspect(party, {
    token: required(form, 'token'),
    form: accepted === SWAP ? 'token' : 'claims',
    verified: { jkt: single(form, 'dpop_jkt'), 'x5t#S256': single(form, 'x5t#S256') },
    encoding: encodingOf(form),
  });
  logResult(log, party, result, accepted === SWAP);
  if (accepted === SWAP) return sendToken(response, result);
  const claims = result.active ? result.claims : undefined;
  const answer = claims ?? { active: false };
  if (accepted !== SIGNED) return sendJson(response, 200, answer, INTROSPECTED);
  sendText(response, SIGNED, await issuer.signIntrospection(party, answer));
};

/** One address, several answers: whoever caches must know what was accepted. */
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
