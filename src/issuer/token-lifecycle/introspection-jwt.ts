/**
 * The signed introspection response (RFC 9701 section 5). It has a `typ` of its own and the claims one level down, so that
 * nobody can take it for an access token (section 8.1; threat 8).
 */
import type { Signer } from '../keys/index.ts';

export const INTROSPECTION_TYPE = 'token-introspection+jwt';

/** @param audience the party that introspects. @param now seconds since the epoch. */
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
