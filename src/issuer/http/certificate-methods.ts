/** Which methods with a client certificate are available: the server must see the certificate. */
import type { AuthPlan, Plan } from '../../graph/index.ts';
import { authenticatingParties } from '../index.ts';

/**
 * What the application sees of client certificates.
 *
 * `none`: nothing. `presented`: the certificate of a TLS connection. `verified`: the same, and whether an authority that the
 * server knows vouches for it; or what a proxy passes on that has verified this.
 */
export type ClientCertificates = 'none' | 'presented' | 'verified';

type Method = AuthPlan['method'];

const NEEDS: Readonly<Partial<Record<Method, readonly ClientCertificates[]>>> = {
  tls_client_auth: ['verified'],
  self_signed_tls_client_auth: ['presented', 'verified'],
  spiffe_x509: ['presented', 'verified'],
};

export function isMethodAvailable(method: Method, certificates: ClientCertificates): boolean {
  return NEEDS[method]?.includes(certificates) ?? true;
}

/** @returns the parties that cannot authenticate to such a server, each with its method. */
export function clientsWithoutUsableAuth(
  plan: Plan,
  certificates: ClientCertificates,
): ReadonlyMap<string, string> {
  const parties = [...authenticatingParties(plan).values()];
  return new Map(
    parties.flatMap(({ name, auth: { method } }) =>
      isMethodAvailable(method, certificates) ? [] : [[name, method]],
    ),
  );
}
