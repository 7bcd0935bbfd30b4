/** Trust bundles (SPIFFE Trust Domain and Bundle section 4): the authorities of trust domains, each for its own alone. */
import { X509Certificate } from 'node:crypto';

import type { CertificateIdentity } from './certificate.ts';

/** An authority of a trust domain. */
export type Authority = X509Certificate;

/**
 * Reads the X.509 authorities of a bundle: a JWK Set whose keys with `use: x509-svid` hold one certificate each.
 *
 * @returns undefined where the document is no bundle, or has none of them.
 */
export function readAuthorities(document: unknown): readonly Authority[] | undefined {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length > 100) return undefined;
  const authorities: Authority[] = [];
  for (const key of keys as readonly unknown[]) {
    const { use, x5c } = (key ?? {}) as { use?: unknown; x5c?: unknown };
    if (use !== 'x509-svid') continue;
    const authority = Array.isArray(x5c) && x5c.length === 1 ? readAuthority(x5c[0]) : undefined;
    if (authority === undefined) return undefined;
    authorities.push(authority);
  }
  return authorities.length > 0 ? authorities : undefined;
}

function readAuthority(der: unknown): Authority | undefined {
  try {
    const certificate = typeof der === 'string' ? new X509Certificate(Buffer.from(der, 'base64')) : undefined;
    return certificate?.ca ? certificate : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether one of the authorities signed the certificate itself, and both are valid now. Chains over an intermediate
 * authority are not followed: that authority belongs into the bundle.
 *
 * @param now seconds since the epoch.
 */
export function isSignedBy(
  { certificate, notBefore, notAfter }: CertificateIdentity,
  authorities: readonly Authority[],
  now: number,
): boolean {
  if (now < notBefore || now >= notAfter) return false;
  return authorities.some(
    (authority) =>
      Date.parse(authority.validFrom) <= now * 1000 &&
      now * 1000 < Date.parse(authority.validTo) &&
      certificate.checkIssued(authority) &&
      certificate.verify(authority.publicKey),
  );
}
