/**
 * Whom a certificate identifies. Whether it can be trusted is decided by the TLS server, or the proxy, that
 * verified its chain; what is read here are its own words.
 */
import { X509Certificate, createHash } from 'node:crypto';

import { attempt } from '../input/attempt.ts';
import { hasAcceptableKey } from './certificate-key.ts';
import { readAlternativeNames, type AlternativeNames } from './alternative-names.ts';
import { looksLikeSpiffeId, parseSpiffeId, type SpiffeId } from './spiffe-id.ts';

export interface CertificateIdentity {
  /** `x5t#S256`: SHA-256 over the certificate in DER, base64url (RFC 8705 section 3.1). */
  readonly thumbprint: string;
  readonly names: AlternativeNames;
  /** Of an X.509-SVID; absent for every other certificate. */
  readonly spiffeId: SpiffeId | undefined;
  /** Seconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly certificate: X509Certificate;
}

/**
 * @returns undefined for a certificate that identifies nobody: one of an authority, one whose names cannot be parsed, or
 *   one with a key that others could use.
 */
export function certificateIdentity(certificate: X509Certificate): CertificateIdentity | undefined {
  const names = readAlternativeNames(certificate.subjectAltName);
  if (certificate.ca || names === undefined || !hasAcceptableKey(certificate)) return undefined;
  return {
    thumbprint: thumbprintOf(certificate),
    names,
    spiffeId: spiffeIdOf(names),
    notBefore: seconds(certificate.validFrom),
    notAfter: seconds(certificate.validTo),
    certificate,
  };
}

/** RFC 8705 section 3.1. */
export function thumbprintOf({ raw }: X509Certificate): string {
  return createHash('sha256').update(raw).digest('base64url');
}

/**
 * Whether a certificate, or what a proxy says of one, carries a name, compared whole. A SPIFFE ID, and any other URI, must be its only URI (X.509-SVID
 * section 2); a name without a colon is a DNS name, and a wildcard matches nothing.
 */
export function speaksFor({ names }: Pick<CertificateIdentity, 'names'>, name: string): boolean {
  if (looksLikeSpiffeId(name)) return spiffeIdOf(names)?.uri === name;
  if (name.includes(':')) return names.uris.length === 1 && names.uris[0] === name;
  return !name.includes('*') && names.dns.includes(name);
}

/** X.509-SVID section 2: exactly one URI, and that a SPIFFE ID. */
function spiffeIdOf({ uris }: AlternativeNames): SpiffeId | undefined {
  const [only, ...others] = uris;
  return only === undefined || others.length > 0 ? undefined : parseSpiffeId(only);
}

function seconds(date: string): number {
  return Math.floor(Date.parse(date) / 1000);
}

const PEM = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/;

/**
 * @param text PEM of one certificate, or DER as base64.
 * @returns undefined for anything else. OpenSSL also accepts invalid DER and bytes after the end, and re-encodes them
 *   differently, so that the thumbprint is that of another text.
 */
export function parseCertificate(text: string): X509Certificate | undefined {
  const base64 = PEM.exec(text)?.[1]?.replace(/\s/g, '') ?? text;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const der = Buffer.from(base64, 'base64');
  const certificate = attempt(() => new X509Certificate(der));
  return certificate?.raw.equals(der) === true ? certificate : undefined;
}

const CERTIFICATE_LABEL = /^(?:X509 |TRUSTED )?CERTIFICATE-----/;

/**
 * Reads every certificate of a PEM text, such as a list of trusted authorities. OpenSSL silently accepts a text without
 * certificates, or with a truncated one: then nobody is trusted, or everyone whom the system trusts.
 *
 * @returns undefined if there is none, or one that cannot be parsed.
 */
export function readCertificates(pem: string): readonly X509Certificate[] | undefined {
  const certificates: X509Certificate[] = [];
  for (const block of pem.split('-----BEGIN ').slice(1)) {
    if (!CERTIFICATE_LABEL.test(block)) continue;
    const certificate = parseCertificate(`-----BEGIN ${block}`);
    if (certificate === undefined) return undefined;
    certificates.push(certificate);
  }
  return certificates.length > 0 ? certificates : undefined;
}

/**
 * The subject of a certificate as one text (RFC 4514), which is how it is registered (RFC 8705 section 2.1.2). Node prints
 * one part on each line, the most general first, escaped already; RFC 4514 section 2.1 turns them around.
 */
export function subjectName({ subject }: X509Certificate): string {
  return subject.split('\n').reverse().join(',');
}
