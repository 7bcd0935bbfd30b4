/** What the writer makes of a value that no guess covers. The reader takes whatever was chosen. */

import { canonicalBytes } from './nested.ts';

/** A part of a dotted string is worth decoding from here on. */
const RANDOM_CHARS = 8;

/** The bytes of those parts, between dots, that look like random bytes in base64url: ids, ciphertexts. */
export function randomParts(text: string): (Uint8Array | undefined)[] {
  return text.split('.').map((part) => {
    const random = part.length >= RANDOM_CHARS && /[A-Z]/.test(part) && /[a-z]/.test(part) && /[0-9]/.test(part);
    return random ? canonicalBytes(part) : undefined;
  });
}

/** The names in a map from names to the audiences that they would have; undefined for any other value. */
export function audiencesIn(value: string, audience: (name: string) => string): string[] | undefined {
  if (!value.startsWith('{"')) return undefined;
  const names = Object.keys(JSON.parse(value) as object).map((name) => JSON.stringify(name).slice(1, -1));
  return `{${names.map((name) => `"${name}":${audience(name)}`).join(',')}}` === value ? names : undefined;
}
