/** A service: what it says itself, and what its zone and the graph say for it. */
import { LINEAGES } from '../../protocol.ts';
import type { MapEntry, Node } from '../load/yaml.ts';
import { readAuth } from './auth.ts';
import { readCondition } from './conditions.ts';
import { readCalls, readClaimUses } from './calls.ts';
import { readEncryption } from './encryption.ts';
import type { At, ScopeDeclaration, ServiceDeclaration } from './declaration.ts';
import { Fields, isNone, oneOf, place } from './fields.ts';
import { readHeaders } from './headers.ts';
import { NO_LABELS, readLabels, readSelectors } from './selectors.ts';
import { Templates } from './templates.ts';

/** @param wider the `defaults` of its zone and those of the graph, in this order. */
export function readService(
  name: string,
  entry: MapEntry,
  wider: readonly (Node | undefined)[],
): ServiceDeclaration {
  const fields = new Fields(entry.value);
  const layers = [fields, ...wider.map((node) => new Fields(node))];
  const text = (key: string) => first(layers, (layer) => layer.text(key));
  const namespace = text('namespace')?.value;
  const zone = text('zone');
  const labels = layers.reduceRight((labels, layer) => readLabels(layer, 'labels', labels), NO_LABELS);
  const templates = new Templates({ name, namespace, zone: zone?.value, labels });
  const named = (key: string) =>
    (first(layers, (layer) => oneOrMore(layer, key)) ?? [{ ...place(entry.key), value: name }]).map((each) =>
      templates.fill(key, each),
    );
  const auth = first(layers, (layer) => layer.at('auth'));
  const encryption = first(layers, (layer) => layer.at('encryption'));
  return {
    ...place(entry.key),
    name,
    owner: fields.text('owner'),
    namespace,
    labels,
    audiences: named('audience'),
    identities: named('identity'),
    zone,
    headers: readHeaders(layers),
    lifetime: first(layers, (layer) => layer.seconds('lifetime')),
    caller: text('caller')?.value === 'mtls' ? 'mtls' : 'none',
    auth: isNone(auth) ? undefined : readAuth(auth, (key, template) => templates.fill(key, template)),
    encryption: isNone(encryption)
      ? undefined
      : readEncryption(encryption, (key, template) => templates.fill(key, template)),
    seal: fields.flagAt('seal'),
    accepts: text('accepts')?.value === 'jwt' ? 'jwt' : 'any',
    unfilled: templates.unfilled,
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

/** A text, or a list of texts. */
function oneOrMore(layer: Fields, key: string): readonly At<string>[] | undefined {
  const text = layer.text(key);
  const texts = text ? [text] : layer.texts(key);
  return texts.length === 0 ? undefined : texts;
}

function first<Value>(
  layers: readonly Fields[],
  read: (layer: Fields) => Value | undefined,
): Value | undefined {
  for (const layer of layers) {
    const value = read(layer);
    if (value !== undefined) return value;
  }
  return undefined;
}

function readScope(name: string, entry: MapEntry): ScopeDeclaration {
  const fields = new Fields(entry.value);
  const guard = fields.at('when');
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
    when: guard && readCondition(guard),
    calls: readCalls(fields),
  };
}
