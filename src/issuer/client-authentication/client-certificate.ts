/**
 * Authentication with the certificate of the connection: RFC 8705 section 2.1 (an authority vouches for a name), section
 * 2.2 (the certificate itself is registered), and X.509-SVIDs (draft-ietf-oauth-spiffe-client-auth).
 *
 * Every refusal gets the same answer, which reveals neither whether the client exists nor how it authenticates.
 */
import type { Clock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import type { AuthPlan } from '../../graph/index.ts';
import {
  certificateIdentity,
  hasAcceptableKey,
  parseCertificate,
  pathFault,
  readAuthorities,
  speaksFor,
  subjectName,
  thumbprintOf,
  type Authority,
  type CertificateIdentity,
  type PresentedCertificate,
} from '../../identity/index.ts';
import type { Steps } from '../../planning/index.ts';
import { authenticatingParties, type AuthenticationOptions, type Verify } from './parties.ts';
import { documentOf, unusable } from './party-keys.ts';
import { prepareSpiffeParties, type SpiffeParties } from './spiffe-parties.ts';

export interface ReceivedCertificate {
  readonly method: 'tls';
  /** The parameter `client_id`: a name of the graph, or, for an SVID, its SPIFFE ID. */
  readonly clientId: string;
  readonly presented: PresentedCertificate;
}

/** What the file of an X.509-SVID's party must be. */
export const AUTHORITIES = 'a bundle with use x509-svid';

/** @returns why the certificate is not the party's, for the log; undefined if it is. */
type Check = (identity: CertificateIdentity, presented: PresentedCertificate) => string | undefined;

interface Entry {
  readonly name: string;
  readonly check: Check;
}

/** @throws WaybillError `keys_missing`, `keys_invalid` */
export function* certificateAuthentication(
  options: AuthenticationOptions,
): Steps<Verify<ReceivedCertificate>> {
  const { plan, keySets, clock } = options;
  const svids = yield* prepareSpiffeParties(options, 'spiffe_x509', readAuthorities, AUTHORITIES);
  const entries = new Map<string, Entry>();
  for (const { name, auth } of authenticatingParties(plan).values()) {
    const check = checkOf(name, auth, keySets);
    if (check) entries.set(name, { name, check });
    yield;
  }
  return ({ clientId, presented }) => {
    const entry = entries.get(clientId) ?? svidEntry(svids, clientId, clock);
    const identity = certificateIdentity(presented.certificate);
    const now = clock();
    const inTime = identity !== undefined && identity.notBefore <= now && now < identity.notAfter;
    const fault = !entry
      ? 'no client with a certificate, or several with this SPIFFE ID: then client_id must be a name of the graph'
      : inTime
        ? entry.check(identity, presented)
        : 'the certificate is not valid now, is not for clients, or has a key that is not accepted';
    if (entry && fault === undefined) return entry.name;
    throw new WaybillError('invalid_client', 'Unknown client, or the certificate is not its own.', {
      detail: `${thumbprintOf(presented.certificate)} for ${entry?.name ?? 'nobody'}: ${fault}`,
    });
  };
}

/** draft-ietf-oauth-spiffe-client-auth section 3.2: one URI, equal to the SPIFFE ID, and a path to its own bundle. */
function svidEntry(
  svids: SpiffeParties<readonly Authority[]>,
  clientId: string,
  clock: Clock,
): Entry | undefined {
  const party = svids.findByName(clientId) ?? svids.findById(clientId);
  return (
    party && {
      name: party.name,
      check: (identity, { certificate, intermediates = [] }) =>
        party.spiffeIds.some((id) => speaksFor(identity, id))
          ? pathFault({ certificate, intermediates }, party.keys, clock())
          : 'the certificate has another SPIFFE ID, or more than one URI',
    }
  );
}

function checkOf(name: string, auth: AuthPlan, keySets: ReadonlyMap<string, unknown>): Check | undefined {
  switch (auth.method) {
    case 'tls_client_auth':
      return (identity, { verified }) =>
        !verified
          ? 'no authority of this server vouches for the certificate'
          : carries(identity, auth.certificate)
            ? undefined
            : 'the certificate has another name';
    case 'self_signed_tls_client_auth': {
      const thumbprints = registeredThumbprints(name, documentOf(name, auth.keys, keySets));
      return ({ thumbprint }) =>
        thumbprints.has(thumbprint) ? undefined : 'the certificate is not registered';
    }
    default:
      return undefined;
  }
}

/** RFC 8705 section 2.1.2: one registered name, compared as a whole. */
function carries(
  { names, certificate }: CertificateIdentity,
  { kind, value }: Extract<AuthPlan, { readonly method: 'tls_client_auth' }>['certificate'],
): boolean {
  switch (kind) {
    case 'subject_dn':
      return subjectName(certificate) === value;
    case 'san_dns':
      return !value.includes('*') && names.dns.includes(value);
    case 'san_uri':
      return names.uris.length === 1 && names.uris[0] === value;
    case 'san_email':
      return names.emails.includes(value);
    case 'san_ip':
      return names.ips.includes(value);
  }
}

/** RFC 8705 section 2.2.2: certificates are in `x5c`, the client's own first. @throws WaybillError `keys_invalid` */
export function registeredThumbprints(name: string, document: unknown): ReadonlySet<string> {
  const { keys } = (document ?? {}) as { keys?: unknown };
  const found = (Array.isArray(keys) ? (keys as readonly unknown[]) : []).flatMap((key) => {
    const { x5c } = (key ?? {}) as { x5c?: unknown };
    const [first] = Array.isArray(x5c) ? (x5c as readonly unknown[]) : [];
    const certificate = typeof first === 'string' ? parseCertificate(first) : undefined;
    return certificate ? [certificate] : [];
  });
  if (found.length === 0) throw unusable(name, 'certificates in x5c');
  if (!found.every(hasAcceptableKey)) throw unusable(name, 'certificates with keys that are strong enough');
  return new Set(found.map(thumbprintOf));
}
