/** The options that name a proxy before the service which ends TLS and passes the certificates of peers on. */

import { certificateProxy, type CertificateProxy } from '../../identity/index.ts';
import { requireText, requireTexts, usage } from '../option-checks.ts';

/** @throws WaybillError `usage` */
export function readCertificateProxy(options: {
  readonly clientCertHeader?: string | undefined;
  readonly clientCertFrom?: readonly string[] | undefined;
}): CertificateProxy | undefined {
  const { clientCertHeader: header, clientCertFrom: from } = options;
  if (header === undefined && from === undefined) return undefined;
  if (header === undefined || from === undefined) {
    throw usage('clientCertHeader and clientCertFrom come together');
  }
  const addresses = requireTexts(from, 'clientCertFrom');
  const proxy = certificateProxy(requireText(header, 'clientCertHeader'), addresses);
  if (proxy) return proxy;
  throw usage('clientCertHeader must be the name of a header, clientCertFrom IP addresses or networks');
}
