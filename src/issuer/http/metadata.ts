/** The metadata of the issuer (RFC 8414). */
import type { Plan } from '../../graph/index.ts';
import {
  ASSERTION_ALGORITHMS,
  PROOF_ALGORITHMS,
  authenticatingParties,
  type AuthenticatingParty,
} from '../index.ts';
import { isMethodAvailable, type ClientCertificates } from './certificate-methods.ts';
import { grants } from './grants.ts';

export const WELL_KNOWN = '/.well-known/oauth-authorization-server';

/** RFC 8414 section 3.1: the well-known path is between host and path. */
export function metadataPath(issuer: string): string {
  return `${WELL_KNOWN}${pathOf(issuer)}`;
}

/** The issuer's path, for a proxy that does not strip it; empty at the root. */
export function pathOf(issuer: string): string {
  const { pathname } = new URL(issuer);
  return pathname === '/' ? '' : pathname;
}

/** @param certificates what the server sees of client certificates: unavailable methods are not listed. */
export function metadataOf(plan: Plan, certificates: ClientCertificates): object {
  const { url } = plan.issuer;
  const methodsOf = (parties: Iterable<AuthenticatingParty>): string[] => {
    const methods = [...parties].map(({ auth }) => auth.method);
    return [...new Set(methods)].filter((method) => isMethodAvailable(method, certificates)).sort();
  };
  const methods = methodsOf(authenticatingParties(plan).values());
  return {
    issuer: url,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/jwks`,
    grant_types_supported: [...grants.keys()],
    token_endpoint_auth_methods_supported: methods,
    introspection_endpoint: `${url}/introspect`,
    introspection_endpoint_auth_methods_supported: methods,
    introspection_signing_alg_values_supported: [plan.issuer.signing], // RFC 9701 section 7
    revocation_endpoint: `${url}/revoke`,
    revocation_endpoint_auth_methods_supported: methodsOf(plan.clients.values()),
    ...(methods.includes('private_key_jwt')
      ? { token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS }
      : {}),
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS, // RFC 9449 section 5.1
    ...(certificates !== 'none' && [...plan.clients.values()].some(({ boundTo }) => boundTo === 'certificate')
      ? { tls_client_certificate_bound_access_tokens: true } // RFC 8705 section 3.3
      : {}),
    ...(hasRequestDetails(plan) ? { authorization_details_types_supported: [plan.issuer.contextType] } : {}), // RFC 9396 section 10
    response_types_supported: [], // required by section 2; there is no authorization endpoint
  };
}

/** Whether a client can say anything of its request that a token carries. */
function hasRequestDetails({ claims }: Plan): boolean {
  return [...claims.values()].some(({ source }) => 'setBy' in source && source.setBy === 'client');
}
