/** RequestAuthentication as the filter `jwt_authn`: istiod fetches the keys itself and writes them in. */
import { only, ofWorkload, type Json, type Resource, type Workload } from './resources.ts';

interface JwtRule {
  issuer: string;
  audiences: string[];
  jwksUri: string;
  fromHeaders: { name: string; prefix: string }[];
  forwardOriginalToken: boolean;
  outputClaimToHeaders: { header: string; claim: string }[];
}

export const JWT_FILTER = 'envoy.filters.http.jwt_authn';

/** @param keysAt documents by their address. */
export function authenticationFilters(
  resources: readonly Resource[],
  workload: Workload,
  keysAt: (uri: string) => string,
): Json[] {
  const rules = ofWorkload(resources, 'RequestAuthentication', workload).flatMap(
    ({ spec }) => only<{ selector: object; jwtRules: JwtRule[] }>(spec, ['selector', 'jwtRules']).jwtRules!,
  );
  if (rules.length === 0) return [];
  const providers = rules.map((rule, at): [string, Json] => [`origins-${at}`, provider(rule, keysAt)]);
  const requirements = [...providers.map(([provider_name]) => ({ provider_name })), { allow_missing: {} }];
  return [
    {
      name: JWT_FILTER,
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication',
        providers: Object.fromEntries(providers),
        rules: [{ match: { prefix: '/' }, requires: { requires_any: { requirements } } }],
        bypass_cors_preflight: true,
      },
    },
  ];
}

function provider(rule: JwtRule, keysAt: (uri: string) => string): Json {
  const { issuer, audiences, jwksUri, fromHeaders, forwardOriginalToken, outputClaimToHeaders } =
    only<JwtRule>(rule, [
      'issuer',
      'audiences',
      'jwksUri',
      'fromHeaders',
      'forwardOriginalToken',
      'outputClaimToHeaders',
    ]);
  return {
    issuer,
    audiences,
    local_jwks: { inline_string: keysAt(jwksUri!) },
    // Without any, Envoy reads the header and the parameter `access_token`.
    from_headers: fromHeaders?.map(({ name, prefix }) => ({ name, value_prefix: prefix })),
    forward: forwardOriginalToken ?? false,
    payload_in_metadata: 'payload',
    normalize_payload_in_metadata: { space_delimited_claims: ['scope', 'permission'] },
    claim_to_headers: outputClaimToHeaders?.map(({ header, claim }) => ({
      header_name: header,
      claim_name: claim,
    })),
  };
}
