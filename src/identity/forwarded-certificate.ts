/** Certificates in the header of a proxy that ended TLS, in the formats of common proxies. */
import type { X509Certificate } from 'node:crypto';

import { attempt } from '../input/attempt.ts';
import { parseCertificate } from './certificate.ts';
import { onlyValue, readForwardedElements } from './forwarded-elements.ts';

export interface ForwardedCertificate {
  readonly certificate: X509Certificate;
  /** In the order in which the proxy names them; most name none. */
  readonly intermediates: readonly X509Certificate[];
}

/** Certificates of services take one or two kilobytes. */
const MAX_HEADER = 16 * 1024;
/** The certificate and the others in its header: each costs a call of OpenSSL, even if it is invalid. */
const MAX_CERTIFICATES = 10;

/**
 * As proxies write it: `:base64:` of the DER (RFC 9440 section 2.2), PEM with percent escapes (nginx, the ALB), or
 * Envoy's `x-forwarded-client-cert` with an element that has `Cert`, `Chain` (which begins with the certificate
 * itself), or both.
 *
 * @param chain the lines of `Client-Cert-Chain` beside it (RFC 9440 section 2.3): intermediates without the certificate.
 * @returns undefined if it is malformed or ambiguous.
 */
export function forwardedCertificate(
  value: string,
  chain: readonly string[] = [],
): ForwardedCertificate | undefined {
  if (value.length + chain.join().length > MAX_HEADER) return undefined;
  if (isPem(value)) return only(pemCertificates(value));
  const certificate = structured(value);
  if (certificate === undefined) return chain.length > 0 ? undefined : envoyCertificate(value);
  const items = chain.flatMap((line) => line.split(','));
  if (items.length >= MAX_CERTIFICATES) return undefined;
  const intermediates = items.map((item) => structured(item.trim()));
  return intermediates.includes(undefined)
    ? undefined
    : { certificate, intermediates: intermediates.filter((item) => item !== undefined) };
}

function isPem(value: string): boolean {
  return value.startsWith('-----BEGIN');
}

/** RFC 8941 section 3.3.5: a byte sequence. */
function structured(text: string): X509Certificate | undefined {
  const der = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(text)?.[1];
  return der === undefined ? undefined : parseCertificate(der);
}

/** `By=…;Hash=…;Cert="…";Subject="…"`. Of several elements the last one is the proxy's own (`APPEND_FORWARD`). */
function envoyCertificate(value: string): ForwardedCertificate | undefined {
  const element = readForwardedElements(value)?.at(-1);
  if (element === undefined) return undefined;
  const [cert, chain] = ['cert', 'chain'].map((key) =>
    element.has(key) ? pemCertificates(onlyValue(element, key) ?? '') : [],
  );
  if (cert === undefined || chain === undefined) return undefined;
  if (chain.length === 0) return only(cert);
  const [first, ...intermediates] = chain;
  if (first === undefined || cert.length > 1 || cert[0]?.raw.equals(first.raw) === false) return undefined;
  return { certificate: first, intermediates };
}

function only(certificates: readonly X509Certificate[] | undefined): ForwardedCertificate | undefined {
  const [certificate, ...more] = certificates ?? [];
  return certificate === undefined || more.length > 0 ? undefined : { certificate, intermediates: [] };
}

/** PEM with percent escapes: nothing but certificates, at least one. */
function pemCertificates(escaped: string): X509Certificate[] | undefined {
  const text = attempt(() => decodeURIComponent(escaped));
  const blocks = text?.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*/g);
  if (!blocks || blocks.length > MAX_CERTIFICATES || blocks.join('') !== text) return undefined;
  const certificates = blocks.map(parseCertificate);
  return certificates.includes(undefined) ? undefined : certificates.filter((one) => one !== undefined);
}
