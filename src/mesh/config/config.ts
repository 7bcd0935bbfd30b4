/** What a configuration says, as `schemas/sidecar.schema.json` has checked it. That file says what each key means. */
import type { ExtractorOptions } from '../../middleware/index.ts';
import type { SidecarOptions } from '../sidecar.ts';
import { readDecryptionKeys } from './decryption-keys.ts';
import { readSecretCredentials, type CredentialsConfig } from './credentials.ts';

export interface TlsFiles {
  readonly cert_file?: string;
  readonly key_file?: string;
  readonly ca_file?: string;
}

export interface ListenConfig extends TlsFiles {
  readonly address: string;
}

export interface EgressConfig extends TlsFiles {
  readonly address: string;
  readonly addresses?: Readonly<Record<string, string>>;
}

/** With one of `header` and `source`. */
export interface ClientCertConfig {
  readonly header?: string;
  readonly source?: 'principal' | 'certificate';
  readonly from: readonly string[];
}

export interface SidecarConfig {
  readonly issuer: string;
  readonly audience: string | readonly string[];
  readonly caller: 'mtls' | 'none';
  readonly mode?: 'enforce' | 'report';
  readonly client_cert?: ClientCertConfig;
  readonly gateways?: readonly string[];
  readonly decryption_file?: string;
  readonly decryption_env?: string;
  readonly seal?: 'accept' | 'require';
  readonly unbound_roots?: 'refuse' | 'accept';
  readonly addresses?: readonly string[];
  readonly packed?: 'accept' | 'refuse';
  readonly credentials?: CredentialsConfig;
  readonly revocation?: 'none' | 'introspect';
  readonly revocation_max_age?: number;
  readonly jwks_uri?: string;
  readonly token_endpoint?: string;
  readonly introspection_endpoint?: string;
  readonly timeout_ms?: number;
  readonly budget?: { readonly inbound?: number; readonly unpacked?: number; readonly outbound?: number };
  readonly correlation?: 'authorization' | 'handle';
  readonly handle_bytes?: number;
  readonly claims_header?: boolean;
  readonly operations?: Readonly<Record<string, readonly string[]>>;
  readonly open?: readonly string[];
  readonly callees?: Readonly<Record<string, string>>;
  readonly callee_identities?: Readonly<Record<string, string | readonly string[]>>;
  readonly listen?: ListenConfig;
  readonly upstream?: string;
  readonly egress?: EgressConfig;
  readonly check?: string;
  readonly grpc?: string;
  readonly admin?: string;
  readonly max_requests?: number;
  readonly max_header_bytes?: number;
  readonly request_timeout_ms?: number;
  readonly silence_timeout_ms?: number;
  readonly shutdown_delay?: number;
  readonly log_level?: string;
}

const HANDLE_BYTES = 64 * 1024 * 1024;
export const MAX_REQUESTS = 1_000;

/**
 * @param environment holds the secret that `secret_env` names.
 * @throws WaybillError `usage`
 */
export function sidecarOptions(
  config: SidecarConfig,
  environment: Readonly<Record<string, string | undefined>>,
): Omit<SidecarOptions, 'onDecision'> {
  return {
    extractor: extractorOptions(config, environment),
    correlation: config.correlation ?? 'authorization',
    handleBytes: config.handle_bytes ?? HANDLE_BYTES,
    claimsHeader: config.claims_header ?? false,
    operations: config.operations,
    open: config.open ?? [],
    callees: config.callees ?? {},
    mode: config.mode,
    maxRequests: config.max_requests ?? MAX_REQUESTS,
  };
}

function extractorOptions(
  config: SidecarConfig,
  environment: Readonly<Record<string, string | undefined>>,
): ExtractorOptions {
  const { credentials, client_cert: peers } = config;
  return {
    issuer: config.issuer,
    audience: config.audience,
    caller: config.caller,
    clientCertHeader: peers?.header,
    clientCertFrom: peers?.header === undefined ? undefined : peers.from,
    gateways: config.gateways,
    decryption: readDecryptionKeys(config, environment),
    seal: config.seal,
    unboundRoots: config.unbound_roots,
    addresses: config.addresses,
    packed: config.packed,
    credentials: credentials && readSecretCredentials(credentials, environment),
    revocation: config.revocation,
    revocationMaxAge: config.revocation_max_age,
    jwksUri: config.jwks_uri,
    tokenEndpoint: config.token_endpoint,
    introspectionEndpoint: config.introspection_endpoint,
    timeout: config.timeout_ms,
    budget: config.budget,
  };
}
