/** The issuer: client authentication, grants, signing, and the life of tokens. It knows no HTTP. */
export { ASSERTION_ALGORITHMS, type ReceivedAssertion } from './client-authentication/client-assertion.ts';
export { type ReceivedCertificate } from './client-authentication/client-certificate.ts';
export { type ReceivedSecret } from './client-authentication/client-secret.ts';
export { type ReceivedSvid } from './client-authentication/jwt-svid.ts';
export {
  ATTEMPT_LIMITS,
  AttemptsExceeded,
  type AttemptLimit,
  type AttemptLimits,
} from './client-authentication/attempts.ts';
export { type ReceivedCredentials } from './client-authentication/authenticate.ts';
export {
  authenticatingParties,
  nameOf,
  type AuthenticatingParty,
  type Party,
} from './client-authentication/parties.ts';
export { type ExchangeRequest } from './grants/exchange.ts';
export { RequestClaimFault, bySetter, requestContext } from './grants/request-claims.ts';
export { type IssueRequest } from './grants/resolve.ts';
export { type SubjectToken, type SubjectTokenType } from './grants/subjects.ts';
export { dryRun, type UnsignedToken } from './dry-run.ts';
export { type IssuedTree } from './signing/issued-tree.ts';
export { PROOF_ALGORITHMS } from '../token/index.ts';
export { type PresentedKeys } from './grants/sender-constraint.ts';
export { INTROSPECTION_TYPE } from './token-lifecycle/introspection-jwt.ts';
export {
  type Introspection,
  type IntrospectionForm,
  type IntrospectionRequest,
  type VerifiedKeys,
} from './token-lifecycle/introspect.ts';
export {
  createIssuer,
  createIssuerInSlices,
  type Issuer,
  type IssuerOptions,
  type ServedIssuerOptions,
} from './issuer.ts';
export { Peers, type PeerReport } from './shared-state/peers.ts';
export { sharedStateNeeds, storeDependence } from './shared-state/needs.ts';
export { keySetFault } from './client-authentication/key-set-fault.ts';
export { FetchedSealKeys } from './sealing/fetched-keys.ts';
export { encryptionKeyFault, encryptionKeyThumbprint } from './sealing/seal-keys.ts';
export { KeyWaits } from './key-waits.ts';
