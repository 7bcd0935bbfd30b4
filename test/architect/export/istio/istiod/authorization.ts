/** AuthorizationPolicies as one RBAC filter: what any rule of any policy allows, is allowed. */
import { JWT_FILTER } from './authentication.ts';
import { only, ofWorkload, type Json, type Resource, type Workload } from './resources.ts';

interface Rule {
  from: { source: object }[];
  to: { operation: object }[];
  when: { key: string; values?: string[]; notValues?: string[] }[];
}
interface Source {
  principals: string[];
  requestPrincipals: string[];
}
interface Operation {
  methods: string[];
  notMethods: string[];
  paths: string[];
  notPaths: string[];
}

export function authorizationFilters(resources: readonly Resource[], workload: Workload): Json[] {
  const found = ofWorkload(resources, 'AuthorizationPolicy', workload);
  if (found.length === 0) return [];
  const policies = found.flatMap(({ metadata, spec }): [string, Json][] => {
    const { action = 'ALLOW', rules = [] } = only<{ selector: object; action: string; rules: Rule[] }>(spec, [
      'selector',
      'action',
      'rules',
    ]);
    if (action !== 'ALLOW') throw new Error(`not translated: action ${action}`);
    return rules.map((rule, at) => [
      `ns[${metadata.namespace}]-policy[${metadata.name}]-rule[${at}]`,
      policy(rule),
    ]);
  });
  return [
    {
      name: 'envoy.filters.http.rbac',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC',
        rules: { action: 'ALLOW', policies: Object.fromEntries(policies) },
      },
    },
  ];
}

function policy(written: Rule): Json {
  const { from = [], to = [], when = [] } = only<Rule>(written, ['from', 'to', 'when']);
  const conditions = when.map(condition);
  return {
    permissions: orAny(to.map(({ operation }) => allOf('and_rules', 'rules', permissions(operation)))),
    principals: orAny(
      (from.length === 0 ? [{ source: {} }] : from).map(({ source }) =>
        allOf('and_ids', 'ids', [...principals(source), ...conditions]),
      ),
    ),
  };
}

const orAny = (list: Json[]): Json[] => (list.length === 0 ? [{ any: true }] : list);
const allOf = (type: string, list: string, all: Json[]): Json => ({ [type]: { [list]: orAny(all) } });
const anyOf = (type: string, list: string, some: Json[] | undefined): Json[] =>
  some === undefined || some.length === 0 ? [] : [{ [type]: { [list]: some } }];
const not = (type: string, rules: Json[]): Json[] => rules.map((rule) => ({ [type]: rule }));

function permissions(written: object): Json[] {
  const { methods, notMethods, paths, notPaths } = only<Operation>(written, [
    'methods',
    'notMethods',
    'paths',
    'notPaths',
  ]);
  return [
    ...anyOf('or_rules', 'rules', methods?.map(method)),
    ...not('not_rule', anyOf('or_rules', 'rules', notMethods?.map(method))),
    ...anyOf('or_rules', 'rules', paths?.map(path)),
    ...not('not_rule', anyOf('or_rules', 'rules', notPaths?.map(path))),
  ];
}

const method = (value: string): Json => ({ header: { name: ':method', string_match: text(value) } });

function path(value: string): Json {
  if (!/\{\*{1,2}\}/.test(value)) return { url_path: { path: text(value) } };
  return {
    uri_template: {
      name: 'uri-template',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
        path_template: value.replaceAll('{**}', '**').replaceAll('{*}', '*'),
      },
    },
  };
}

function principals(written: object): Json[] {
  const source = only<Source>(written, ['principals', 'requestPrincipals']);
  return [
    ...anyOf(
      'or_ids',
      'ids',
      source.principals?.map((name) => ({ authenticated: { principal_name: text(name, 'spiffe://') } })),
    ),
    ...anyOf('or_ids', 'ids', source.requestPrincipals?.map(requestPrincipal)),
  ];
}

/** `ISSUER/SUBJECT`; an issuer has slashes of its own, and stands before the last one. */
function requestPrincipal(value: string): Json {
  const slash = value.lastIndexOf('/');
  const issuer = value.slice(0, slash);
  if (slash < 0 || issuer.includes('*')) throw new Error(`not translated: request principal ${value}`);
  const ids = [claim(['iss'], text(issuer)), claim(['sub'], text(value.slice(slash + 1)))];
  return { and_ids: { ids } };
}

function condition({ key, values, notValues }: Rule['when'][number]): Json {
  const [, names] = /^request\.auth\.claims((?:\[[^[\]]+\])+)$/.exec(key) ?? [];
  if (names === undefined) throw new Error(`not translated: ${key}`);
  const keys = names.slice(1, -1).split('][');
  const inList = (list: string[]): Json => ({
    or_ids: { ids: list.map((value) => textOrList(keys, value)) },
  });
  return allOf('and_ids', 'ids', [
    ...(values === undefined ? [] : [inList(values)]),
    ...(notValues === undefined ? [] : [{ not_id: inList(notValues) }]),
  ]);
}

/** A claim may be a text, or a list that has it. */
function textOrList(keys: readonly string[], value: string): Json {
  const string = { string_match: text(value) };
  return claim(keys, undefined, {
    or_match: { value_matchers: [string, { list_match: { one_of: string } }] },
  });
}

function claim(keys: readonly string[], match: Json | undefined, value?: Json): Json {
  const matcher = {
    filter: JWT_FILTER,
    path: ['payload', ...keys].map((key) => ({ key })),
    value: value ?? { string_match: match },
  };
  return { metadata: matcher };
}

/** A `*` at the start, at the end, or alone stands for any text; nowhere else. */
function text(value: string, prefix = ''): Json {
  if (value === '*') return { safe_regex: { regex: '.+' } };
  if (value.startsWith('*')) {
    if (prefix !== '') throw new Error(`not translated: ${value}`);
    return { suffix: value.slice(1) };
  }
  if (value.endsWith('*')) return { prefix: prefix + value.slice(0, -1) };
  return { exact: prefix + value };
}
