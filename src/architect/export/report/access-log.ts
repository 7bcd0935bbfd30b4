/**
 * Reports as lines of JSON on Envoy's standard output, in the words of the middleware's decisions. A line has the path
 * without its query, and of the token only what was verified.
 */
import { JWT_FILTER, FAILURE, PAYLOAD } from '../envoy/token-metadata.ts';
import { extension, type Json } from '../envoy/typed.ts';
import { CALLS, PERMISSIONS, RBAC_METADATA, REFUSALS, policyKey, resultKey } from './shadow-rules.ts';

/** Bytes of a value that a caller chooses. */
const SHOWN = 1024;

/** Members that say nothing are left out. */
const REQUEST = {
  method: '%REQ(:METHOD):32%',
  path: `%REQ_WITHOUT_QUERY(:PATH):${SHOWN}%`,
  reason: `%DYNAMIC_METADATA(${JWT_FILTER}:${FAILURE}:message)%`,
  txn: claim('txn'),
  caller: claim('act:sub'),
  client: claim('client_id'),
  status: '%RESPONSE_CODE%',
  flags: '%RESPONSE_FLAGS%',
};

function claim(path: string): string {
  return `%DYNAMIC_METADATA(${JWT_FILTER}:${PAYLOAD}:${path}):256%`;
}

/** Whose proxy writes the line. */
export interface Reporter {
  readonly name: string;
  readonly audience: string;
}

/** Requests to a service that would have been refused, by any of these rules. */
export function serviceLog(reporter: Reporter, prefixes: readonly string[]): Json {
  const results = prefixes.map((prefix): [string, string] => [wordFor(prefix), metadata(resultKey(prefix))]);
  return log(
    {
      ...head('reported', 'service', reporter),
      ...REQUEST,
      ...Object.fromEntries(results),
      policy: metadata(policyKey(REFUSALS)),
    },
    anyOf(prefixes.map((prefix) => hasResult(resultKey(prefix), 'denied'))),
  );
}

/** All requests over a connection that would have been refused. */
export function connectionLog(reporter: Reporter): Json {
  return log({ ...head('reported', 'service', reporter), ...REQUEST, reason: 'no TLS' }, undefined);
}

/** Calls of a service that went out without the token that they need. */
export function callLog(reporter: Reporter): Json {
  return log({ ...head('reported', 'call', reporter), ...CALLEE, ...REQUEST }, WITHOUT_TOKEN);
}

/** Calls that are refused in report mode, too. */
export function refusedCallLog(reporter: Reporter): Json {
  return log({ ...head('refused', 'call', reporter), ...CALLEE, ...REQUEST, reason: 'no callee' }, NO_CALLEE);
}

const CALLEE = { callee: '%REQ(:AUTHORITY):256%' };
/** The policy that denies hosts which lead to no callee. */
export const UNDECLARED = 'undeclared-host';
const NO_CALLEE = hasResult(policyKey(CALLS), UNDECLARED);
/** Rules that allow name no policy where they deny. */
const WITHOUT_TOKEN = {
  and_filter: {
    filters: [hasResult(resultKey(CALLS), 'denied'), hasResult(policyKey(CALLS), '', true)],
  },
};

function head(decision: string, at: string, { name, audience }: Reporter): Json {
  return { time: '%START_TIME%', decision, at, service: name, audience };
}

function wordFor(prefix: string): string {
  return prefix === REFUSALS ? 'refusals' : prefix === PERMISSIONS ? 'permissions' : 'policies';
}

function metadata(key: string): string {
  return `%DYNAMIC_METADATA(${RBAC_METADATA}:${key})%`;
}

function hasResult(key: string, exact: string, orNone = false): Json {
  const matcher = { filter: RBAC_METADATA, path: [{ key }], value: { string_match: { exact } } };
  return { metadata_filter: { matcher, match_if_key_not_found: orNone } };
}

function anyOf(filters: readonly Json[]): Json | undefined {
  return filters.length > 1 ? { or_filter: { filters } } : filters[0];
}

function log(line: Json, filter: Json | undefined): Json {
  return {
    ...extension('envoy.access_loggers.stdout', 'stdoutLog', {
      log_format: {
        omit_empty_values: true,
        json_format: line,
        formatters: [extension('envoy.formatter.req_without_query', 'withoutQuery')],
      },
    }),
    ...(filter ? { filter } : {}),
  };
}
