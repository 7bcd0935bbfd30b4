/** The filter that verifies tokens. */
import type { SigningAlgorithm } from '../../../graph/index.ts';
import { tokenHeaders } from '../token-headers.ts';
import type { ExportMode } from '../report/mode.ts';
import type { ClaimHeader } from './claim-matchers.ts';
import { FAILURE, HEADER, JWT_FILTER, PAYLOAD } from './token-metadata.ts';
import { extension, type Json } from './typed.ts';

export const ISSUER_CLUSTER = 'waybill-issuer';
/** The only provider, unless the service passes its own token on (`mode: forward`). */
export const PROVIDER = 'waybill';
export const FORWARDED = 'waybill-forwarded';

export interface VerifiedTokens {
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** Of the issuer. */
  readonly signing: SigningAlgorithm;
  /** Bytes of the largest token. Larger ones are not cached, and verified each time. */
  readonly largestToken: number;
}

/**
 * Before the service: the service gets the token as received, and its claims in headers.
 *
 * @param others claims in headers for the rules alone.
 */
export function inboundJwt(tokens: VerifiedTokens, others: readonly ClaimHeader[], mode: ExportMode): Json {
  const provider = {
    ...providerFor(tokens),
    ...(mode === 'report' ? inMetadata(mode) : {}),
    forward: true,
    claim_to_headers: claimHeaders([...tokenHeaders, ...others]),
  };
  return extension(JWT_FILTER, 'jwt', {
    providers: { [PROVIDER]: provider },
    ...rules(mode),
  });
}

/**
 * Behind the service: the token is taken away, and the route puts the callee's in its place.
 *
 * @param children headers for the callees' tokens; undefined: they are read from metadata.
 * @param forwards whether some callee takes the service's own token.
 */
export function outboundJwt(
  tokens: VerifiedTokens,
  children: readonly ClaimHeader[] | undefined,
  forwards: boolean,
  mode: ExportMode,
): Json {
  const provider = providerFor(tokens);
  const metadata = inMetadata(mode);
  const providers = {
    [PROVIDER]: {
      ...provider,
      ...(children ? { claim_to_headers: claimHeaders(children) } : metadata),
      forward: false,
    },
    ...(forwards ? { [FORWARDED]: { ...provider, ...metadata, forward: true } } : {}),
  };
  return extension(JWT_FILTER, 'jwt', {
    providers,
    ...rules(mode),
    ...(forwards ? { requirement_map: { [FORWARDED]: required(FORWARDED, mode) } } : {}),
  });
}

function claimHeaders(headers: readonly ClaimHeader[]): Json[] {
  return headers.map(({ header, claim }) => ({ claim_name: claim.join('.'), header_name: header }));
}

function rules(mode: ExportMode): Json {
  return {
    rules: [{ match: { prefix: '/' }, requires: required(PROVIDER, mode) }],
    // The challenge would repeat the address, and with it a token in the query.
    strip_failure_response: true,
  };
}

function required(provider_name: string, mode: ExportMode): Json {
  if (mode === 'enforce') return { provider_name };
  return { requires_any: { requirements: [{ provider_name }, { allow_missing_or_failed: {} }] } };
}

function providerFor({ issuer, audiences, largestToken }: VerifiedTokens): Json {
  return {
    issuer,
    audiences,
    remote_jwks: {
      http_uri: { uri: `${issuer}/jwks`, cluster: ISSUER_CLUSTER, timeout: '5s' },
      cache_duration: '60s', // the issuer's own max-age
      async_fetch: {},
    },
    // Without it a token in the query counts, too.
    from_headers: [{ name: 'authorization', value_prefix: 'Bearer ' }],
    // The issuer signs no token without `exp`, and such a one would stay in the cache.
    require_expiration: true,
    clock_skew_seconds: 1, // 0 stands for the default, 60
    jwt_cache_config: { jwt_cache_size: 500, jwt_max_token_size: largestToken },
  };
}

/** All that the token says, which Envoy copies for each request. */
function inMetadata(mode: ExportMode): Json {
  return {
    payload_in_metadata: PAYLOAD,
    ...(mode === 'enforce'
      ? {}
      : {
          header_in_metadata: HEADER,
          failed_status_in_metadata: FAILURE,
          normalize_payload_in_metadata: { space_delimited_claims: ['scope'] },
        }),
  };
}
