/**
 * From a certificate over the authorities that came with it to one that is trusted (X.509-SVID section 5.1, which
 * means RFC 5280 section 6.1).
 *
 * Implemented: signatures and issuers, times, CA:TRUE, key usage, extended key usage, path length, constraints on URIs,
 * the strength of keys and signatures. Not implemented: policies, and lists of revoked certificates, which SPIFFE does
 * without; a critical extension that needs them is refused.
 */
import type { X509Certificate } from 'node:crypto';

import { attempt } from '../input/attempt.ts';
import { readAlternativeNames } from './alternative-names.ts';
import { hasAcceptableKey } from './certificate-key.ts';
import { readDetails, type UriHosts } from './certificate-details.ts';

/** More than any mesh has between a workload and its root; it also bounds how many signatures are checked. */
export const MAX_INTERMEDIATES = 4;
const MAX_BYTES = 32 * 1024;
/** URIs of one certificate that are checked against constraints; an X.509-SVID has one (X.509-SVID section 2). */
const MAX_URIS = 16;

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_PURPOSE = '2.5.29.37.0';

export interface CertificatePath {
  /** The certificate of the workload itself. */
  readonly certificate: X509Certificate;
  /** The other certificates of the peer, in any order; those off the path are ignored. */
  readonly intermediates: readonly X509Certificate[];
}

/**
 * @param authorities of one trust domain; each is trusted as it is, whoever signed it.
 * @param now seconds since the epoch.
 * @returns what is wrong, for the operator's log; undefined where a path holds.
 */
export function pathFault(
  { certificate, intermediates }: CertificatePath,
  authorities: readonly X509Certificate[],
  now: number,
): string | undefined {
  if (intermediates.length > MAX_INTERMEDIATES) return `more than ${MAX_INTERMEDIATES} intermediates`;
  const bytes = intermediates.reduce((sum, { raw }) => sum + raw.length, certificate.raw.length);
  if (bytes > MAX_BYTES) return `certificates of more than ${MAX_BYTES} bytes`;
  return (
    leafFault(certificate, now) ??
    climb(certificate, { intermediates, authorities, now, below: [certificate] })
  );
}

/** X.509-SVID sections 4 and 5.2, draft-ietf-oauth-spiffe-client-auth section 3.2. */
function leafFault(certificate: X509Certificate, now: number): string | undefined {
  const fault = commonFault(certificate, now);
  if (fault !== undefined) return fault;
  const usage = readDetails(certificate)?.keyUsage;
  if (certificate.ca || usage?.has('keyCertSign') || usage?.has('cRLSign'))
    return 'the certificate is an authority’s';
  return usage?.has('digitalSignature') ? undefined : 'the certificate lacks the key usage digitalSignature';
}

interface Climb {
  /** Those that no step has used yet. */
  readonly intermediates: readonly X509Certificate[];
  readonly authorities: readonly X509Certificate[];
  readonly now: number;
  /** The path so far, the workload's certificate first. */
  readonly below: readonly X509Certificate[];
}

function climb(current: X509Certificate, state: Climb): string | undefined {
  const { intermediates, authorities, now, below } = state;
  let fault: string | undefined;
  for (const authority of authorities) {
    if (!isIssuedBy(current, authority)) continue;
    const wrong = issuerFault(authority, below, now);
    if (wrong === undefined) return undefined;
    fault ??= wrong;
  }
  for (const intermediate of intermediates) {
    if (!isIssuedBy(current, intermediate)) continue;
    const wrong =
      intermediateFault(intermediate, below, now) ??
      climb(intermediate, {
        ...state,
        intermediates: intermediates.filter((other) => other !== intermediate),
        below: [...below, intermediate],
      });
    if (wrong === undefined) return undefined;
    fault ??= wrong;
  }
  return fault ?? 'no authority of the bundle signed it, nor an intermediate that came with it';
}

/** Names, key ids and the issuer's key usage, then the signature. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  // A key of a kind that signs nothing throws.
  return attempt(() => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)) === true;
}

/** An authority of a bundle may leave its key usage open, one that only came along may not (X.509-SVID section 4.3). */
function intermediateFault(
  certificate: X509Certificate,
  below: readonly X509Certificate[],
  now: number,
): string | undefined {
  const fault = issuerFault(certificate, below, now);
  if (fault !== undefined) return fault;
  return readDetails(certificate)?.keyUsage?.has('keyCertSign')
    ? undefined
    : 'an intermediate lacks the key usage keyCertSign';
}

function issuerFault(
  certificate: X509Certificate,
  below: readonly X509Certificate[],
  now: number,
): string | undefined {
  const fault = commonFault(certificate, now);
  if (fault !== undefined) return fault;
  if (!certificate.ca) return 'an issuer on the path is no authority';
  const { pathLength, uriHosts } = readDetails(certificate) ?? {};
  // RFC 5280 section 4.2.1.9: neither the last certificate nor those that renew their own issuer count.
  const length = below.slice(1).filter((each) => each.subject !== each.issuer).length;
  if (pathLength !== undefined && length > pathLength)
    return 'the path is longer than an authority on it allows';
  if (uriHosts && !below.every((each) => obeys(each, uriHosts)))
    return 'a name that an authority on the path forbids';
  return undefined;
}

function commonFault(certificate: X509Certificate, now: number): string | undefined {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (!(from <= now * 1000 && now * 1000 < to)) return 'a certificate on the path is not valid now';
  if (!hasAcceptableKey(certificate)) return 'a key on the path is too weak, or too large';
  if (readDetails(certificate) === undefined)
    return 'a certificate on the path has parts that are not understood';
  // The extended key usage, which Node calls so. Where it is left out, every purpose is meant.
  const purposes = (certificate as { readonly keyUsage?: readonly string[] | undefined }).keyUsage;
  const allowed = purposes === undefined || purposes.includes(CLIENT_AUTH) || purposes.includes(ANY_PURPOSE);
  return allowed ? undefined : 'a certificate on the path is not for clients';
}

/** RFC 5280 section 4.2.1.10, for URIs: a constraint is on the host; a URI without a host is refused. */
function obeys({ subjectAltName }: X509Certificate, { permitted, excluded }: UriHosts): boolean {
  const uris = readAlternativeNames(subjectAltName)?.uris;
  return (
    uris !== undefined &&
    uris.length <= MAX_URIS &&
    uris.every((uri) => {
      const host = /^[a-z][a-z0-9+.-]*:\/\/([a-z0-9._-]+)(?:[/?#]|$)/i.exec(uri)?.[1]?.toLowerCase();
      if (host === undefined) return false;
      const within = (name: string) => (name.startsWith('.') ? host.endsWith(name) : host === name);
      return (permitted.length === 0 || permitted.some(within)) && !excluded.some(within);
    })
  );
}
