/**
 * Reads a JWS in compact serialization (RFC 7515 section 3.1) without believing it.
 *
 * In: a string from anywhere. Out: an `Envelope` (the header read, the payload still text) or a `DecodedToken`
 * (both read). Neither is verified; `verify.ts` alone makes a `VerifiedToken`. No message here quotes the token.
 */

import { WaybillError } from '../errors.ts';
import { DEFAULT_READER_LIMITS } from '../protocol.ts';
import { fromBase64url, transientBytes } from './base64url.ts';
import { parseObject, utf8, type JsonObject } from './json.ts';
import { isPacked } from './packed/prefix.ts';

/** A header of Waybill's takes under 100 bytes; this leaves room for long key ids, and for nothing else. */
const MAX_HEADER_BYTES = 1024;

/** Header members that would bring a key, or rules, of the token's own choosing (RFC 8725 section 3.10). */
const REFUSED_MEMBERS = ['crit', 'jku', 'jwk', 'x5u', 'x5c'] as const;

export interface DecodeOptions {
  /** Largest token that is looked at, in bytes. Default 262144 (256 KiB). Checked before anything is decoded. */
  readonly maxBytes?: number | undefined;
}

/** A compact JWS in its parts: header read, payload not. Unverified. */
export interface Envelope {
  readonly header: JsonObject;
  /** Undefined where it is no UTF-8. */
  readonly payload: string | undefined;
  /** What the signature is of (RFC 7515 section 5.1, step 5), in ASCII. Never put it in a message or a log. */
  readonly signed: string;
  readonly signature: Uint8Array;
}

/** What a token claims to be. Unverified: anyone can have written it. */
export interface DecodedToken {
  /** The token as it arrived. Never put it in a message or a log. */
  readonly compact: string;
  /** Length of `compact` in bytes. */
  readonly bytes: number;
  readonly header: JsonObject;
  readonly payload: JsonObject;
}

/**
 * Decodes a token for looking at it.
 *
 * @throws WaybillError `token_too_large` over `maxBytes`; `token_malformed` for anything but a canonical compact
 *   JWS of two JSON objects.
 */
export function decodeToken(token: string, options: DecodeOptions = {}): DecodedToken {
  const { header, payload } = openEnvelope(token, options);
  return Object.freeze({ compact: token, bytes: token.length, header, payload: readPayload(payload) });
}

/** Splits a token and reads its header; the payload stays text until a signature has been checked. */
export function openEnvelope(token: string, options: DecodeOptions = {}): Envelope {
  requireSize(token, options.maxBytes ?? DEFAULT_READER_LIMITS.nested);
  if (isPacked(token)) {
    throw malformed('the token is packed (wb1~) where only a JWT can stand');
  }
  const parts = token.split('.', 6);
  if (parts.length === 5)
    throw malformed(
      'the token is sealed (five parts), and only the service that it is sealed to can open it',
    );
  const [first, second, third] = parts;
  if (parts.length !== 3 || !first || !second || !third) throw notThree();
  const header = openHeader(first);
  const bytes = transientBytes(second);
  if (bytes === undefined) throw notCanonical('payload');
  const payload = utf8(bytes);
  const signature = decodePart(third, 'signature');
  return { header, payload, signed: token.slice(0, first.length + 1 + second.length), signature };
}

/** Headers that have been read, by their base64url: those of one key's tokens are all the same. */
const headers = new Map<string, JsonObject>();

/** Most of them: more than an issuer has keys at a time. */
const MAX_HEADERS = 64;

function openHeader(encoded: string): JsonObject {
  if (encoded.length > MAX_HEADER_BYTES) throw malformed(`the header is over ${MAX_HEADER_BYTES} bytes`);
  const known = headers.get(encoded);
  if (known !== undefined) return known;
  const bytes = decodePart(encoded, 'header');
  const header = readHeader(bytes);
  if (headers.size >= MAX_HEADERS) headers.clear(); // anyone can write headers, and none is worth more than another
  // Encoded anew, since a piece of the token would keep all of it.
  headers.set(bytes.toString('base64url'), header);
  return header;
}

/**
 * The parts of a token that came packed: what `openEnvelope` makes of its nested text, which is never put together.
 *
 * @param header in base64url, canonically.
 * @param payload in base64url, canonically.
 * @param bytes the payload's own, one character for each.
 */
export function envelopeOf(header: string, payload: string, bytes: string, signature: Uint8Array): Envelope {
  if (header === '' || payload === '' || signature.length === 0) throw notThree();
  const isAscii = Buffer.byteLength(bytes) === bytes.length;
  return {
    header: openHeader(header),
    payload: isAscii ? bytes : utf8(Buffer.from(bytes, 'latin1')),
    signed: `${header}.${payload}`,
    signature,
  };
}

/**
 * The payload text of a decoded token as its author wrote it: parsing loses digits of numbers.
 *
 * @throws WaybillError `token_malformed`
 */
export function payloadTextOf(token: string): string {
  const [, payload = ''] = token.split('.', 3);
  const text = utf8(decodePart(payload, 'payload'));
  if (text === undefined) throw malformed('the payload is not a JSON object');
  return text;
}

/** @throws WaybillError `token_malformed` */
export function readPayload(text: string | undefined): JsonObject {
  const payload = text === undefined ? undefined : parseObject(text);
  if (payload === undefined) throw malformed('the payload is not a JSON object');
  return payload;
}

/** @throws WaybillError `token_too_large` */
export function requireSize(token: string, maxBytes: number): void {
  // A well-formed token is ASCII, so its length is its size; any other character is refused further down.
  if (token.length <= maxBytes) return;
  throw new WaybillError('token_too_large', `the token has ${token.length} bytes, the limit is ${maxBytes}`);
}

function decodePart(part: string, what: string): Buffer {
  const bytes = fromBase64url(part);
  if (bytes === undefined) throw notCanonical(what);
  return bytes;
}

function notThree(): WaybillError {
  return malformed('a token has three non-empty parts with dots between');
}

function notCanonical(what: string): WaybillError {
  return malformed(`the ${what} is not canonical base64url`);
}

/**
 * The header must be exactly what `JSON.stringify` writes. Waybill's issuer always writes so; a repeated member,
 * which parsers read differently, an escape or a blank cannot survive the comparison.
 */
function readHeader(bytes: Uint8Array): JsonObject {
  const text = utf8(bytes);
  const header = text === undefined ? undefined : parseObject(text);
  if (header === undefined) throw malformed('the header is not a JSON object');
  if (JSON.stringify(header) !== text) throw malformed('the header is not in canonical JSON');
  for (const member of REFUSED_MEMBERS) {
    if (Object.hasOwn(header, member)) throw malformed(`the header has "${member}", which is never honoured`);
  }
  return header;
}

function malformed(reason: string): WaybillError {
  return new WaybillError('token_malformed', reason);
}
