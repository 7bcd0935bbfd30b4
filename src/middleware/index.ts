/** What a service installs: `import { extractor } from 'waybill/middleware'`. */

export { WaybillError, isWaybillError } from '../errors.ts';
export type { ErrorCode } from '../errors.ts';
export type { AuthorizationHeader } from './authorization.ts';
export type { ProtectHandler } from './express.ts';
export { extractor } from './extractor.ts';
export type { AuthenticateOptions, Extractor, ProtectOptions } from './extractor.ts';
export type { CertificateCredentials } from './certificate-credentials.ts';
export type { CredentialsOptions, SecretCredentials } from './credentials.ts';
export type { KeyCredentials } from './key-credentials.ts';
export type { SvidCredentials } from './svid-credentials.ts';
export type { BudgetOptions, CacheOptions, ExtractorOptions } from './options.ts';
export { gateway } from './gateway.ts';
export type { Gateway, RouteOptions, SwapOptions, Swapped } from './gateway.ts';
export type { GatewayOptions } from './gateway-options.ts';
export { refusal } from './refusal.ts';
export type { Refusal } from './refusal.ts';
export type { RequestContext } from './request-context.ts';
export type { VisibleClaims } from './visible-claims.ts';
