/** Base64url in its one canonical form (RFC 7515 section 2, RFC 4648 section 3.5). */

/** With which a text may end: what is left over of its last character must be zero bits. By length modulo 4. */
const ENDS = [undefined, '', 'AQgw', 'AEIMQUYcgkosw048'] as const;

/**
 * Node's decoder skips what it does not know, so that what comes out is too short. What it knows besides is told apart
 * here: padding, the other alphabet, characters of which it takes the lower half, bits that are left over.
 *
 * @returns undefined for any other form.
 */
export function fromBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== Math.floor((text.length * 3) / 4)) return undefined;
  const ends = ENDS[text.length % 4];
  if (ends !== undefined && !ends.includes(text.charAt(text.length - 1))) return undefined;
  return isAlphabet(text) ? bytes : undefined;
}

/** Whether a text that decodes has none of the characters that the decoder takes for others. */
function isAlphabet(text: string): boolean {
  const isAscii = Buffer.byteLength(text) === text.length;
  return isAscii && !text.includes('+') && !text.includes('/') && !text.includes('=');
}
