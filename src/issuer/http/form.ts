/** The body of a request with parameters: form-encoded, bounded, no parameter twice (RFC 6749 section 3.2). */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { parse as parseMediaType } from 'content-type';
import type { Encoding, Plan } from '../../graph/index.ts';
import { HttpError } from './responses.ts';

const FORM = 'application/x-www-form-urlencoded';
/** Bytes for all other parameters; an assertion with many claims is far smaller. */
const BESIDE_TOKEN = 64 * 1024;
const MAX_PARAMETERS = 64;
/** In lower case: the registered name, and a common variant of it. */
const UTF8_LABELS: ReadonlySet<string> = new Set(['utf-8', 'utf8']);

/**
 * Bytes. The largest token of this issuer may come back as `subject_token` or `token`. Form-encoding does not enlarge it,
 * except for the one `~` of a packed tree.
 */
export function largestBody({ issuer: { limits } }: Plan): number {
  return limits.nested + BESIDE_TOKEN;
}

/** What Express takes as a handler, in Node's own types: declarations name none of Express. */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void | Promise<void>;

/** A request whose form has been read, with what Express adds to it. */
export interface FormRequest extends IncomingMessage {
  readonly ip?: string;
  /** The best of these media types by the header `Accept`; false where it accepts none. */
  accepts(types: readonly string[]): string | false;
  /** The text of the body; undefined if it is not a form. */
  body?: string;
}

/**
 * Reads a form as text, the only kind of body that the issuer accepts.
 *
 * @param plan of the current graph: its limits bound the body.
 */
export function readForm(plan: () => Plan): Handler {
  return (request, _response, next) => {
    const { headers } = request;
    const hasBody = headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
    const { type, parameters } = parseMediaType(headers['content-type'] ?? '');
    if (!hasBody || type !== FORM) return next();
    const limit = largestBody(plan());
    const refused = refusalOf(headers, parameters['charset'], limit);
    if (refused) return next(refused);
    read(request, limit).then((text) => {
      (request as FormRequest).body = text;
      next();
    }, next);
  };
}

function refusalOf(
  headers: IncomingHttpHeaders,
  charset: string | undefined,
  limit: number,
): HttpError | undefined {
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity')
    return new HttpError(415, 'The body must not be compressed.');
  if (charset !== undefined && !UTF8_LABELS.has(charset.toLowerCase()))
    return new HttpError(415, 'The body must be UTF-8.');
  return Number(headers['content-length'] ?? 0) > limit ? tooLarge(limit) : undefined;
}

/** @throws HttpError over the limit, or if the client ends before its body does */
function read(request: IncomingMessage, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= limit) return void chunks.push(chunk);
      // The rest is read and dropped, so that the connection can stay open.
      request.off('data', take).resume();
      reject(tooLarge(limit));
    };
    request.on('data', take);
    request.once('end', () =>
      resolve((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('utf8')),
    );
    request.once('error', () => reject(new HttpError(400, 'The body could not be read.')));
  });
}

function tooLarge(limit: number): HttpError {
  return new HttpError(413, `The body is larger than ${limit} bytes.`);
}

/** May be repeated (RFC 8707 section 2, RFC 8693 section 2.1). */
const REPEATABLE: ReadonlySet<string> = new Set(['resource', 'audience']);

export type Form = ReadonlyMap<string, readonly string[]>;

/** @param body undefined if its content type is another. */
export function parseForm(body: string | undefined): Form {
  if (body === undefined) {
    throw new HttpError(400, `The body must have the content type ${FORM} (RFC 6749 section 4.4.2).`);
  }
  const form = new Map<string, string[]>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(body)) {
    if (++count > MAX_PARAMETERS)
      throw new HttpError(400, `A token request has at most ${MAX_PARAMETERS} parameters.`);
    if (value === '') continue; // RFC 6749 section 3.2: as if it were absent
    const values = form.get(name);
    if (!values) form.set(name, [value]);
    else if (REPEATABLE.has(name)) values.push(value);
    else
      throw new HttpError(
        400,
        `${/^[a-z_]{1,40}$/.test(name) ? `The parameter ${name}` : 'A parameter'} is repeated (RFC 6749 section 3.2).`,
      );
  }
  return form;
}

export function single(form: Form, name: string): string | undefined {
  return form.get(name)?.[0];
}

/** @throws HttpError if the parameter is missing (RFC 6749 section 5.2, `invalid_request`). */
export function required(form: Form, name: string): string {
  const value = single(form, name);
  if (value === undefined) throw new HttpError(400, `The parameter ${name} is missing.`);
  return value;
}

/**
 * How the tree of the response travels; a parameter of Waybill. Absent: the issuer decides.
 *
 * @throws HttpError for any value but `nested` and `packed`.
 */
export function encodingOf(form: Form): Encoding | undefined {
  const value = single(form, 'encoding');
  if (value === undefined || value === 'nested' || value === 'packed') return value;
  throw new HttpError(400, 'The parameter encoding must be nested or packed.');
}
