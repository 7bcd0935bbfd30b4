/** Raw DEFLATE (RFC 1951) behind the dictionary, in one step and within bounds. Texts have one character for each byte. */

import { DICTIONARY } from './dictionary.ts';
import { MAX_FIXED_BYTES, deflateFixed } from './fixed-deflate.ts';
import { BROKEN, CONTINUED, inflateFixed, isFixed } from './fixed-inflate.ts';
import { refused } from './refusal.ts';
import { compression } from './zlib.ts';

/** Bytes of a body that may be deflated: few bytes can ask for no more work than this. Part of the format. */
const MAX_BODY_BYTES = 32_768;

const { deflate, inflate } = compression({ dictionary: DICTIONARY, maxBytes: MAX_BODY_BYTES });

/** The dictionary, and room for the longest body. */
const room = Buffer.allocUnsafeSlow(DICTIONARY.length + MAX_BODY_BYTES);
room.set(DICTIONARY);

/** @returns undefined for a body that is too long. */
export function deflated(body: string): string | undefined {
  if (body.length > MAX_BODY_BYTES) return undefined;
  if (body.length <= MAX_FIXED_BYTES) return deflateFixed(body);
  return deflate(Buffer.from(body, 'latin1')).toString('latin1');
}

/** @throws WaybillError `token_packed` for anything but one DEFLATE stream of a body that is short enough. */
export function inflated(bytes: Uint8Array): string {
  if (!isFixed(bytes)) return inflatedByPlatform(bytes);
  const end = inflateFixed(bytes, room, DICTIONARY.length);
  if (end === BROKEN) throw broken();
  if (end === CONTINUED) throw continued();
  return room.toString('latin1', DICTIONARY.length, end);
}

/** What has several blocks, or codes of its own. */
function inflatedByPlatform(bytes: Uint8Array): string {
  const result = inflate(bytes);
  if (!result) throw broken();
  if (result.read !== bytes.length) throw continued();
  return result.body.toString('latin1');
}

function broken(): Error {
  return refused('its body is not a DEFLATE stream, or inflates to more than 32768 bytes');
}

function continued(): Error {
  return refused('bytes follow the deflated body');
}
