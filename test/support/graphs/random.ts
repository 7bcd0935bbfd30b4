/** Random graphs that keep the rules: what is drawn can be compiled, whatever the numbers. */
import fc from 'fast-check';
import type { CallMode, RawCall, RawClient, RawGraph, RawScope, RawService } from './naive.ts';

const CLAIMS = ['tier', 'region', 'email', 'plan'];
/** Several services have scopes of the same name, as real ones do. */
const SCOPES = ['read', 'write', 'list', 'admin'];
const IGNORED = ['openid', 'profile'];

/** Draws by name what a graph needs; the same choices give the same graph, so that a failure shrinks. */
interface Draw {
  upTo(bound: number): number;
  chance(percent: number): boolean;
  some<Value>(values: readonly Value[]): Value[];
}

function drawing(gen: fc.GeneratorValue): Draw {
  const upTo = (bound: number): number => gen(fc.nat, { max: bound });
  return {
    upTo,
    chance: (percent) => upTo(99) >= 100 - percent,
    some: (values) => values.filter(() => upTo(1) === 1),
  };
}

/**
 * Calls go from a service to later ones only, so that there is no cycle; a call of a forwarded token goes to a leaf
 * that keeps rule 7.
 */
export const randomGraph: fc.Arbitrary<RawGraph> = fc.gen().map((gen) => {
  const draw = drawing(gen);
  const names = Array.from({ length: 2 + draw.upTo(6) }, (_, at) => `s${at}`);
  const scopesOf = new Map(
    names.map((name) => [name, [SCOPES[draw.upTo(3)]!, ...draw.some(SCOPES)].filter(unique)]),
  );
  const services: Record<string, RawService> = {};
  for (const [at, name] of names.entries()) {
    // Rule 9: one mode for each callee of a service.
    const modes = new Map(
      names.slice(at + 1).map((callee) => [callee, draw.chance(60) ? 'embed' : other(draw)] as const),
    );
    const calls = (percent: number): Record<string, RawCall> => {
      const made: Record<string, RawCall> = {};
      for (const [callee, mode] of modes) {
        if (!draw.chance(percent)) continue;
        const all = scopesOf.get(callee)!;
        const scopes = [all[draw.upTo(all.length - 1)]!, ...draw.some(all)].filter(unique);
        made[callee] = { scopes, mode };
      }
      return made;
    };
    const scopes: Record<string, RawScope> = {};
    for (const scope of scopesOf.get(name)!) scopes[scope] = { claims: uses(draw), calls: calls(50) };
    services[name] = { claims: uses(draw), calls: calls(20), scopes, acceptsForward: [] };
  }
  if (draw.chance(60)) addForwards(services, draw);
  const clients: Record<string, RawClient> = { web: client(services, draw), app: client(services, draw) };
  return { ignoreScopes: draw.chance(50) ? IGNORED : [], claims: CLAIMS, clients, services };
});

function other(draw: Draw): CallMode {
  return draw.chance(50) ? 'exchange' : 'none';
}

function uses(draw: Draw): string[] {
  return draw
    .some(CLAIMS)
    .filter(() => draw.chance(50))
    .map((claim) => (draw.chance(30) ? `${claim}!` : claim));
}

/** A service that embeds nothing forwards to a leaf of its own, which may read all that it carries. */
function addForwards(services: Record<string, RawService>, draw: Draw): void {
  for (const [name, service] of Object.entries(services)) {
    const holders = [service, ...Object.values(service.scopes)];
    const leaf = holders.every((holder) => Object.values(holder.calls).every((call) => call.mode === 'none'));
    if (!leaf || draw.chance(30)) continue;
    const callee = `leaf-${name}`;
    const call: RawCall = { scopes: draw.chance(50) ? ['take', 'give'] : ['give'], mode: 'forward' };
    services[callee] = {
      claims: CLAIMS,
      calls: {},
      scopes: { give: { claims: [], calls: {} }, take: { claims: [], calls: {} } },
      acceptsForward: [name],
    };
    const [first] = Object.keys(service.scopes);
    const whole = draw.chance(30) || first === undefined;
    if (whole) services[name] = { ...service, calls: { ...service.calls, [callee]: call } };
    else {
      const rule = service.scopes[first]!;
      const scopes = { ...service.scopes, [first]: { ...rule, calls: { ...rule.calls, [callee]: call } } };
      services[name] = { ...service, scopes };
    }
  }
}

function client(services: Readonly<Record<string, RawService>>, draw: Draw): RawClient {
  const calls: Record<string, RawCall> = {};
  for (const [name, { scopes }] of Object.entries(services)) {
    if (!draw.chance(50)) continue;
    const names = Object.keys(scopes);
    calls[name] = {
      scopes: [names[0]!, ...draw.some(names)].filter(unique),
      mode: draw.chance(15) ? 'none' : 'embed',
    };
  }
  const callable = Object.values(calls).flatMap((call) => (call.mode === 'none' ? [] : call.scopes));
  return { calls, defaultScopes: draw.chance(50) ? draw.some(callable.filter(unique)) : [] };
}

function unique<Value>(value: Value, at: number, all: readonly Value[]): boolean {
  return all.indexOf(value) === at;
}

export interface RandomRequest {
  readonly client: string;
  readonly scopes: readonly string[];
  /** Names of services; one that the graph lacks stands for an unknown audience. */
  readonly resources: readonly string[];
}

/** A graph, and requests to it: some that it grants, some that are wrong in every way. */
export const graphAndRequests: fc.Arbitrary<readonly [RawGraph, readonly RandomRequest[]]> = fc
  .tuple(randomGraph, fc.array(fc.oneof(sound(), wild()), { minLength: 1, maxLength: 8 }))
  .map(([graph, draws]) => [graph, draws.map((draw) => draw(graph))] as const);

/** Scopes of one entry, with its audience or without. */
function sound(): fc.Arbitrary<(graph: RawGraph) => RandomRequest> {
  return fc
    .record({
      client: fc.constantFrom('web', 'app'),
      entry: fc.nat({ max: 7 }),
      mask: fc.nat({ max: 15 }),
      resource: fc.boolean(),
    })
    .map(({ client: name, entry, mask, resource }) => (graph) => {
      const entries = Object.entries(graph.clients[name]!.calls).filter(([, call]) => call.mode !== 'none');
      const [service, call] = entries[entry % Math.max(1, entries.length)] ?? ['nobody', { scopes: [] }];
      const scopes = call.scopes.filter((_, at) => (mask >> at) % 2 === 1);
      return { client: name, scopes: scopes.toReversed(), resources: resource ? [service] : [] };
    });
}

function wild(): fc.Arbitrary<(graph: RawGraph) => RandomRequest> {
  const scope = fc.constantFrom(...SCOPES, ...IGNORED, 'give', 'take', 'nothing', '__proto__', 'toString');
  const resource = fc.constantFrom('s0', 's1', 's2', 'leaf-s2', 'nobody');
  return fc
    .record({
      client: fc.constantFrom('web', 'app'),
      scopes: fc.array(scope, { maxLength: 3 }),
      resources: fc.array(resource, { maxLength: 2 }),
    })
    .map((request) => () => request);
}
