/** Opaque references: what a client holds instead of a token. They contain no claims; only the issuer can resolve them. */

const PREFIX = 'wbo_';

/** 256 bits in base64url, the last character in its canonical form. */
const REFERENCE = /^wbo_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** @param random 256 random bits. */
export function referenceOf(random: Uint8Array): string {
  return PREFIX + Buffer.from(random).toString('base64url');
}

export function isReference(token: string): boolean {
  return REFERENCE.test(token);
}
