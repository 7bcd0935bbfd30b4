/**
 * Authentication with the certificate of the connection: RFC 8705 section 2.1 (an authority vouches for a name), section
 * 2.2 (the certificate itself is registered), and X.509-SVIDs (draft-ietf-oauth-spiffe-client-auth).
 *
 * Whatever does not fit answers alike: who asks learns neither whether the client exists nor how it authenticates.
 */
import type { Clock } from '../clock.ts';
import { WaybillError } from '../errors.ts';
import type { AuthPlan } from '../graph/index.ts';
import {
  certificateIdentity,
  isSignedBy,
  parseCertificate,
  parseSpiffeId,
  readAuthorities,
  speaksFor,
  subjectName,
  thumbprintOf,
  type CertificateIdentity,
  type PresentedCertificate,
} from '../identity/index.ts';
import { authenticatingParties, type AuthenticationOptions } from './parties.ts';

export interface CertificateCredentials {
  readonly method: 'tls';
  /** The parameter `client_id`: a name of the graph, or, for an SVID, its SPIFFE ID. */
  readonly clientId: string;
  readonly presented: PresentedCertificate;
}

/** Whether a certificate is that of one party. */
type Check = (identity: CertificateIdentity, verified: boolean) => boolean;

export class CertificateAuthentication {
  readonly #checks = new Map<string, { readonly name: string; readonly check: Check }>();
  readonly #clock: Clock;

  /** @throws WaybillError `keys_missing`, `keys_invalid` */
  constructor({ plan, keySets, clock }: AuthenticationOptions) {
    this.#clock = clock;
    for (const { name, auth } of authenticatingParties(plan).values()) {
      const check = checkOf(name, auth, keySets, clock);
      if (!check) continue;
      this.#checks.set(name, { name, check });
      // A name of the graph has no colon, so that the two cannot meet.
      if (auth.method === 'spiffe_x509') this.#checks.set(auth.spiffeId, { name, check });
    }
  }

  /** @returns the party's name. @throws WaybillError `invalid_client` */
  verify({ clientId, presented }: CertificateCredentials): string {
    const party = this.#checks.get(clientId);
    const identity = certificateIdentity(presented.certificate);
    const now = this.#clock();
    const inTime = identity !== undefined && identity.notBefore <= now && now < identity.notAfter;
    if (party && inTime && party.check(identity, presented.verified)) return party.name;
    throw new WaybillError('invalid_client', 'Unknown client, or the certificate is not its own.', {
      detail: party
        ? `the certificate ${thumbprintOf(presented.certificate)} is not that of ${party.name}`
        : 'no client with a certificate',
    });
  }
}

function checkOf(
  name: string,
  auth: AuthPlan,
  keySets: ReadonlyMap<string, unknown>,
  clock: Clock,
): Check | undefined {
  switch (auth.method) {
    case 'tls_client_auth':
      return (identity, verified) => verified && carries(identity, auth.certificate);
    case 'self_signed_tls_client_auth': {
      const thumbprints = registeredThumbprints(name, documentOf(name, auth.keys, keySets));
      return ({ thumbprint }) => thumbprints.has(thumbprint);
    }
    case 'spiffe_x509': {
      const authorities = readAuthorities(documentOf(name, auth.keys, keySets));
      if (!authorities || !parseSpiffeId(auth.spiffeId)) throw unusable(name, 'a bundle with use x509-svid');
      return (identity) => speaksFor(identity, auth.spiffeId) && isSignedBy(identity, authorities, clock());
    }
    default:
      return undefined;
  }
}

/** RFC 8705 section 2.1.2: one registered name, compared whole. */
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

function documentOf(
  name: string,
  keys: { readonly file: string },
  keySets: ReadonlyMap<string, unknown>,
): unknown {
  const document = keySets.get(name);
  if (document !== undefined) return document;
  throw new WaybillError('keys_missing', `${name} has no key set: ${keys.file} cannot be read as JSON.`);
}

/** RFC 8705 section 2.2.2: certificates stand in `x5c`, the client's own first. */
function registeredThumbprints(name: string, document: unknown): ReadonlySet<string> {
  const { keys } = (document ?? {}) as { keys?: unknown };
  const found = (Array.isArray(keys) ? (keys as readonly unknown[]) : []).flatMap((key) => {
    const { x5c } = (key ?? {}) as { x5c?: unknown };
    const [first] = Array.isArray(x5c) ? (x5c as readonly unknown[]) : [];
    const certificate = typeof first === 'string' ? parseCertificate(first) : undefined;
    return certificate ? [thumbprintOf(certificate)] : [];
  });
  if (found.length === 0) throw unusable(name, 'certificates in x5c');
  return new Set(found);
}

function unusable(name: string, what: string): WaybillError {
  return new WaybillError('keys_invalid', `The key set of ${name} cannot be used: it is to be ${what}.`);
}
