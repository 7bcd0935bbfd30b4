/** RBAC of Envoy in both modes. Shadow rules decide, but refuse nothing; the result stays as metadata of the request. */
import { extension, type Json } from '../envoy/typed.ts';
import type { ExportMode } from './mode.ts';

/** Where every RBAC filter of Envoy leaves its results, whatever its own name is. */
export const RBAC_METADATA = 'envoy.filters.http.rbac';

/** Prefixes of results, and of Envoy's counters. */
export const REFUSALS = 'waybill_refusals_';
export const PERMISSIONS = 'waybill_permissions_';
export const CALLS = 'waybill_calls_';
/** Of AuthorizationPolicies with `istio.io/dry-run`. */
export const ISTIO_ALLOW = 'istio_dry_run_allow_';

/** Members of an RBAC filter, or of its configuration for a route. */
export function rulesFor(mode: ExportMode, prefix: string, rules: Json): Json {
  return mode === 'enforce' ? { rules } : { shadow_rules: rules, shadow_rules_stat_prefix: prefix };
}

export function resultKey(prefix: string): string {
  return `${prefix}shadow_engine_result`;
}

export function policyKey(prefix: string): string {
  return `${prefix}shadow_effective_policy_id`;
}

/**
 * Runs a filter for requests that would be refused: not where every one of these rules allows.
 *
 * @param prefixes of the rules. None: for every request.
 */
export function unlessAllowed(name: string, filter: Json, prefixes: readonly string[]): Json {
  const [first, ...others] = prefixes.map(allows);
  if (!first) return filter;
  const predicate = others.length === 0 ? first : { and_matcher: { predicate: [first, ...others] } };
  const skip = { name: 'skip', typed_config: { '@type': SKIP } };
  return extension(name, 'withMatcher', {
    extension_config: filter,
    xds_matcher: { matcher_list: { matchers: [{ predicate, on_match: { action: skip } }] } },
  });
}

const SKIP = 'type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter';

function allows(prefix: string): Json {
  return {
    single_predicate: {
      input: extension('result', 'metadataInput', {
        filter: RBAC_METADATA,
        path: [{ key: resultKey(prefix) }],
      }),
      custom_match: extension('allowed', 'metadataMatcher', {
        value: { string_match: { exact: 'allowed' } },
      }),
    },
  };
}
