/** Finds the issuer's endpoints by its metadata (RFC 8414). */

import { fetchDocument, unusableMetadata, type Fetch } from './document.ts';
import { secureUrl } from './secure-url.ts';

/** The path is inserted between the host and the issuer's own path (RFC 8414 section 3.1). */
export function metadataAddress(issuer: string): string {
  const url = new URL(issuer);
  return `${url.origin}/.well-known/oauth-authorization-server${url.pathname.replace(/\/$/, '')}`;
}

/**
 * @returns the address that the issuer's metadata gives under a name.
 * @throws WaybillError `issuer_unavailable`; `issuer_metadata` where the document is for another issuer (RFC 8414
 *   section 3.3) or the address is neither https nor http on loopback or one of `insecureHosts`.
 */
export async function discoverAddress(
  name: 'jwks_uri' | 'token_endpoint' | 'introspection_endpoint',
  fetch: Fetch,
  issuer: string,
  signal: AbortSignal,
  insecureHosts: readonly string[] = [],
): Promise<string> {
  const metadata = (await fetchDocument(fetch, metadataAddress(issuer), signal)) ?? {};
  const { issuer: named, [name]: address } = metadata as Record<string, unknown>;
  if (named !== issuer) throw unusableMetadata('the metadata is for another issuer');
  if (typeof address !== 'string' || secureUrl(address, insecureHosts) === undefined) {
    throw unusableMetadata(`the metadata has no ${name} with https, or http on loopback`);
  }
  return address;
}
