/** RBAC before the service: who may do what with which token. */
import type { InboundCaller, InboundOperation, InboundRule } from '../inbound.ts';
import {
  AMBIGUOUS_PATH,
  exactExpression,
  looseExpression,
  type HttpOperation,
  type PathPattern,
} from '../operations/index.ts';
import type { ExportMode } from '../report/mode.ts';
import { PERMISSIONS, REFUSALS, rulesFor } from '../report/shadow-rules.ts';
import type { ServiceModel } from '../service-model.ts';
import { HEADER, claimContains, claimIs, hasClaim, tokenValue } from './token-metadata.ts';
import { extension, type Json } from './typed.ts';

const ANY = { any: true };

/** Denies what no scope allows: tokens that are not what they seem, and paths that servers read differently. */
export function refusals(mode: ExportMode): Json {
  // A request without a verified token comes here in report mode alone. Nothing more is said of it.
  const token = (not: Json): Json =>
    mode === 'enforce' ? not : allOf('and_ids', 'ids', [hasClaim('iss'), not]);
  const policies = {
    'ambiguous-path': { permissions: [pathLike(AMBIGUOUS_PATH)], principals: [ANY] },
    // RFC 7800: whoever presents a bound token must prove that it holds the key, which Envoy cannot check.
    'bound-token': { permissions: [ANY], principals: [hasClaim('cnf')] },
    // RFC 9068 section 4: no other JWT of the issuer is an access token.
    'not-an-access-token': {
      permissions: [ANY],
      principals: [token({ not_id: tokenValue([HEADER, 'typ'], { string_match: { exact: 'at+jwt' } }) })],
    },
    // Envoy takes the first token that it finds in the header, the service perhaps another.
    'more-than-a-token': { permissions: [ANY], principals: [token({ not_id: { header: ONE_TOKEN } })] },
  };
  return extension('waybill.refusals', 'rbac', rulesFor(mode, REFUSALS, { action: 'DENY', policies }));
}

const ONE_TOKEN = {
  name: 'authorization',
  string_match: { safe_regex: { regex: 'Bearer [A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+' } },
};

/** Allows each scope's operations to its callers; without a policy nothing is allowed. */
export function permissions(
  { inbound, caller }: ServiceModel,
  gateways: readonly string[],
  mode: ExportMode,
): Json {
  const presenters = presentersBy(caller, gateways);
  const policies = inbound.flatMap((rule): [string, Json][] => {
    const callers = rule.callers.flatMap(presenters);
    return callers.length === 0 || rule.operations.length === 0 ? [] : [[rule.scope, policy(rule, callers)]];
  });
  return extension(
    'waybill.permissions',
    'rbac',
    rulesFor(mode, PERMISSIONS, { action: 'ALLOW', policies: Object.fromEntries(policies) }),
  );
}

function policy({ scope, operations }: InboundRule, callers: readonly (readonly Json[])[]): Json {
  return {
    permissions: operations.map(permission),
    principals: callers.map((caller) => allOf('and_ids', 'ids', [claimContains('scope', scope), ...caller])),
  };
}

function permission(operation: InboundOperation): Json {
  return allOf('and_rules', 'rules', [
    ...methodRules(operation.method === undefined ? [] : [operation.method]),
    exactPath(operation.path),
    ...operation.except.map((other) => ({ not_rule: spellings(other) })),
  ]);
}

/** Servers answer HEAD where they answer GET (RFC 9110 section 9.3.2). */
function spellings({ method, path }: HttpOperation): Json {
  const methods = method === undefined ? [] : method === 'GET' ? ['GET', 'HEAD'] : [method];
  return allOf('and_rules', 'rules', [...methodRules(methods), pathLike(looseExpression(path))]);
}

function methodRules(methods: readonly string[]): Json[] {
  const [first, ...others] = methods.map((method) => ({
    header: { name: ':method', string_match: { exact: method } },
  }));
  if (!first) return [];
  return others.length === 0 ? [first] : [{ or_rules: { rules: [first, ...others] } }];
}

/** A path without parameters needs no expression, unless it has escapes, which have several spellings. */
function exactPath(path: PathPattern): Json {
  const texts = path.map((segment) => (segment.kind === 'literal' ? segment.text : '%'));
  const exact = `/${texts.join('/')}`;
  return exact.includes('%') ? pathLike(exactExpression(path)) : { url_path: { path: { exact } } };
}

/** The whole path, without its query. */
function pathLike(regex: string): Json {
  return { url_path: { path: { safe_regex: { regex } } } };
}

/** @returns what identifies a caller, in each of the ways in which it may come: all of a list must hold. */
function presentersBy(check: ServiceModel['caller'], gateways: readonly string[]) {
  return (caller: InboundCaller): Json[][] => {
    // A child names its presenter.
    if (caller.kind === 'service') {
      const named = claimIs(['act', 'sub'], caller.identity);
      return [check === 'mtls' ? [named, certificateOf(caller.identity)] : [named]];
    }
    // A root names none, and is a client's.
    const root = [{ not_id: hasClaim('act') }, claimIs(['client_id'], caller.name)];
    return check === 'none' ? [root] : gateways.map((gateway) => [...root, certificateOf(gateway)]);
  };
}

/** A name of the connection's certificate: its URI, or else its DNS name. */
function certificateOf(identity: string): Json {
  return { authenticated: { principal_name: { exact: identity } } };
}

function allOf(type: string, list: string, rules: readonly Json[]): Json {
  const [only, ...others] = rules;
  return only && others.length === 0 ? only : { [type]: { [list]: rules } };
}
