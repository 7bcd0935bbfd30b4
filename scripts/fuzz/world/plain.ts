/**
 * The plain path: unpacks tokens with a reader written from the specification, and verifies them with jose. Waybill may
 * refuse more than that, never less.
 */
import { jwtVerify, type JWTPayload } from 'jose';

import { readFromThePage } from '../../../test/token/packed/specification/reader.ts';
import { Broken } from '../target.ts';
import { ISSUER, NOW, issuerKey } from './shop.ts';

export interface PlainToken {
  readonly nested: string;
  readonly payload: JWTPayload & { readonly embedded?: Readonly<Record<string, string>> };
}

/** The nested token; undefined for a text that the specification's reader refuses. */
export function plainText(token: string): string | undefined {
  if (!token.startsWith('wb1~')) return token;
  try {
    return readFromThePage(token);
  } catch {
    return undefined;
  }
}

/**
 * @param audience default: any.
 * @returns undefined where the plain path refuses the token.
 */
export async function plainToken(token: string, audience?: string): Promise<PlainToken | undefined> {
  const nested = plainText(token);
  if (nested === undefined || !isAsSigned(nested)) return undefined;
  try {
    const { payload } = await jwtVerify(nested, issuerKey.publicKey, {
      issuer: ISSUER,
      ...(audience === undefined ? {} : { audience }),
      typ: 'at+jwt',
      algorithms: ['Ed25519'],
      requiredClaims: ['sub', 'client_id', 'iat', 'exp', 'jti', 'txn'],
      currentDate: new Date(NOW * 1_000),
    });
    return (payload.iat ?? 0) > NOW + 5 ? undefined : { nested, payload };
  } catch {
    return undefined;
  }
}

/** Compares with what the issuer's key signs, byte for byte: Ed25519 has one signature for a text. */
function isAsSigned(token: string): boolean {
  const dot = token.lastIndexOf('.');
  return dot > 0 && token.slice(dot + 1) === issuerKey.sign(token.slice(0, dot));
}

/** @throws Broken where the plain path refuses what was accepted. */
export async function requirePlain(token: string, where: string, audience?: string): Promise<PlainToken> {
  const plain = await plainToken(token, audience);
  if (plain) return plain;
  throw new Broken('plain path', `${where} accepts a token that the plain path refuses`);
}

/**
 * A child that was handed out must stand in the parent's signed payload, byte for byte.
 *
 * @throws Broken
 */
export function requireSignedChild(parent: PlainToken, sent: string, where: string): void {
  const nested = plainText(sent);
  if (nested !== undefined && Object.values(parent.payload.embedded ?? {}).includes(nested)) return;
  throw new Broken('plain path', `${where} hands out a child that its parent's signature does not cover`);
}
