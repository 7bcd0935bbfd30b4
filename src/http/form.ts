/** The body of a request with parameters: form-encoded, bounded, no parameter twice (RFC 6749 section 3.2). */
import express, { type RequestHandler } from 'express';
import type { Encoding, Plan } from '../graph/index.ts';
import { RequestRefused } from './answers.ts';

const FORM = 'application/x-www-form-urlencoded';
/** For all that stands beside the token: an assertion of many claims stays well below. */
const BESIDE_TOKEN = 64 * 1024;
const MAX_PARAMETERS = 64;

/**
 * Bytes. The largest token that this issuer makes comes back as `subject_token` or `token`: it has only characters
 * that form-encoding leaves as they are, in either encoding of a tree but for one `~`.
 */
export function largestBody({ issuer: { limits } }: Plan): number {
  return limits.nested + BESIDE_TOKEN;
}

/** Reads a form as text. @param plan of the graph that runs now: its limits bound the body. */
export function readForm(plan: () => Plan): RequestHandler {
  const readerOf = (limit: number) => ({ limit, read: express.text({ type: FORM, limit, inflate: false }) });
  let reader = readerOf(largestBody(plan()));
  return (request, response, next) => {
    const limit = largestBody(plan());
    if (reader.limit !== limit) reader = readerOf(limit);
    return void reader.read(request, response, next);
  };
}

/** May stand more than once (RFC 8707 section 2, RFC 8693 section 2.1). */
const REPEATABLE: ReadonlySet<string> = new Set(['resource', 'audience']);

export type Form = ReadonlyMap<string, readonly string[]>;

/** @param body the text of a body whose type is form-encoded; anything else: the type was another. */
export function parseForm(body: unknown): Form {
  if (typeof body !== 'string') {
    throw new RequestRefused(
      400,
      `The body of a token request has the content type ${FORM} (RFC 6749 section 4.4.2).`,
    );
  }
  const form = new Map<string, string[]>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(body)) {
    if (++count > MAX_PARAMETERS)
      throw new RequestRefused(400, `A token request has at most ${MAX_PARAMETERS} parameters.`);
    if (value === '') continue; // RFC 6749 section 3.2: as if it were not there
    const values = form.get(name);
    if (!values) form.set(name, [value]);
    else if (REPEATABLE.has(name)) values.push(value);
    else
      throw new RequestRefused(
        400,
        `${/^[a-z_]{1,40}$/.test(name) ? `The parameter ${name}` : 'A parameter'} stands more than once (RFC 6749 section 3.2).`,
      );
  }
  return form;
}

export function single(form: Form, name: string): string | undefined {
  return form.get(name)?.[0];
}

/** @throws RequestRefused where the parameter is not there (RFC 6749 section 5.2, `invalid_request`). */
export function required(form: Form, name: string): string {
  const value = single(form, name);
  if (value === undefined) throw new RequestRefused(400, `The parameter ${name} is missing.`);
  return value;
}

/**
 * How the answer's tree is to travel: a parameter of this issuer's own. Absent: as the graph says.
 *
 * @throws RequestRefused for any other value than `nested` and `packed`.
 */
export function encodingOf(form: Form): Encoding | undefined {
  const value = single(form, 'encoding');
  if (value === undefined || value === 'nested' || value === 'packed') return value;
  throw new RequestRefused(400, 'The parameter encoding can be nested or packed.');
}
