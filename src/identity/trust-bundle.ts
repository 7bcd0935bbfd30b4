/**
 * Trust bundles (SPIFFE Trust Domain and Bundle section 4): the authorities of trust domains, each for its own alone.
 * One file may hold keys of several uses; what a reader does not know, it passes over (sections 4.1.3 and 4.2).
 */
import { createPublicKey, type JsonWebKey, type KeyObject, type X509Certificate } from 'node:crypto';

import { attempt } from '../input/attempt.ts';
import { parseCertificate } from './certificate.ts';
import { isSecretKey, keyObjectWeakness } from '../input/key-weakness.ts';
import { hasAcceptableKey } from './certificate-key.ts';

/** An authority of a trust domain that signs certificates. */
export type Authority = X509Certificate;

/** A key of a trust domain that signs JWT-SVIDs. */
export interface SvidKey {
  readonly key: KeyObject;
  /** The one algorithm that it serves; absent where the bundle leaves it to the kind of key, as most do. */
  readonly alg: string | undefined;
}

/** More than any rotation needs. */
const MAX_KEYS = 100;

/**
 * Reads the X.509 authorities of a bundle: keys with `use: x509-svid`, whose first `x5c` is the certificate (X.509-SVID
 * section 6.2).
 *
 * @returns undefined where the document is no bundle, has none of them, or one that is not the certificate of an authority
 *   with a key that can be trusted.
 */
export function readAuthorities(document: unknown): readonly Authority[] | undefined {
  const authorities: Authority[] = [];
  for (const { x5c } of entriesOf(document, 'x509-svid') ?? []) {
    const [der] = Array.isArray(x5c) ? (x5c as readonly unknown[]) : [];
    if (der === undefined) continue;
    const authority = readAuthority(der);
    if (authority === undefined) return undefined;
    authorities.push(authority);
  }
  return authorities.length > 0 ? authorities : undefined;
}

/**
 * Reads the keys that sign JWT-SVIDs: those with `use: jwt-svid`, by their `kid` (JWT-SVID section 6).
 *
 * @returns undefined where the document is no bundle, has none of them, or one without `kid`, with the `kid` of another,
 *   of a shape that does not read, too weak, or with a private part.
 */
export function readSvidKeys(document: unknown): ReadonlyMap<string, SvidKey> | undefined {
  const keys = new Map<string, SvidKey>();
  for (const entry of entriesOf(document, 'jwt-svid') ?? []) {
    const { kty, kid, alg } = entry;
    if (kty !== 'EC' && kty !== 'RSA') continue;
    const key = isSecretKey(entry) ? undefined : importKey(entry);
    const named = typeof kid === 'string' && kid !== '' && !keys.has(kid) ? kid : undefined;
    if (key === undefined || named === undefined || !(alg === undefined || typeof alg === 'string'))
      return undefined;
    keys.set(named, { key, alg });
  }
  return keys.size > 0 ? keys : undefined;
}

function entriesOf(
  document: unknown,
  wanted: string,
): readonly Readonly<Record<string, unknown>>[] | undefined {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) return undefined;
  return (keys as readonly unknown[]).flatMap((key) =>
    typeof key === 'object' && key !== null && (key as { use?: unknown }).use === wanted
      ? [key as Readonly<Record<string, unknown>>]
      : [],
  );
}

function readAuthority(der: unknown): Authority | undefined {
  const certificate = typeof der === 'string' ? parseCertificate(der) : undefined;
  return certificate?.ca === true && hasAcceptableKey(certificate) ? certificate : undefined;
}

function importKey(jwk: Readonly<Record<string, unknown>>): KeyObject | undefined {
  const key = attempt(() => createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }));
  return key !== undefined && keyObjectWeakness(key) === undefined ? key : undefined;
}
