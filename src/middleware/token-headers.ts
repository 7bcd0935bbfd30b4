/**
 * Header lines that carry tokens (threat 15). What a client sends of them ends at the edge: a service behind it must
 * be able to trust that the one token it sees came through the gateway.
 */

/** One header line: its name in any case, its value. */
export type HeaderLine = readonly [name: string, value: string];

/** `Authorization` and what gateways, meshes and clouds put beside it; in lower case, `_` written `-`. */
const TOKEN_NAMES = [
  /(^|-)authori[sz]ation$/,
  /(^|-)(access|auth|authentication|bearer|id|identity|jwt|oauth|txn|user|session)-?token$/,
  /(^|-)jwt(-|$)/,
  /^dpop$/, // a proof for the edge, which has looked at it
  /^x-amzn-oidc-/,
  /^x-auth-request-/,
  /^x-ms-token-/,
];

/** A token by the look of it, under whichever name: this issuer's references and packed trees, and any JWT. */
const TOKEN_VALUE = /^\s*(bearer|dpop)\s|wbo_[\w-]{43}|wb1~|(?:^|[\s,;:="'])eyJ[\w-]{8,}\.[\w-]+\.[\w-]*/i;

/** Names that look like one of the above, and are no authority of the request. */
const KEPT_NAMES: ReadonlySet<string> = new Set(['cookie', 'referer']);

/** @param more names, in lower case, that are stripped as well. */
export function isTokenHeader([name, value]: HeaderLine, more: ReadonlySet<string>): boolean {
  const plain = name.toLowerCase().replaceAll('_', '-');
  if (more.has(plain) || TOKEN_NAMES.some((pattern) => pattern.test(plain))) return true;
  return !KEPT_NAMES.has(plain) && TOKEN_VALUE.test(value);
}
