/** Who a certificate says its bearer is: SPIFFE IDs, alternative names, thumbprints; and who vouches for it. */

export { addressList, type AddressList } from './address-list.ts';
export { readAuthorities, readSvidKeys, type Authority, type SvidKey } from './trust-bundle.ts';
export {
  certificateIdentity,
  parseCertificate,
  readCertificates,
  speaksFor,
  subjectName,
  thumbprintOf,
  type CertificateIdentity,
} from './certificate.ts';
export { hasAcceptableKey } from './certificate-key.ts';
export { forwardedCertificate } from './forwarded-certificate.ts';
export { MAX_INTERMEDIATES, pathFault } from './certificate-path.ts';
export {
  certificateHeaders,
  certificateProxy,
  isFromProxy,
  presentedCertificate,
  presentedPeer,
  verifiedCertificate,
  type CertificateProxy,
  type PresentedCertificate,
  type PresentedPeer,
  type ReceivedRequest,
} from './presented-certificate.ts';
export { ipAddressOf } from './ip-address.ts';
export { looksLikeSpiffeId, parseSpiffeId } from './spiffe-id.ts';
