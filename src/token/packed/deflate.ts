/** Raw DEFLATE (RFC 1951) with a preset dictionary, in one step and within bounds. */

import { deflateRawSync, inflateRawSync } from 'node:zlib';

import { DICTIONARY } from './dictionary.ts';
import { refused } from './refusal.ts';

/** Bytes of a body that may be deflated: few bytes can ask for no more work than this. Part of the format. */
const MAX_BODY_BYTES = 32_768;

/** What most bodies take: zlib makes room for so much at once. */
const CHUNK_BYTES = 2048;

/** A small window and few tables, since all of it is set up anew for each token. */
const WRITING = { dictionary: DICTIONARY, level: 9, windowBits: 12, memLevel: 4, chunkSize: CHUNK_BYTES };

const READING = {
  dictionary: DICTIONARY,
  maxOutputLength: MAX_BODY_BYTES,
  chunkSize: CHUNK_BYTES,
  info: true,
};

/** @returns undefined for a body that is too long. */
export function deflated(body: Uint8Array): Uint8Array | undefined {
  return body.length > MAX_BODY_BYTES ? undefined : deflateRawSync(body, WRITING);
}

/** @throws WaybillError `token_packed` for anything but one DEFLATE stream of a body that is short enough. */
export function inflated(bytes: Uint8Array): Buffer {
  let result: { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
  try {
    // With `info` there is more than the bytes, of which the types know nothing.
    result = inflateRawSync(bytes, READING) as unknown as typeof result;
  } catch {
    throw refused('its body is no DEFLATE stream, or a long one');
  }
  // zlib stops at the end of the stream and does not mind what follows.
  if (result.engine.bytesWritten !== bytes.length) throw refused('something stands behind the deflated body');
  return result.buffer;
}
