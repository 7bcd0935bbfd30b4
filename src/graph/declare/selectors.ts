/**
 * Selectors: sets of parties by what they are, where a list takes names. In: declared parties. Out: the names that each
 * selector stands for, in the lists themselves, so that everything behind this reads names alone.
 */
import type { MapEntry, MapNode } from '../load/yaml.ts';
import type {
  At,
  ClientDeclaration,
  Criteria,
  ExpandedSelector,
  GraphDeclaration,
  ScopeDeclaration,
  Selector,
  SelectorList,
  ServiceDeclaration,
} from './declaration.ts';
import { Fields, textOf } from './fields.ts';

const NO_SELECTORS: readonly never[] = [];

export function readSelectors(fields: Fields, lists: readonly SelectorList[]): readonly Selector[] {
  const found = lists.flatMap((list) =>
    fields
      .list(list)
      .flatMap((item): Selector[] => (item.kind === 'map' ? [{ ...readCriteria(item), list }] : [])),
  );
  return found.length === 0 ? NO_SELECTORS : found;
}

export function readCriteria(item: MapNode): Criteria {
  const given = new Fields(item);
  const { source, offset } = item;
  return {
    source,
    offset,
    zone: given.text('zone'),
    owner: given.text('owner'),
    namespace: given.text('namespace')?.value,
    labels: readLabels(given, 'label'),
  };
}

export const NO_LABELS: ReadonlyMap<string, string> = new Map();

/** @param wider labels of a wider layer, which those of the same name replace. */
export function readLabels(fields: Fields, key = 'labels', wider = NO_LABELS): ReadonlyMap<string, string> {
  const own = fields
    .entries(key)
    .flatMap(([label, { value }]: readonly [string, MapEntry]): [string, string][] => {
      const text = textOf(value)?.value;
      return text === undefined ? [] : [[label, text]];
    });
  return own.length === 0 ? wider : new Map([...wider, ...own]);
}

interface Party {
  readonly owner: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
  /** Absent: a client. */
  readonly namespace?: string | undefined;
}

/** @param own the zone of the party; undefined: none. */
export function fits(
  { zone, owner, namespace, labels }: Criteria,
  party: Party,
  own: string | undefined,
): boolean {
  return (
    (zone === undefined || own === zone.value) &&
    (owner === undefined || party.owner === owner.value) &&
    (namespace === undefined || party.namespace === namespace) &&
    [...labels].every(([label, value]) => party.labels.get(label) === value)
  );
}

/** What selectors compare of a declared party. */
function asChoice({ name, owner, labels, zone, ...party }: ClientDeclaration | ServiceDeclaration) {
  const namespace = 'namespace' in party ? party.namespace : undefined;
  return { name, owner: owner?.value, labels, zone: zone?.value, namespace };
}

/** @returns the graph with names in place of selectors; services without any are the same objects. */
export function expandSelectors(graph: Omit<GraphDeclaration, 'selectors'>): GraphDeclaration {
  const selectors: ExpandedSelector[] = [];
  const services = [...graph.services.values()];
  const choices = { services: services.map(asChoice), clients: Array.from(graph.clients.values(), asChoice) };
  const expanded = (
    given: readonly Selector[],
    list: SelectorList,
    party: string,
    scope?: string,
  ): At<string>[] =>
    given
      .filter((selector) => selector.list === list)
      .flatMap((selector) => {
        const mayCall = list === 'callers' || list === 'through';
        const names = [...(mayCall ? choices.clients : []), ...choices.services]
          .filter((choice) => fits(selector, choice, choice.zone))
          .map(({ name }) => name);
        selectors.push({ selector, party, scope, names });
        const { source, offset } = selector;
        return names.map((value) => ({ source, offset, value }));
      });
  const scopeOf = (scope: ScopeDeclaration, service: string): ScopeDeclaration => {
    if (scope.selectors.length === 0) return scope;
    const callers = expanded(scope.selectors, 'callers', service, scope.name);
    const through = expanded(scope.selectors, 'through', service, scope.name);
    return {
      ...scope,
      callers: scope.callers && [...scope.callers, ...callers],
      through: scope.through && [...scope.through, ...through],
    };
  };
  const serviceOf = (service: ServiceDeclaration): ServiceDeclaration => {
    const below = [...service.scopes.values()].some((scope) => scope.selectors.length > 0);
    if (!below && service.selectors.length === 0) return service;
    return {
      ...service,
      acceptsForward: [
        ...service.acceptsForward,
        ...expanded(service.selectors, 'accepts_forward', service.name),
      ],
      introspect: [...service.introspect, ...expanded(service.selectors, 'introspect', service.name)],
      scopes: new Map(
        Array.from(service.scopes.values(), (scope) => [scope.name, scopeOf(scope, service.name)]),
      ),
    };
  };
  const clientOf = (client: ClientDeclaration): ClientDeclaration =>
    client.selectors.length === 0
      ? client
      : {
          ...client,
          introspect: [...client.introspect, ...expanded(client.selectors, 'introspect', client.name)],
        };
  return {
    ...graph,
    clients: new Map(Array.from(graph.clients.values(), (client) => [client.name, clientOf(client)])),
    services: new Map(services.map((service) => [service.name, serviceOf(service)])),
    selectors,
  };
}

/** `{zone: pci, label: {tier: critical}}` */
export function selectorText({ zone, owner, namespace, labels }: Criteria): string {
  const parts = [
    ...(zone ? [`zone: ${zone.value}`] : []),
    ...(owner ? [`owner: ${owner.value}`] : []),
    ...(namespace === undefined ? [] : [`namespace: ${namespace}`]),
    ...(labels.size === 0
      ? []
      : [`label: {${[...labels].map(([label, value]) => `${label}: ${value}`).join(', ')}}`]),
  ];
  return `{${parts.join(', ')}}`;
}
