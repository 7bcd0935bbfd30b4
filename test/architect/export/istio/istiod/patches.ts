/** EnvoyFilters: patches in their order, on what istiod would have written without them. */
import { only, ofWorkload, type Json, type Resource, type Workload } from './resources.ts';

export type Direction = 'SIDECAR_INBOUND' | 'SIDECAR_OUTBOUND';

interface Patch {
  readonly applyTo: string;
  readonly match: Json;
  readonly patch: { readonly operation: string; readonly value: Json };
}

export class Patches {
  readonly #patches: readonly Patch[];

  constructor(resources: readonly Resource[], workload: Workload, direction: Direction) {
    this.#patches = ofWorkload(resources, 'EnvoyFilter', workload)
      .flatMap(({ spec }) => spec['configPatches'] as Patch[])
      .filter(({ match }) => match['context'] === direction);
    for (const { applyTo } of this.#patches)
      if (applyTo !== 'HTTP_FILTER' && applyTo !== 'VIRTUAL_HOST')
        throw new Error(`not translated: ${applyTo}`);
  }

  httpFilters(generated: readonly Json[]): Json[] {
    const filters = [...generated];
    for (const { match, patch } of this.#of('HTTP_FILTER')) {
      const name = subFilterOf(match);
      const at = name === undefined ? 0 : filters.findIndex((filter) => filter['name'] === name);
      const expected = name === undefined ? 'INSERT_FIRST' : 'INSERT_BEFORE';
      if (patch.operation !== expected) throw new Error(`not translated: ${patch.operation}`);
      // A patch that matches nothing is left out without a word.
      if (at >= 0) filters.splice(at, 0, patch.value);
    }
    return filters;
  }

  virtualHosts(generated: readonly Json[]): Json[] {
    return generated.map((host) =>
      this.#of('VIRTUAL_HOST').reduce((patched, { match, patch }) => {
        if (patch.operation !== 'MERGE') throw new Error(`not translated: ${patch.operation}`);
        const { routeConfiguration } = only<{
          context: string;
          routeConfiguration: { vhost: { domainName: string } };
        }>(match, ['context', 'routeConfiguration']);
        const { domainName } = routeConfiguration!.vhost;
        return (host['domains'] as string[]).includes(domainName) ? merged(patched, patch.value) : patched;
      }, host),
    );
  }

  #of(applyTo: string): Patch[] {
    return this.#patches.filter((patch) => patch.applyTo === applyTo);
  }
}

/** The filter within the connection manager that a patch names. */
function subFilterOf(match: Json): string | undefined {
  const { listener } = only<{
    context: string;
    listener: { filterChain: { filter: { name: string; subFilter: { name: string } } } };
  }>(match, ['context', 'listener']);
  if (listener === undefined) return undefined;
  const { name, subFilter } = listener.filterChain.filter;
  if (name !== 'envoy.filters.network.http_connection_manager') throw new Error(`not translated: ${name}`);
  return subFilter.name;
}

/** As protocol buffers merge: lists are joined, maps by key, and the later text counts. */
function merged(into: Json, from: Json): Json {
  const result: Record<string, unknown> = { ...into };
  for (const [key, value] of Object.entries(from)) {
    const known = result[key];
    if (Array.isArray(known) && Array.isArray(value))
      result[key] = [...(known as unknown[]), ...(value as unknown[])];
    else if (isObject(known) && isObject(value)) result[key] = merged(known, value);
    else result[key] = value;
  }
  return result;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
