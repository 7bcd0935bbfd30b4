/** What the writer makes of a value that no guess covers. The reader takes whatever was chosen. */

import { HEADER_FRAMES } from './literals.ts';
import { canonicalBytes } from './nested.ts';

/** A part of a dotted string is worth decoding from here on. */
const RANDOM_CHARS = 8;

/** The bytes of what looks like random bytes in base64url: an id, a ciphertext. */
export function randomBytes(part: string): Uint8Array | undefined {
  return part.length >= RANDOM_CHARS && /[A-Z0-9]/.test(part) ? canonicalBytes(part) : undefined;
}

/** Whether a text is shorter, in a stored bundle, with its random parts in the pool. */
export function dottedSaves(text: string): boolean {
  const parts = text.split('.');
  const sizes = parts.map((part) => {
    const bytes = randomBytes(part);
    return bytes === undefined ? part.length + 2 : bytes.length + (bytes.length < 127 ? 1 : 2);
  });
  return sizes.reduce((sum, size) => sum + size, parts.length > 128 ? 2 : 1) < text.length + 1;
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

/** The names in a map from names to the audiences that they would have; undefined for any other value. */
export function audiencesIn(value: string, audience: (name: string) => string): string[] | undefined {
  if (!value.startsWith('{"')) return undefined;
  const names = Object.keys(JSON.parse(value) as object).map((name) => JSON.stringify(name).slice(1, -1));
  return `{${names.map((name) => `"${name}":${audience(name)}`).join(',')}}` === value ? names : undefined;
}
