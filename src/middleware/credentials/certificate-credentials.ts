/** Authentication with a certificate on the connection to the issuer (RFC 8705 section 2; X.509-SVIDs). */

import type { Clock } from '../../clock.ts';
import { certificateFetch } from './certificate-fetch.ts';
import { currentCertificate, type CertificateSource } from './certificate-files.ts';
import type { IssuerAccess } from './issuer-access.ts';
import { requireNames, usage } from '../option-checks.ts';

export interface CertificateCredentials extends CertificateSource {
  /** The service's name in the graph; for `spiffe_x509` its SPIFFE ID too. */
  readonly clientId: string;
  readonly method: CertificateMethod;
}

/** As in the graph: a certificate of an authority, one that the issuer holds itself, or an X.509-SVID. */
export type CertificateMethod = 'tls_client_auth' | 'self_signed_tls_client_auth' | 'spiffe_x509';

export const CERTIFICATE_METHODS = [
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'spiffe_x509',
] as const satisfies readonly CertificateMethod[];

const NAMES = ['clientId', 'method', 'cert', 'key', 'ca', 'certFile', 'keyFile', 'caFile'];

/** @throws WaybillError `usage` */
export function withCertificate(options: CertificateCredentials, issuer: string, clock: Clock): IssuerAccess {
  requireNames(options, NAMES, 'credentials');
  if (!issuer.startsWith('https:')) throw usage('credentials with a certificate need an issuer with https');
  const { clientId } = options;
  return {
    authenticate: async (form) => form.set('client_id', clientId), // RFC 8705 section 2
    fetch: certificateFetch(currentCertificate(options, clock)),
  };
}
