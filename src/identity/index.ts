/** Who a certificate says its bearer is: SPIFFE IDs, alternative names, thumbprints. */

export { addressList } from './address-list.ts';
export type { AddressList } from './address-list.ts';
export { isSignedBy, readAuthorities } from './bundle.ts';
export type { Authority } from './bundle.ts';
export { certificateIdentity, parseCertificate, speaksFor, thumbprintOf } from './certificate.ts';
export type { CertificateIdentity } from './certificate.ts';
export { presentedPeer, verifiedPeer } from './peer.ts';
export { certificateProxy, presentedCertificate } from './presented.ts';
export type { CertificateProxy, PresentedCertificate } from './presented.ts';
export { looksLikeSpiffeId, parseSpiffeId } from './spiffe-id.ts';
export type { SpiffeId } from './spiffe-id.ts';
export { subjectName } from './subject-name.ts';
