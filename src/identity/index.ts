/** Who a certificate says its bearer is: SPIFFE IDs, alternative names, thumbprints; and who vouches for it. */

export { addressList } from './address-list.ts';
export type { AddressList } from './address-list.ts';
export { readAuthorities, readSvidKeys } from './trust-bundle.ts';
export type { Authority, SvidKey } from './trust-bundle.ts';
export {
  certificateIdentity,
  parseCertificate,
  readCertificates,
  speaksFor,
  thumbprintOf,
} from './certificate.ts';
export type { CertificateIdentity } from './certificate.ts';
export { hasAcceptableKey } from './certificate-key.ts';
export { MAX_INTERMEDIATES, pathFault } from './certificate-path.ts';
export type { CertificatePath } from './certificate-path.ts';
export { peerCertificates, verifiedPeerCertificate } from './peer-certificates.ts';
export {
  certificateHeaders,
  certificateProxy,
  isFromProxy,
  presentedCertificate,
  presentedPeer,
  verifiedCertificate,
} from './presented-certificate.ts';
export type {
  CertificateProxy,
  PresentedCertificate,
  PresentedPeer,
  ReceivedRequest,
} from './presented-certificate.ts';
export { ipAddressOf } from './ip-address.ts';
export { looksLikeSpiffeId, parseSpiffeId } from './spiffe-id.ts';
export type { SpiffeId } from './spiffe-id.ts';
export { subjectName } from './subject-name.ts';
