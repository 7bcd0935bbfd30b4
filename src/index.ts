/**
 * Waybill as a library: compile a graph, look at what it issues, run an issuer. What a service installs is
 * `waybill/middleware`.
 */
export {
  PROFILES_READ,
  profiles,
  type FitAdvice,
  type Profile,
  type LargestPart,
  type ProfileFit,
  type Standing,
  type WhatIf,
} from './budget/index.ts';
export { systemClock, type Clock } from './clock.ts';
export { compileGraph, type CompileOptions, type Compiled } from './compile.ts';
export { compileInThread, type CompileTask, type CompiledInThread } from './compile-thread/index.ts';
export {
  PICTURE_FORMATS,
  drawGraph,
  drawRequest,
  type GraphDrawing,
  type PictureFormat,
} from './drawing/index.ts';
export { istioPolicies, opaBundle, type Export, type IstioOptions, type OpaBundle } from './export/index.ts';
export { WaybillError, isWaybillError, type ErrorCode } from './errors.ts';
export {
  didYouMean,
  explanations,
  graphFiles,
  type AcceptedFinding,
  type ClientPlan,
  type Explanation,
  type Finding,
  type FindingCode,
  type GraphOptions,
  type Plan,
  type ServicePlan,
  type Severity,
  type TreeRequest,
} from './graph/index.ts';
export {
  Readiness,
  createApp,
  listen,
  shutOut,
  type AdmissionLimits,
  type AppOptions,
  type ClientCertificates,
  type ListenOptions,
  type ReadinessOptions,
  type ReadinessReport,
  type RunningServer,
  type TlsOptions,
} from './http/index.ts';
export {
  KeyWaits,
  Peers,
  authenticatingParties,
  createIssuer,
  createIssuerInSlices,
  keySetFault,
  keptBetweenRequests,
  type AttemptLimits,
  type Credentials,
  type Introspection,
  type IssuedTree,
  type Issuer,
  type IssuerOptions,
  type Party,
  type PeerReport,
  type ProvenKeys,
  type ShownKeys,
} from './issuer/index.ts';
export {
  KeyKeeper,
  PUBLICATION_LEAD,
  RETENTION,
  changeKeyFile,
  changesAt,
  dropsAt,
  generateKey,
  isExposed,
  isPublished,
  keyChanges,
  keyRing,
  keyWith,
  readKeyFile,
  readyAt,
  requireReplaceable,
  rotate,
  signsSince,
  writeKeyFile,
  type KeyChanges,
  type KeyKeeperOptions,
  type KeyRecord,
  type KeyRing,
  type KeyStatus,
  type Signer,
} from './keys/index.ts';
export { issuerKeys } from './discovery/index.ts';
export {
  addressList,
  certificateProxy,
  readCertificates,
  type AddressList,
  type CertificateProxy,
} from './identity/index.ts';
export {
  SOURCE_FORMATS,
  draftGraph,
  driftOf,
  fileInput,
  mergeInto,
  observe,
  type Drift,
  type DriftFinding,
  type DriftSide,
  type Merge,
  type Observation,
  type SourceFormat,
  type SourceInput,
} from './observed/index.ts';
export {
  memoryStore,
  redisStore,
  type MemoryStoreOptions,
  type LossSign,
  type RedisStoreOptions,
  type Store,
  type StoreEvent,
  type StoreKind,
  type StoreRisk,
  type StoreState,
} from './store/index.ts';
export {
  diffGraphs,
  type CallerChange,
  type Change,
  type ChangeKind,
  type ChangedParty,
  type GraphDiff,
  type HopChange,
  type HopSize,
  type Mark,
  type ReachChange,
  type ReaderChange,
  type RequestChange,
} from './diff/index.ts';
export { adviseRequest, type RequestFit } from './request-fit.ts';
export { holdersOf, type RequestHolders } from './request-holders.ts';
export { everyRequest, type RequestRow, type WorstHop } from './request-table.ts';
export {
  waysToClaim,
  waysToScope,
  type ClientWays,
  type Reached,
  type WayStep,
  type WaysOptions,
} from './exposure/index.ts';
export type {
  ClaimReaders,
  HolderView,
  PartyView,
  SpenderView,
  TokenHolders,
  TreeHolders,
  Why,
} from './exposure/index.ts';
export {
  everyHopFits,
  planRequest,
  type CallView,
  type OverflowView,
  type RequestPlan,
} from './request-plan.ts';
export {
  SIGNING_ALGORITHMS,
  isPacked,
  keySet,
  pack,
  pastedToken,
  payloadTextOf,
  tokenVerifier,
  unfoldTree,
  unpack,
  verifyTree,
  type Confirmation,
  type KeyResolver,
  type SigningAlgorithm,
  type TokenTree,
  type TokenVerifier,
  type UnpackLimits,
  type TreeVerdict,
  type VerifiedToken,
} from './token/index.ts';
