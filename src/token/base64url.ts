/** Base64url in its one canonical form (RFC 7515 section 2, RFC 4648 section 3.5). */

/**
 * Node's decoder skips what it does not know, so the only test that holds is to encode again: padding, other alphabets,
 * blanks and non-zero trailing bits all come out different.
 *
 * @returns undefined for any other form.
 */
export function fromBase64url(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
