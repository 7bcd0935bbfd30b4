/** From the merged document to a declaration: names and defaults applied, nothing judged. */
import {
  DEFAULT_LIMITS,
  ENCODINGS,
  FULLY_SPECIFIED_ALGORITHMS,
  LINEAGES,
  SIGNING_ALGORITHMS,
} from '../../protocol.ts';
import { createHash } from 'node:crypto';
import type { Place } from '../finding.ts';
import type { KnownFiles } from '../load/known-files.ts';
import type { GraphDocument } from '../load/merge.ts';
import { toValue } from '../load/schema.ts';
import type { MapEntry, Node } from '../load/yaml.ts';
import type * as Declared from './declaration.ts';
import { ACT_RULES, CERTIFICATE_NAMES, CALL_MODES, OVERFLOWS } from './declaration.ts';
import { Fields, textOf, textsOf } from './fields.ts';
import { inexactNumbers } from './inexact-numbers.ts';
import { expandSelectors, readLabels, readSelectors } from './selectors.ts';
import { DEFAULT_RESERVE, reserveOfBytes, type Reserve } from './reserve.ts';

const TOKEN_KINDS = ['id_token', 'access_token'] as const;
const GRANTS = ['client_credentials', 'token_exchange', 'jwt_bearer'] as const;
/** By their names in RFC 8705 section 3.4 and RFC 9449 section 5.2. */
const BINDINGS = [
  ['tls_client_certificate_bound_access_tokens', 'certificate'],
  ['dpop_bound_access_tokens', 'dpop'],
] as const;
const DEFAULT_SUB_BYTES = 64;
const DEFAULT_LIFETIME = 300;

/** @param fallbackName the graph's name where no file gives one. */
export function readDeclaration(
  document: GraphDocument,
  fallbackName: string,
  known: KnownFiles,
): Declared.GraphDeclaration {
  const { sections, settings } = document;
  const defaults = new Fields(settings.defaults);
  const name = textOf(settings.name)?.value ?? fallbackName;
  return expandSelectors({
    name,
    digest: digestOf(document, name),
    issuer: settings.issuer && readIssuer(new Fields(settings.issuer), settings.issuer),
    zones: mapEntries(sections.zones, (_, entry) => ({
      ...place(entry.key),
      external: new Fields(entry.value).flag('external') ?? false,
      via: readVia(new Fields(entry.value)),
    })),
    claims: mapEntries(sections.claims, readClaim),
    inexactNumbers: inexactNumbers(document),
    subjects: mapEntries(sections.subjects, readSubject),
    clients: mapEntries(sections.clients, readClient),
    services: mapEntries(sections.services, (serviceName, entry) =>
      known.service(entry, settings.defaults, () => readService(serviceName, entry, defaults)),
    ),
    defaultZone: defaults.text('zone'),
    start: place(document.start),
  });
}

/** Over the values in their order of declaration: the order is part of what is issued. */
function digestOf(document: GraphDocument, name: string): string {
  const { sections, settings } = document;
  const hash = createHash('sha256');
  // One JSON text a line: what is hashed can be read in one way only.
  const take = (text: string) => hash.update(`${text}\n`);
  take(JSON.stringify(name));
  for (const node of [settings.issuer, settings.defaults]) take(node ? orderedText(node) : 'null');
  for (const [section, entries] of Object.entries(sections)) {
    take(JSON.stringify(section));
    for (const [key, entry] of entries) take(`[${JSON.stringify(key)},${orderedText(entry.value)}]`);
  }
  return hash.digest('hex');
}

/** As JSON. A JavaScript object puts keys that look like numbers first; a list of pairs keeps the author's order. */
function orderedText(node: Node): string {
  if (node.kind === 'scalar') return JSON.stringify(node.value);
  if (node.kind === 'list') return `[${node.items.map(orderedText).join()}]`;
  let pairs = '';
  for (const [key, { value }] of node.entries) {
    if (key.startsWith('x-')) continue;
    pairs += `${pairs && ','}[${JSON.stringify(key)},${orderedText(value)}]`;
  }
  return `{"map":[${pairs}]}`;
}

function place({ source, offset }: Place): Place {
  return { source, offset };
}

function mapEntries<Value>(
  entries: ReadonlyMap<string, MapEntry>,
  read: (name: string, entry: MapEntry) => Value,
): ReadonlyMap<string, Value> {
  return new Map([...entries].map(([name, entry]) => [name, read(name, entry)]));
}

function readSigning(issuer: Fields, at: Place): Declared.IssuerDeclaration['signing'] {
  const given = issuer.text('signing');
  return { ...place(given ?? at), value: oneOf(SIGNING_ALGORITHMS, given?.value) ?? 'ES256' };
}

function readIssuer(fields: Fields, at: Place): Declared.IssuerDeclaration {
  const limits = fields.below('limits');
  return {
    url: fields.text('url') ?? { ...place(at), value: '' },
    lifetime: fields.seconds('lifetime') ?? DEFAULT_LIFETIME,
    reuse: readReuse(fields),
    signing: readSigning(fields, at),
    encoding: oneOf(ENCODINGS, fields.text('encoding')?.value) ?? 'nested',
    limits: {
      tokens: limits.number('tokens') ?? DEFAULT_LIMITS.tokens,
      depth: limits.number('depth') ?? DEFAULT_LIMITS.depth,
      nested: limits.bytes('nested') ?? DEFAULT_LIMITS.nested,
    },
    overflow: oneOf(OVERFLOWS, fields.text('overflow')?.value) ?? 'reject',
    lineage: oneOf(LINEAGES, fields.text('lineage')?.value) ?? 'caller',
    ignoreScopes: fields.texts('ignore_scopes'),
  };
}

function readReuse(fields: Fields): Declared.IssuerDeclaration['reuse'] {
  const at = fields.at('reuse');
  const value = fields.seconds('reuse');
  return at && value !== undefined ? { ...place(at), value } : undefined;
}

function readClaim(name: string, entry: MapEntry): Declared.ClaimDeclaration {
  const fields = new Fields(entry.value);
  return {
    ...place(entry.key),
    name,
    from: fields.text('from')?.value as Declared.ClaimDeclaration['from'],
    path: fields.text('path')?.value ?? name,
    value: fields.value('value') ?? undefined,
    maxBytes: fields.bytes('max_bytes'),
    zones: fields.has('zones') ? fields.texts('zones') : undefined,
  };
}

function readSubject(name: string, entry: MapEntry): Declared.SubjectDeclaration {
  const fields = new Fields(entry.value);
  const given = (key: string) => fields.texts(key).map((text) => text.value);
  const types = given('token_types').flatMap((type) => oneOf(TOKEN_KINDS, type) ?? []);
  const algorithms = given('algorithms').flatMap((alg) => oneOf(FULLY_SPECIFIED_ALGORITHMS, alg) ?? []);
  return {
    ...place(entry.key),
    name,
    issuer: fields.text('issuer') ?? { ...place(entry.key), value: '' },
    jwksUri: fields.text('jwks_uri'),
    audience: fields.text('audience')?.value ?? '',
    prefix: fields.text('prefix')?.value ?? name,
    algorithms: algorithms.length > 0 ? algorithms : FULLY_SPECIFIED_ALGORITHMS,
    subMaxBytes: fields.bytes('sub_max_bytes') ?? DEFAULT_SUB_BYTES,
    tokenTypes: types.length > 0 ? types : TOKEN_KINDS,
    authorizedParties: given('authorized_parties'),
    act: oneOf(ACT_RULES, fields.text('act')?.value) ?? 'refuse',
  };
}

function readClient(name: string, entry: MapEntry): Declared.ClientDeclaration {
  const fields = new Fields(entry.value);
  const grants = fields.texts('grants').flatMap(({ value }) => oneOf(GRANTS, value) ?? []);
  return {
    ...place(entry.key),
    name,
    owner: fields.text('owner')?.value,
    labels: readLabels(fields),
    auth: readAuth(fields),
    grants: grants.length > 0 ? grants : ['client_credentials'],
    subjects: fields.texts('subjects'),
    token: fields.text('token')?.value === 'opaque' ? 'opaque' : 'jwt',
    bindings: readBindings(fields),
    zone: fields.text('zone'),
    introspect: fields.texts('introspect'),
    selectors: readSelectors(fields, ['introspect']),
    defaultScopes: fields.texts('default_scopes'),
    lifetime: fields.seconds('lifetime'),
    claims: new Map(
      fields
        .entries('claims')
        .map(([claim, { key, value }]) => [claim, { ...place(key), value: toValue(value) }]),
    ),
    calls: readCalls(fields),
  };
}

function readBindings(fields: Fields): Declared.At<Declared.Binding>[] {
  return BINDINGS.flatMap(([key, value]) => {
    const entry = fields.node?.entries.get(key);
    return entry && fields.flag(key) === true ? [{ ...place(entry.key), value }] : [];
  });
}

function readService(name: string, entry: MapEntry, defaults: Fields): Declared.ServiceDeclaration {
  const fields = new Fields(entry.value);
  const namespace = (fields.text('namespace') ?? defaults.text('namespace'))?.value;
  const unfilled: Declared.At<string>[] = [];
  const fromDefaults = (key: string) => {
    const template = defaults.text(key);
    if (!template) return undefined;
    if (namespace === undefined && template.value.includes('{namespace}')) unfilled.push(template);
    return { ...template, value: fillTemplate(template.value, name, namespace) };
  };
  const plainName = { ...place(entry.key), value: name };
  return {
    ...place(entry.key),
    name,
    owner: fields.text('owner')?.value,
    namespace,
    labels: readLabels(fields, 'labels', readLabels(defaults)),
    audience: fields.text('audience') ?? fromDefaults('audience') ?? plainName,
    identity: fields.text('identity') ?? fromDefaults('identity') ?? plainName,
    unfilled,
    zone: fields.text('zone') ?? defaults.text('zone'),
    headers: readHeaders(fields, defaults),
    lifetime: fields.seconds('lifetime'),
    caller: (fields.text('caller') ?? defaults.text('caller'))?.value === 'mtls' ? 'mtls' : 'none',
    auth: readAuth(fields),
    accepts: fields.text('accepts')?.value === 'jwt' ? 'jwt' : 'any',
    lineage: oneOf(LINEAGES, fields.text('lineage')?.value),
    acceptsForward: fields.texts('accepts_forward'),
    introspect: fields.texts('introspect'),
    selectors: readSelectors(fields, ['accepts_forward', 'introspect']),
    claims: readClaimUses(fields),
    calls: readCalls(fields),
    scopes: new Map(
      fields.entries('scopes').map(([scope, scopeEntry]) => [scope, readScope(scope, scopeEntry)]),
    ),
  };
}

/** Names in a graph are unique, those of workloads only in their namespace: `api.shop` in `shop` is the workload `api`. */
function fillTemplate(template: string, name: string, namespace: string | undefined): string {
  if (namespace === undefined) return template.replaceAll('{name}', name);
  const suffix = `.${namespace}`;
  const workload = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  return template.replaceAll('{name}', workload).replaceAll('{namespace}', namespace);
}

function readScope(name: string, entry: MapEntry): Declared.ScopeDeclaration {
  const fields = new Fields(entry.value);
  return {
    ...place(entry.key),
    name,
    description: fields.text('description')?.value,
    claims: readClaimUses(fields),
    operations: fields.texts('operations').map((operation) => operation.value),
    lifetime: fields.seconds('lifetime'),
    callers: fields.has('callers') ? fields.texts('callers') : undefined,
    through: fields.has('through') ? fields.texts('through') : undefined,
    selectors: readSelectors(fields, ['callers', 'through']),
    calls: readCalls(fields),
  };
}

function readClaimUses(fields: Fields): Declared.ClaimUse[] {
  return fields.texts('claims').map(({ value, ...at }) => {
    const required = value.endsWith('!');
    return { ...at, name: required ? value.slice(0, -1) : value, required };
  });
}

function readCalls(fields: Fields): Declared.CallDeclaration[] {
  const calls: Declared.CallDeclaration[] = [];
  for (const [, { key, value }] of fields.entries('calls')) {
    if (value.kind === 'scalar') continue;
    const call = new Fields(value);
    const scopes = value.kind === 'list' ? textsOf(value.items) : call.texts('scopes');
    const { source, offset } = key;
    calls.push({
      source,
      offset,
      callee: key,
      scopes,
      hasScopes: value.kind === 'list' || call.has('scopes'),
      mode: oneOf(CALL_MODES, call.text('mode')?.value) ?? 'embed',
      modeAt: call.at('mode') ?? key,
      seal: call.flag('seal') ?? false,
      probability: call.number('probability') ?? 1,
      via: readVia(call),
      when: readConditions(call),
    });
  }
  return calls;
}

/** Most calls have none: they share one empty list, as there may be a hundred thousand of them. */
const NOTHING: readonly never[] = [];

function readConditions(call: Fields): Declared.CallDeclaration['when'] {
  if (!call.has('when')) return NOTHING;
  return call.entries('when').flatMap(([scope, { key: at, value: claims }]) =>
    new Fields(claims).entries().map(([claim, { key, value: list }]) => ({
      scope: { ...place(at), value: scope },
      claim: { ...place(key), value: claim },
      values: list.kind === 'list' ? list.items.map((item) => toValue(item)) : [],
    })),
  );
}

function oneOf<Value extends string>(values: readonly Value[], text: string | undefined): Value | undefined {
  return values.find((value) => value === text);
}

function readAuth(fields: Fields): Declared.AuthDeclaration | undefined {
  const at = fields.at('auth');
  const auth = fields.below('auth');
  const method = auth.text('method');
  if (!at || !method) return undefined;
  return {
    ...place(at),
    method,
    secretEnv: auth.text('secret_env')?.value,
    secretFile: auth.text('secret_file')?.value,
    jwksFile: auth.text('jwks_file')?.value,
    jwksUri: auth.text('jwks_uri'),
    bundleFile: auth.text('bundle_file')?.value,
    spiffeId: auth.text('spiffe_id'),
    certificateNames: CERTIFICATE_NAMES.flatMap((kind) => {
      const value = auth.text(kind)?.value;
      return value === undefined ? [] : [{ kind, value }];
    }),
  };
}

function readVia(fields: Fields): readonly Declared.HopDeclaration[] {
  return fields.has('via') ? fields.list('via').map(readHop) : NOTHING;
}

function readHop(node: Node): Declared.HopDeclaration {
  const profile = textOf(node)?.value;
  if (profile !== undefined) return { ...place(node), profile, maxLine: undefined, maxTotal: undefined };
  const fields = new Fields(node);
  return {
    ...place(fields.at('profile') ?? node),
    profile: fields.text('profile')?.value,
    maxLine: fields.bytes('max_line'),
    maxTotal: fields.bytes('max_total'),
  };
}

/**
 * A service's own `headers` win key by key. One exception: with a profile of its own, limits in `defaults` that
 * belong to another profile say nothing about it.
 */
function readHeaders(fields: Fields, defaults: Fields): Declared.HeadersDeclaration | undefined {
  const own = fields.at('headers');
  const common = defaults.at('headers');
  const at = own ?? common;
  if (!at) return undefined;
  const hop = readHop(at);
  const inherited = own && common && hop.profile === undefined ? readHop(common) : undefined;
  const limits = inherited
    ? {
        ...inherited,
        maxLine: hop.maxLine ?? inherited.maxLine,
        maxTotal: hop.maxTotal ?? inherited.maxTotal,
      }
    : hop;
  const reserve = readReserve(new Fields(own)) ?? readReserve(new Fields(common)) ?? DEFAULT_RESERVE;
  return { ...limits, reserve };
}

/** Both numbers come from one place: those of `defaults` do not fill in what a service's own lacks. */
function readReserve(fields: Fields): Reserve | undefined {
  const counted = fields.below('reserve');
  const bytes = counted.node ? counted.bytes('bytes') : fields.bytes('reserve');
  if (bytes === undefined) return undefined;
  const headers = counted.number('headers');
  return headers === undefined ? reserveOfBytes(bytes) : { headers, bytes };
}
