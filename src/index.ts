/**
 * Waybill as a library: compile a graph, look at what it issues, run an issuer, verify what it signed. What a service
 * installs is `waybill/middleware`; what its tests need is `waybill/testing`.
 */

// The graph, and what it issues.
export {
  compileGraph,
  planRequest,
  type CallView,
  type CompileOptions,
  type Compiled,
  type OverflowView,
  type RequestPlan,
} from './planning/index.ts';
export {
  explanations,
  type AcceptedFinding,
  type ClientPlan,
  type Explanation,
  type Finding,
  type FindingCode,
  type Plan,
  type ServicePlan,
  type Severity,
  type TreeRequest,
} from './graph/index.ts';
export { profiles, type Profile } from './planning/header-budget/index.ts';
export {
  diffGraphs,
  type CallerChange,
  type Change,
  type ChangeKind,
  type ChangedParty,
  type GraphDiff,
  type HopChange,
  type HopSize,
  type Impact,
  type ReachChange,
  type ReaderChange,
  type RequestChange,
} from './architect/diff/index.ts';
export { drawGraph, drawRequest, type DrawOptions, type PictureFormat } from './architect/draw/index.ts';

// The issuer.
export {
  authenticatingParties,
  createIssuer,
  type AttemptLimits,
  type AuthenticatingParty,
  type Credentials,
  type ExchangeRequest,
  type Introspection,
  type IntrospectionForm,
  type IntrospectionRequest,
  type IssueRequest,
  type IssuedTree,
  type Issuer,
  type IssuerOptions,
  type Party,
  type PresentedKeys,
  type SubjectToken,
  type VerifiedKeys,
} from './issuer/index.ts';
export {
  createApp,
  listen,
  type AdmissionLimits,
  type AppOptions,
  type ClientCertificates,
  type ListenOptions,
  type RunningServer,
  type TlsOptions,
} from './issuer/http/index.ts';
export {
  generateKey,
  keyRing,
  readKeyFile,
  type KeyRecord,
  type KeyRing,
  type KeyStatus,
  type Signer,
} from './issuer/keys/index.ts';
export {
  memoryStore,
  redisStore,
  type MemoryStoreOptions,
  type RedisStoreOptions,
  type Store,
} from './issuer/stores/index.ts';
export { addressList, certificateProxy, type AddressList, type CertificateProxy } from './identity/index.ts';

// Tokens.
export { issuerKeys, type KeyOptions } from './discovery/index.ts';
export {
  isPacked,
  keySet,
  pack,
  tokenVerifier,
  unfoldTree,
  unpack,
  type AccessTokenClaims,
  type Confirmation,
  type Encoding,
  type KeyReference,
  type KeyResolver,
  type PackOptions,
  type SigningAlgorithm,
  type TokenTree,
  type TokenVerifier,
  type TokenVerifierOptions,
  type TreeBounds,
  type UnpackLimits,
  type VerifiedToken,
} from './token/index.ts';

export { systemClock, type Clock } from './clock.ts';
export { WaybillError, isWaybillError, type ErrorCode } from './errors.ts';
