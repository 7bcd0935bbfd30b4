/** Whom Envoy's question over gRPC names as the peer (`attributes.source`), where the configuration lets that count. */
import { forwardedCertificate, isFromProxy, type AddressList } from '../../identity/index.ts';
import type { PresentedPeer } from '../sidecar.ts';
import type { AskedSource } from './authorization-messages.ts';
import type { AskedHeaders } from './decide.ts';

export interface SourceTrust {
  /** `principal`: one name. `certificate`: the whole certificate, of which every name counts, and its key. */
  readonly source: 'principal' | 'certificate';
  /** Addresses of Envoy. */
  readonly from: AddressList;
}

/** @returns nobody if the question is not from Envoy, or what it says can be read in two ways. */
export function sourcePeer(
  { principal, certificate }: AskedSource,
  request: AskedHeaders,
  { source, from }: SourceTrust,
): PresentedPeer {
  if (!isFromProxy(request, { addresses: from })) return {};
  if (source === 'principal') return { peer: namesOf(principal) };
  // Other forms that headers have are none that Envoy writes here.
  return certificate.startsWith('-----BEGIN')
    ? { certificate: forwardedCertificate(certificate)?.certificate }
    : {};
}

/**
 * Envoy writes one name and not its kind. With a colon it is a URI, and a subject (`CN=…`) is none: nobody is known by
 * one. What has a comma may be several names.
 */
function namesOf(principal: string): PresentedPeer['peer'] {
  if (principal.includes(',')) return undefined;
  if (/^[a-z][a-z0-9+.-]*:/i.test(principal)) return { uris: [principal] };
  return /^[a-z0-9._-]+$/i.test(principal) ? { dns: [principal] } : undefined;
}
