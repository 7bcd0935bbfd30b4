/** Issuing: who asks, what the plan grants, and the signed tree. Knows no HTTP. */
export { ASSERTION_ALGORITHMS } from './client-assertion.ts';
export { ATTEMPT_LIMITS, AttemptsExceeded, type AttemptLimits } from './attempts.ts';
export { type Credentials } from './authenticate.ts';
export { authenticatingParties, nameOf, type AuthenticatingParty, type Party } from './parties.ts';
export { type ExchangeRequest } from './exchange.ts';
export { type IssuedTree } from './issued-tree.ts';
export { PROOF_ALGORITHMS, type Confirmation } from '../token/index.ts';
export { type ShownKeys } from './confirmations.ts';
export { INTROSPECTION_TYPE } from './introspection-jwt.ts';
export { type Introspection, type IntrospectionForm, type ProvenKeys } from './introspect.ts';
export { keptBetweenRequests } from './kept.ts';
export {
  createIssuer,
  createIssuerInSlices,
  type Issuer,
  type IssuerOptions,
  type SubjectToken,
} from './issuer.ts';
export { keySetFault } from './key-set-fault.ts';
export { KeyWaits } from './key-waits.ts';
export { PEER_SECONDS, Peers, type PeerReport } from './peers.ts';
export { storeDependence, type StoreDependence } from './store-dependence.ts';
