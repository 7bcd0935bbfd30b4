/** Which ways to authenticate with a certificate a server can carry out: it must come to see one. */
import type { AuthPlan, Plan } from '../../graph/index.ts';
import { authenticatingParties } from '../index.ts';

/**
 * What the application gets to see of the certificates of clients.
 *
 * `none`: nothing. `presented`: what the client shows on a TLS connection of its own. `verified`: the same, and whether
 * an authority that the server knows vouches for it; or what a proxy passes on that looked at this itself.
 */
export type ClientCertificates = 'none' | 'presented' | 'verified';

type Method = AuthPlan['method'];

const NEEDS: Readonly<Partial<Record<Method, readonly ClientCertificates[]>>> = {
  tls_client_auth: ['verified'],
  self_signed_tls_client_auth: ['presented', 'verified'],
  spiffe_x509: ['presented', 'verified'],
};

/** A method without certificates always is. */
export function isMethodAvailable(method: Method, certificates: ClientCertificates): boolean {
  return NEEDS[method]?.includes(certificates) ?? true;
}

/** @returns the names of those who can never authenticate to such a server, each with its method. */
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
