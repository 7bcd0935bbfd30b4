/**
 * The signed answer to introspection (RFC 9701 section 5). Its own `typ`, and claims of the token one level down, so
 * that it can never be taken for an access token (section 8.1; threat 8).
 */
import type { Signer } from '../keys/index.ts';

export const INTROSPECTION_TYPE = 'token-introspection+jwt';

/** @param audience who asked. @param now seconds since the epoch. */
export async function signIntrospection(
  { alg, kid, sign }: Pick<Signer, 'alg' | 'kid' | 'sign'>,
  issuer: string,
  audience: string,
  now: number,
  introspection: Readonly<Record<string, unknown>>,
): Promise<string> {
  const header = { alg, typ: INTROSPECTION_TYPE, kid };
  const payload = { iss: issuer, aud: audience, iat: now, token_introspection: introspection };
  const input = [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${input}.${Buffer.from(await sign(input)).toString('base64url')}`;
}
