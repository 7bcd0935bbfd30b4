/** Signs tokens for the tests as an issuer would, and forges others as an attacker would. */

import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey, JWK } from 'jose';

export const NOW = 1_800_000_000;
export const ISSUER = 'https://tokens.boutique.example';
export const AUDIENCE = 'https://checkout.boutique.example';

export type Json = Record<string, unknown>;

export interface Signer {
  readonly alg: string;
  readonly kid: string;
  readonly publicJwk: JWK;
  readonly privateKey: CryptoKey;
  /** Signs exactly this payload; `header` overrides members, and removes those that are undefined. */
  sign(payload: Json | string, header?: Json): Promise<string>;
}

export async function makeSigner(alg = 'ES256', kid = `${alg}-1`): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const publicJwk: JWK = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return {
    alg,
    kid,
    publicJwk,
    privateKey,
    async sign(payload, header = {}) {
      const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
      const protectedHeader = JSON.parse(JSON.stringify({ alg, typ: 'at+jwt', kid, ...header })) as {
        alg: string;
      };
      return new CompactSign(new TextEncoder().encode(text))
        .setProtectedHeader(protectedHeader)
        .sign(privateKey);
    },
  };
}

/** Claims of a token that is right in every respect; an override that is undefined takes its claim away. */
export function claims(overrides: Json = {}): Json {
  const full: Json = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'login:alice',
    client_id: 'storefront',
    scope: 'order:place order:read',
    iat: NOW - 10,
    exp: NOW + 300,
    jti: 'T1.0',
    txn: 'T1',
    ...overrides,
  };
  return JSON.parse(JSON.stringify(full)) as Json;
}

export function base64url(data: string | Uint8Array): string {
  return Buffer.from(data as string).toString('base64url');
}

/** A token put together by hand; each part is encoded from its text. */
export function forge(
  header: Json | string,
  payload: Json | string,
  signature: string | Uint8Array = 'x'.repeat(64),
): string {
  const text = (value: Json | string): string => (typeof value === 'string' ? value : JSON.stringify(value));
  return [text(header), text(payload), signature].map((part) => base64url(part)).join('.');
}
