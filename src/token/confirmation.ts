/**
 * The key to which a root token is bound (`cnf`, RFC 7800): that of a certificate (RFC 8705 section 3.1), or of DPoP
 * proofs (RFC 9449 section 6.1). Both are a SHA-256 in base64url.
 */
import type { AccessTokenClaims } from './claims.ts';
import { isJsonObject, type JsonObject } from './json.ts';

/** One member: a token is bound to one key. */
export type Confirmation = { readonly jkt: string } | { readonly 'x5t#S256': string };

export type ConfirmationMethod = 'jkt' | 'x5t#S256';

/** Characters of a SHA-256 in base64url. */
export const THUMBPRINT_CHARS = 43;

/** RFC 9449 section 5; a token that is bound to a certificate stays a bearer token (RFC 8705 section 3). */
export type TokenType = 'Bearer' | 'DPoP';

export function tokenTypeOf(cnf: unknown): TokenType {
  return isJsonObject(cnf) && Object.hasOwn(cnf, 'jkt') ? 'DPoP' : 'Bearer';
}

export function confirmationMethod(cnf: Confirmation): ConfirmationMethod {
  return 'jkt' in cnf ? 'jkt' : 'x5t#S256';
}

/**
 * The bindings of a token, by method: all of them have to be checked, and one that is not known cannot be.
 *
 * @returns undefined for a token that is bound to nothing; an empty object where `cnf` says nothing that can be read.
 */
export function bindingsOf(claims: AccessTokenClaims): JsonObject | undefined {
  if (!Object.hasOwn(claims, 'cnf')) return undefined;
  return isJsonObject(claims['cnf']) ? claims['cnf'] : {};
}
