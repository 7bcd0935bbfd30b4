/** What a service installs: `import { extractor } from 'waybill/middleware'`. */

export { StepUpRequired, WaybillError, isWaybillError } from '../errors.ts';
export type { ErrorCode, RequiredLogin, WaybillErrorOptions } from '../errors.ts';
export type { Clock } from '../clock.ts';
export type { ReceivedRequest } from '../identity/index.ts';
export type { Actor, Encoding, FullySpecifiedAlgorithm, SigningAlgorithm } from '../protocol.ts';
export type { AccessTokenClaims, DecryptionKeys } from '../token/index.ts';
export type { AuthorizationHeader, PackedTokens } from './request/authorization.ts';
export type { ProtectHandler } from './adapters/express.ts';
export type { Admission, Admit, Admitted, Refused } from './extractor/admission.ts';
export { extractor } from './extractor/extractor.ts';
export type {
  AuthenticateOptions,
  Extractor,
  PeerNames,
  ProtectOptions,
  ResumeOptions,
  TokenSource,
} from './extractor/extractor.ts';
export type { CertificateCredentials, CertificateMethod } from './credentials/certificate-credentials.ts';
export type { CertificateSource } from './credentials/certificate-files.ts';
export type { CredentialsOptions, SecretCredentials } from './credentials/credentials.ts';
export type { KeyCredentials } from './credentials/key-credentials.ts';
export type { SvidCredentials } from './credentials/svid-credentials.ts';
export type { BudgetOptions, CacheOptions, ExtractorOptions } from './extractor/options.ts';
export type { Decision, DecisionMode, DecisionOptions } from './decisions/decision.ts';
export { edge } from './edge/edge.ts';
export type { Edge, EdgeToken, TokenRequest } from './edge/edge.ts';
export type { EdgeOptions } from './edge/edge-options.ts';
export { gateway } from './gateway/gateway.ts';
export type { Gateway, RouteOptions, SwapOptions, Swapped } from './gateway/gateway.ts';
export type { GatewayOptions } from './gateway/gateway-options.ts';
export type { HeaderLine, RequestDescription } from './request/incoming-request.ts';
export type { RequestValues } from './request/request-values.ts';
export { refusal } from './request/refusal.ts';
export type { Refusal } from './request/refusal.ts';
export type { RequestScope } from './extractor/current-request.ts';
export type { SharedOptions } from './shared-options.ts';
export type { RequestLineage } from './extractor/lineage.ts';
export type { CallHeaders, RequestContext } from './extractor/request-context.ts';
export type { VisibleClaims } from './extractor/visible-claims.ts';
