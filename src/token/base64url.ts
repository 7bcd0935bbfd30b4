/** Base64url in its one canonical form (RFC 7515 section 2, RFC 4648 section 3.5). */

/** With which characters a text may end, by its length modulo 4: what is left over of the last must be zero bits. */
const ENDS = [undefined, '', 'AQgw', 'AEIMQUYcgkosw048'] as const;

/**
 * Node's decoder skips invalid characters, so that its output is too short. It accepts more than the canonical form, which
 * is checked here: padding, the other alphabet, characters beyond ASCII, unused bits that are not zero.
 *
 * @returns undefined for any other form.
 */
export function fromBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return isCanonical(text, bytes.length) ? bytes : undefined;
}

/** Memory for bytes that are read at once; what takes more has to find its own. */
const room = Buffer.allocUnsafeSlow(32 * 1024);

/** The same, for bytes that are used at once: the next call may overwrite them. */
export function transientBytes(text: string): Buffer | undefined {
  if (text.length > room.length) return fromBase64url(text);
  const bytes = room.subarray(0, room.write(text, 'base64url'));
  return isCanonical(text, bytes.length) ? bytes : undefined;
}

/** @param bytes how many bytes Node's decoder made of the text. */
function isCanonical(text: string, bytes: number): boolean {
  if (bytes !== Math.floor((text.length * 3) / 4)) return false;
  const ends = ENDS[text.length % 4];
  if (ends !== undefined && !ends.includes(text.charAt(text.length - 1))) return false;
  const isAscii = Buffer.byteLength(text) === text.length;
  return isAscii && !text.includes('+') && !text.includes('/') && !text.includes('=');
}
