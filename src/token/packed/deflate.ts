/** Raw DEFLATE (RFC 1951) behind the dictionary, in one step and within bounds. Texts have one character for each byte. */

import { deflateRawSync, inflateRawSync } from 'node:zlib';

import { DICTIONARY } from './dictionary.ts';
import { MAX_FIXED_BYTES, deflateFixed } from './fixed-deflate.ts';
import { BROKEN, CONTINUED, inflateFixed, isFixed } from './fixed-inflate.ts';
import { refused } from './refusal.ts';

/** Bytes of a body that may be deflated: few bytes can ask for no more work than this. Part of the format. */
const MAX_BODY_BYTES = 32_768;

const WRITING = { dictionary: DICTIONARY, level: 9 };

const READING = { dictionary: DICTIONARY, maxOutputLength: MAX_BODY_BYTES, info: true };

/** The dictionary, and room for the longest body. */
const room = Buffer.allocUnsafeSlow(DICTIONARY.length + MAX_BODY_BYTES);
room.set(DICTIONARY);

/** @returns undefined for a body that is too long. */
export function deflated(body: string): string | undefined {
  if (body.length > MAX_BODY_BYTES) return undefined;
  if (body.length <= MAX_FIXED_BYTES) return deflateFixed(body);
  return deflateRawSync(Buffer.from(body, 'latin1'), WRITING).toString('latin1');
}

/** @throws WaybillError `token_packed` for anything but one DEFLATE stream of a body that is short enough. */
export function inflated(bytes: Uint8Array): string {
  if (!isFixed(bytes)) return inflatedByZlib(bytes);
  const end = inflateFixed(bytes, room, DICTIONARY.length);
  if (end === BROKEN) throw broken();
  if (end === CONTINUED) throw continued();
  return room.toString('latin1', DICTIONARY.length, end);
}

/** What has several blocks, or codes of its own. */
function inflatedByZlib(bytes: Uint8Array): string {
  let result: { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
  try {
    // With `info` there is more than the bytes, of which the types know nothing.
    result = inflateRawSync(bytes, READING) as unknown as typeof result;
  } catch {
    throw broken();
  }
  // zlib stops at the end of the stream and does not mind what follows.
  if (result.engine.bytesWritten !== bytes.length) throw continued();
  return result.buffer.toString('latin1');
}

function broken(): Error {
  return refused('its body is no DEFLATE stream, or a long one');
}

function continued(): Error {
  return refused('something stands behind the deflated body');
}
