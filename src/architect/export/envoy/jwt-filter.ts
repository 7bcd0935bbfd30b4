/** The filter that verifies tokens. */
import { tokenHeaders } from '../token-headers.ts';
import type { ExportMode } from '../report/mode.ts';
import { FAILURE, HEADER, JWT_FILTER, PAYLOAD } from './token-metadata.ts';
import { extension, type Json } from './typed.ts';

export const ISSUER_CLUSTER = 'waybill-issuer';
/** The only provider, unless the service passes its own token on (`mode: forward`). */
export const PROVIDER = 'waybill';
export const FORWARDED = 'waybill-forwarded';

export interface VerifiedTokens {
  readonly issuer: string;
  readonly audience: string;
  /** Bytes of the largest token. Larger ones are not cached, and verified each time. */
  readonly largestToken: number;
}

/** Before the service: the service gets the token as received, and its claims in headers. */
export function inboundJwt(tokens: VerifiedTokens, mode: ExportMode): Json {
  const claims = tokenHeaders.map(({ header, claim }) => ({
    claim_name: claim.join('.'),
    header_name: header,
  }));
  const provider = { ...providerFor(tokens, mode), forward: true, claim_to_headers: claims };
  return extension(JWT_FILTER, 'jwt', {
    providers: { [PROVIDER]: provider },
    ...rules(mode),
  });
}

/**
 * Behind the service: the token is taken away, and the route puts the callee's in its place.
 *
 * @param forwards whether some callee takes the service's own token.
 */
export function outboundJwt(tokens: VerifiedTokens, forwards: boolean, mode: ExportMode): Json {
  const provider = { ...providerFor(tokens, mode), forward: false };
  const providers = {
    [PROVIDER]: provider,
    ...(forwards ? { [FORWARDED]: { ...provider, forward: true } } : {}),
  };
  return extension(JWT_FILTER, 'jwt', {
    providers,
    ...rules(mode),
    ...(forwards ? { requirement_map: { [FORWARDED]: required(FORWARDED, mode) } } : {}),
  });
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

function providerFor({ issuer, audience, largestToken }: VerifiedTokens, mode: ExportMode): Json {
  return {
    issuer,
    audiences: [audience],
    remote_jwks: {
      http_uri: { uri: `${issuer}/jwks`, cluster: ISSUER_CLUSTER, timeout: '5s' },
      cache_duration: '60s', // the issuer's own max-age
      async_fetch: {},
    },
    // Without it a token in the query counts, too.
    from_headers: [{ name: 'authorization', value_prefix: 'Bearer ' }],
    payload_in_metadata: PAYLOAD,
    header_in_metadata: HEADER,
    ...(mode === 'report' ? { failed_status_in_metadata: FAILURE } : {}),
    normalize_payload_in_metadata: { space_delimited_claims: ['scope'] },
    clock_skew_seconds: 1, // 0 stands for the default, 60
    jwt_cache_config: { jwt_cache_size: 500, jwt_max_token_size: largestToken },
  };
}
