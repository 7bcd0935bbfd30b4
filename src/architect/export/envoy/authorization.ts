/** RBAC before the service: who may do what with which token. */
import type { InboundCaller, InboundOperation, InboundRule } from '../inbound.ts';
import {
  AMBIGUOUS_PATHS,
  answeredMethods,
  exactExpression,
  looseExpression,
  type HttpOperation,
  type PathPattern,
} from '../operations/index.ts';
import type { ExportMode } from '../report/mode.ts';
import { PERMISSIONS, REFUSALS, rulesFor } from '../report/shadow-rules.ts';
import type { ServiceModel } from '../service-model.ts';
import type { SigningAlgorithm } from '../../../graph/index.ts';
import { HEADER_CLAIMS, METADATA_CLAIMS, PEER_URIS, type ClaimMatchers } from './claim-matchers.ts';
import { singleToken } from './single-token.ts';
import { HEADER, hasClaim, tokenValue } from './token-metadata.ts';
import { extension, type Json } from './typed.ts';

const ANY = { any: true };

/** Paths that servers may read differently: Envoy compares and sends on what was received. */
const AMBIGUOUS = orRules(AMBIGUOUS_PATHS.map(pathLike));

/**
 * Report mode: what no scope allows, with a reason. Tokens that are not what they seem, and paths that servers read
 * differently. Where rules are enforced, those that allow say the same (`acceptable`, `exactPath`).
 */
export function reportedRefusals(): Json {
  // Of a request without a verified token nothing more is said.
  const token = (not: Json): Json => allOf('and_ids', 'ids', [hasClaim('iss'), not]);
  const policies = {
    'ambiguous-path': { permissions: [AMBIGUOUS], principals: [ANY] },
    // RFC 7800: whoever presents a bound token must prove that it holds the key, which Envoy cannot check.
    'bound-token': { permissions: [ANY], principals: [METADATA_CLAIMS.has('cnf')] },
    // RFC 9068 section 4: no other JWT of the issuer is an access token.
    'not-an-access-token': {
      permissions: [ANY],
      principals: [token({ not_id: tokenValue([HEADER, 'typ'], { string_match: { exact: 'at+jwt' } }) })],
    },
    // Envoy takes the first token that it finds in the header, the service perhaps another.
    'more-than-a-token': { permissions: [ANY], principals: [token({ not_id: { header: ONE_TOKEN } })] },
  };
  return extension('waybill.refusals', 'rbac', rulesFor('report', REFUSALS, { action: 'DENY', policies }));
}

const ONE_TOKEN = {
  name: 'authorization',
  string_match: { safe_regex: { regex: 'Bearer [A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+' } },
};

export interface RuleContext {
  readonly gateways: readonly string[];
  readonly mode: ExportMode;
  readonly signing: SigningAlgorithm;
}

/** Allows each scope's operations to its callers; without a policy nothing is allowed. */
export function permissions(
  { inbound, caller }: ServiceModel,
  { gateways, mode, signing }: RuleContext,
): Json {
  const claims = mode === 'enforce' ? HEADER_CLAIMS : METADATA_CLAIMS;
  const presenters = presentersBy(caller, gateways, claims);
  const acceptable = mode === 'enforce' ? acceptableToken(signing) : [];
  const policies = inbound.flatMap((rule): [string, Json][] => {
    const callers = rule.callers.flatMap(presenters);
    return callers.length === 0 || rule.operations.length === 0
      ? []
      : [[rule.scope, policy(rule, [...acceptable, claims.contains('scope', rule.scope)], callers, mode)]];
  });
  return extension(
    'waybill.permissions',
    'rbac',
    rulesFor(mode, PERMISSIONS, { action: 'ALLOW', policies: Object.fromEntries(policies) }),
  );
}

/**
 * - One token, and an access token: no other JWT of the issuer is one (RFC 9068 section 4).
 * - Not bound: whoever presents a bound token must prove that it holds the key, which Envoy cannot check (RFC 7800).
 */
function acceptableToken(signing: SigningAlgorithm): readonly Json[] {
  return [singleToken(signing), { not_id: HEADER_CLAIMS.has('cnf') }];
}

function policy(
  { operations }: InboundRule,
  token: readonly Json[],
  callers: readonly (readonly Json[])[],
  mode: ExportMode,
): Json {
  const presenters = callers.map((caller) => allOf('and_ids', 'ids', caller));
  const anyOf = presenters.length === 1 ? presenters : [{ or_ids: { ids: presenters } }];
  return {
    permissions: operations.map((operation) => permission(operation, mode)),
    principals: [allOf('and_ids', 'ids', [...token, ...anyOf])],
  };
}

function permission(operation: InboundOperation, mode: ExportMode): Json {
  return allOf('and_rules', 'rules', [
    ...methodRules(operation.method === undefined ? [] : [operation.method]),
    ...exactPath(operation.path, mode),
    ...operation.except.map((other) => ({ not_rule: spellings(other) })),
  ]);
}

function spellings({ method, path }: HttpOperation): Json {
  const methods = method === undefined ? [] : answeredMethods(method);
  return allOf('and_rules', 'rules', [...methodRules(methods), pathLike(looseExpression(path))]);
}

function methodRules(methods: readonly string[]): Json[] {
  const [first, ...others] = methods.map((method) => ({
    header: { name: ':method', string_match: { exact: method } },
  }));
  if (!first) return [];
  return others.length === 0 ? [first] : [orRules([first, ...others])];
}

function orRules(rules: readonly Json[]): Json {
  return { or_rules: { rules } };
}

/** A path without parameters needs no expression, unless it has escapes, which have several spellings. */
function exactPath(path: PathPattern, mode: ExportMode): Json[] {
  const texts = path.map((segment) => (segment.kind === 'literal' ? segment.text : '%'));
  const exact = `/${texts.join('/')}`;
  if (!exact.includes('%') && path.every(({ kind }) => kind === 'literal'))
    return [{ url_path: { path: { exact } } }];
  // In report mode a rule of its own says it.
  return [pathLike(exactExpression(path)), ...(mode === 'enforce' ? [{ not_rule: AMBIGUOUS }] : [])];
}

/** The whole path, without its query. */
export function pathLike(regex: string): Json {
  return { url_path: { path: { safe_regex: { regex } } } };
}

/** @returns what identifies a caller, in each of the ways in which it may come: all of a list must hold. */
function presentersBy(check: ServiceModel['caller'], gateways: readonly string[], claims: ClaimMatchers) {
  return (caller: InboundCaller): Json[][] => {
    // A child names its presenter.
    if (caller.kind === 'service') {
      const named = anyOf(caller.identities.map((identity) => claims.is(['act', 'sub'], identity)));
      if (check !== 'mtls') return [[named]];
      return caller.identities.map((identity) => [named, ...certificateOf(identity)]);
    }
    // A root names none, and is a client's.
    const root = [{ not_id: claims.has('act') }, claims.is(['client_id'], caller.name)];
    return check === 'none' ? [root] : gateways.map((gateway) => [...root, ...certificateOf(gateway)]);
  };
}

/** A name of the connection's certificate: its only URI (X.509-SVID section 2), or else a DNS name. */
function certificateOf(identity: string): Json[] {
  const exact = { exact: identity };
  const named = { authenticated: { principal_name: exact } };
  // The principal may be any of several URIs.
  return identity.includes(':') ? [named, { header: { name: PEER_URIS, string_match: exact } }] : [named];
}

/** Any identity of a caller stands for it. */
function anyOf(ids: readonly Json[]): Json {
  const [only, ...others] = ids;
  return only && others.length === 0 ? only : { or_ids: { ids } };
}

function allOf(type: string, list: string, rules: readonly Json[]): Json {
  const [only, ...others] = rules;
  return only && others.length === 0 ? only : { [type]: { [list]: rules } };
}
