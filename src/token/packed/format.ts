/** The numbers of the format, and what a text must look like for the writer to use them. */

import { transientBytes } from '../base64url.ts';

/** What a record is; `shaped + k` is a payload of shape k. */
export const FORM = { opaque: 0, raw: 1, newShape: 2, shaped: 3 } as const;

/** A record's first number: the form, times eight, and three flags. */
export const TAG = { otherHeader: 1, children: 2, travelsNested: 4, form: 8 } as const;

/** How a value is given that is not the first prediction; `prediction + k` is the one behind it by k + 1, `words + k` k + 1 words. */
export const CHOICE = {
  text: 0,
  integer: 1,
  dotted: 2,
  json: 3,
  offset: 4,
  named: 5,
  audiences: 6,
  prediction: 7,
  words: 10,
} as const;

/** Predictions of one value. */
export const MAX_PREDICTIONS = CHOICE.words - CHOICE.prediction + 1;

/** How a header is given: as text, in a frame (`frame + k` for that of index k), as one that stood before. */
export const HEADER = { text: 0, frame: 1, known: 5 } as const;

/** What Waybill's headers look like around their `kid`. */
export const HEADER_FRAMES = ['ES256', 'Ed25519', 'PS256', 'RS256'].map((alg) => ({
  before: `{"alg":"${alg}","typ":"at+jwt","kid":"`,
  after: '"}',
}));

/** ASCII that is in JSON as it is: what any token is made of. */
export const PLAIN = /^[ !#-[\]-~]*$/;

/** A number as JSON that an integer can stand for: at most 14 digits. */
export const INTEGER = /^(?:0|[1-9][0-9]{0,13})$/;

/** A part of a dotted string is worth decoding from here on. */
const RANDOM_CHARS = 8;

/** The bytes of what looks like random bytes in base64url: an id, a ciphertext. One character for each byte. */
export function randomBytes(part: string): string | undefined {
  if (part.length < RANDOM_CHARS || !/[A-Z0-9]/.test(part)) return undefined;
  return transientBytes(part)?.toString('latin1');
}

/** Bytes of a bundle that a text takes with its random parts in the pool. */
export function dottedBytes(text: string): number {
  const parts = text.split('.');
  return parts.reduce((sum, part) => sum + partBytes(part), numberBytes(parts.length - 1));
}

export function partBytes(part: string): number {
  const random = randomBytes(part);
  return random === undefined ? part.length + 2 : random.length + numberBytes(random.length + 1);
}

/** Bytes of a varint. */
export function numberBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

/** Which frame a header has, and its `kid`. */
export function framed(header: string): { readonly index: number; readonly kid: string } | undefined {
  const index = HEADER_FRAMES.findIndex(
    ({ before, after }) => header.startsWith(before) && header.endsWith(after),
  );
  const frame = HEADER_FRAMES[index];
  if (frame === undefined || header.length < frame.before.length + frame.after.length) return undefined;
  return { index, kid: header.slice(frame.before.length, -frame.after.length) };
}
