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
import { readAuth } from './auth.ts';
import { readCalls } from './calls.ts';
import { readCondition } from './conditions.ts';
import { ACT_RULES, CLAIM_SETTERS, CLAIM_TYPES, OVERFLOWS } from './declaration.ts';
import { Fields, oneOf, place, textOf } from './fields.ts';
import { readVia } from './headers.ts';
import { inexactNumbers } from './inexact-numbers.ts';
import { expandSelectors, readLabels, readSelectors } from './selectors.ts';
import { readService } from './service.ts';

const TOKEN_KINDS = ['id_token', 'access_token'] as const;
const GRANTS = ['client_credentials', 'token_exchange', 'jwt_bearer'] as const;
/** By their names in RFC 8705 section 3.4 and RFC 9449 section 5.2. */
const BINDINGS = [
  ['tls_client_certificate_bound_access_tokens', 'certificate'],
  ['dpop_bound_access_tokens', 'dpop'],
] as const;
const DEFAULT_SUB_BYTES = 64;
const DEFAULT_LIFETIME = 300;
const DEFAULT_CONTEXT_TYPE = 'urn:waybill:context';

/**
 * @param fallbackName the graph's name where no file gives one.
 * @param files the path of each text.
 */
export function readDeclaration(
  document: GraphDocument,
  fallbackName: string,
  known: KnownFiles,
  files: Declared.GraphDeclaration['files'],
): Declared.GraphDeclaration {
  const { sections, settings } = document;
  const defaults = new Fields(settings.defaults);
  const name = textOf(settings.name)?.value ?? fallbackName;
  return expandSelectors({
    name,
    digest: digestOf(document, name),
    issuer: settings.issuer && readIssuer(new Fields(settings.issuer), settings.issuer),
    owners: settings.owners && readOwners(new Fields(settings.owners)),
    zones: mapEntries(sections.zones, readZone),
    claims: mapEntries(sections.claims, readClaim),
    conditions: mapEntries(sections.conditions, (conditionName, { key, value }) => ({
      ...place(key),
      name: conditionName,
      condition: readCondition(value),
    })),
    inexactNumbers: inexactNumbers(document),
    subjects: mapEntries(sections.subjects, readSubject),
    clients: mapEntries(sections.clients, readClient),
    services: mapEntries(sections.services, (serviceName, entry) => {
      const layers = wider(entry, document);
      return known.service(entry, layers, () => readService(serviceName, entry, layers));
    }),
    defaultZone: defaults.text('zone'),
    start: place(document.start),
    files,
  });
}

function readOwners(fields: Fields): ReadonlyMap<string, Declared.OwnerDeclaration> {
  return new Map(
    fields.entries().map(([name, { key }]) => [name, { ...place(key), name, paths: fields.texts(name) }]),
  );
}

function readZone(_name: string, { key, value }: MapEntry): Declared.ZoneDeclaration {
  const fields = new Fields(value);
  return {
    ...place(key),
    external: fields.flag('external') ?? false,
    via: readVia(fields),
    owners: fields.has('owners') ? fields.texts('owners') : undefined,
  };
}

/** What a service has where it says nothing itself: the `defaults` of its zone, then those of the graph. */
function wider({ value }: MapEntry, { sections, settings }: GraphDocument): readonly (Node | undefined)[] {
  const zone = new Fields(value).text('zone') ?? new Fields(settings.defaults).text('zone');
  const ofZone = new Fields(zone && sections.zones.get(zone.value)?.value).at('defaults');
  return [ofZone, settings.defaults];
}

/** Over the values in their order of declaration: the order is part of what is issued. */
function digestOf(document: GraphDocument, name: string): string {
  const { sections, settings } = document;
  const hash = createHash('sha256');
  // One JSON text a line: what is hashed can be read in one way only.
  const take = (text: string) => hash.update(`${text}\n`);
  take(JSON.stringify(name));
  for (const node of [settings.issuer, settings.defaults]) take(node ? orderedText(node) : 'null');
  if (settings.owners) take(orderedText(settings.owners));
  for (const [section, entries] of Object.entries(sections)) {
    if (section === 'conditions' && entries.size === 0) continue; // a graph without any keeps its digest
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
    contextType: fields.text('context_type')?.value ?? DEFAULT_CONTEXT_TYPE,
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
    path: fields.text('path'),
    value: fields.value('value') ?? undefined,
    type: readWord(fields, 'type', CLAIM_TYPES),
    values: fields.has('values')
      ? fields.list('values').map((node) => ({ ...place(node), value: toValue(node) }))
      : undefined,
    setBy: readWord(fields, 'set_by', CLAIM_SETTERS),
    maxBytes: fields.bytes('max_bytes'),
    zones: fields.has('zones') ? fields.texts('zones') : undefined,
  };
}

function readWord<Word extends string>(
  fields: Fields,
  key: string,
  words: readonly Word[],
): Declared.At<Word> | undefined {
  const text = fields.text(key);
  const value = oneOf(words, text?.value);
  return text && value && { ...place(text), value };
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
    acr: fields.has('acr') ? readLevels(fields) : undefined,
  };
}

function readLevels(subject: Fields): Declared.SubjectDeclaration['acr'] {
  const levels = subject.below('acr');
  return new Map(levels.entries().map(([level]) => [level, levels.texts(level)]));
}

function readClient(name: string, entry: MapEntry): Declared.ClientDeclaration {
  const fields = new Fields(entry.value);
  const grants = fields.texts('grants').flatMap(({ value }) => oneOf(GRANTS, value) ?? []);
  return {
    ...place(entry.key),
    name,
    owner: fields.text('owner'),
    labels: readLabels(fields),
    auth: readAuth(fields.at('auth')),
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
