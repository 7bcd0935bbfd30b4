/** Whatever the hint of `claim-outside-zone` offers is done, one thing at a time: it must keep those out whom it names. */
import { expect } from 'chai';
import fc from 'fast-check';
import { parse } from 'yaml';
import { readGraph } from '../../../src/graph/index.ts';
import { checkAccess } from '../../../src/planning/access/check.ts';
import { withFolder } from '../../support/files.ts';
import { inYaml } from '../../support/graphs/naive.ts';
import { randomGraph } from '../../support/graphs/random.ts';

type Calls = Record<string, { scopes?: string[]; mode?: string } | string[]>;

interface Party {
  zone?: string;
  token?: string;
  introspect?: string[];
  calls: Calls;
}

interface Service extends Party {
  claims: string[];
  scopes: Record<string, { claims: string[]; calls: Calls }>;
}

/** A graph as data, to be edited. JSON is YAML. */
interface Graph {
  defaults: Record<string, unknown>;
  zones: Record<string, null>;
  claims: Record<string, { zones?: string[] }>;
  clients: Record<string, Party>;
  services: Record<string, Service>;
}

const ZONES = ['in', 'out'];

const graphs = fc.gen().map((gen): Graph => {
  const graph = parse(inYaml(gen(() => randomGraph))) as Graph;
  const pick = <Value>(...values: Value[]): Value => gen(fc.constantFrom, ...values) as Value;
  const names = Object.keys(graph.services);
  const some = (): string[] => names.filter(() => pick(true, false, false));
  const auth = { method: 'client_secret_basic', secret_env: 'S' };
  graph.clients['edge'] = { auth, calls: {} } as Party;
  graph.zones = { in: null, out: null };
  graph.defaults['caller'] = 'mtls';
  for (const claim of Object.values(graph.claims)) if (pick(true, false)) claim.zones = ['in'];
  for (const client of Object.values(graph.clients)) {
    const zone = pick(...ZONES, undefined);
    if (zone) client.zone = zone;
    client.token = pick('jwt', 'opaque');
    client.introspect = pick([], [], some());
  }
  for (const service of Object.values(graph.services)) {
    service.zone = pick('in', 'in', 'out');
    service.introspect = pick([], [], [], some());
  }
  return graph;
});

/** Who reads what outside its zones: `claim service party`; and the hints, by claim and service. */
function outsiders(graph: Graph) {
  return withFolder({ 'graph.yaml': JSON.stringify(graph) }, (folder) => {
    const { measurable, trees, findings } = readGraph([folder], { now: 0 });
    if (measurable && trees) checkAccess(measurable, trees, findings);
    const read: string[] = [];
    const hints: { claim: string; service: string; hint: string; parties: string[] }[] = [];
    for (const { code, message, hint } of findings.sorted()) {
      if (code !== 'claim-outside-zone') continue;
      const [, claim = '', service = '', list = ''] =
        /^The claim (\S+) is only for .* in the token of (\S+): (.*)\.$/.exec(message) ?? [];
      const parties = list
        .replace(/ and \d+ more$/, '')
        .replaceAll(/ \([^)]*\)/g, '')
        .split(', ');
      read.push(...parties.map((party) => `${claim} ${service} ${party}`));
      hints.push({ claim, service, hint, parties });
    }
    return { read, hints };
  });
}

const listOf = (text: string): string[] => text.split(/, | and /);

type Apply = (graph: Graph, parties: readonly string[], named: readonly string[]) => void;

/** What the hint offers, and what an author would do then. */
const REMEDIES: readonly (readonly [RegExp, Apply])[] = [
  [
    /^put .* into the zone (\S+)$/,
    (graph, parties, [zone]) => {
      for (const name of parties) partyOf(graph, name).zone = zone!;
    },
  ],
  [
    /^give (?:it|them) opaque tokens/,
    (graph, parties) => {
      for (const name of parties) partyOf(graph, name).token = 'opaque';
    },
  ],
  [
    /^call (.*) with `mode: exchange`$/,
    (graph, _, [callees = '']) => {
      for (const { calls } of holdersOf(graph))
        for (const callee of listOf(callees)) {
          const call = calls[callee];
          if (Array.isArray(call)) calls[callee] = { scopes: call, mode: 'exchange' };
        }
    },
  ],
  [
    /^seal the tokens of (.*) \(`seal: true`, with an `encryption`\)$/,
    ({ services }, _, [names = '']) => {
      for (const name of listOf(names))
        Object.assign(services[name]!, { seal: true, encryption: { jwks_file: name } });
    },
  ],
  [
    /^take (.*) out of `introspect`$/,
    (graph, parties, [services = '']) => {
      for (const name of parties) {
        const party = partyOf(graph, name);
        party.introspect = (party.introspect ?? []).filter((each) => !listOf(services).includes(each));
      }
    },
  ],
  [
    /^take (\S+) out of the claims of (.*)$/,
    (graph, _, [claim = '', services = '']) => {
      for (const name of listOf(services)) {
        const service = graph.services[name]!;
        for (const holder of [service, ...Object.values(service.scopes)])
          holder.claims = holder.claims.filter((each) => each.replace('!', '') !== claim);
      }
    },
  ],
  [
    /^add the zone (\S+) to `zones` of (\S+)$/,
    (graph, _, [zone = '', claim = '']) => graph.claims[claim]!.zones!.push(zone),
  ],
  [/^take `zones` from (\S+)$/, (graph, _, [claim = '']) => delete graph.claims[claim]!.zones],
];

function holdersOf({ services }: Graph): { calls: Calls; claims: string[] }[] {
  return Object.values(services).flatMap((service) => [service, ...Object.values(service.scopes)]);
}

function partyOf(graph: Graph, name: string): Party {
  return graph.clients[name] ?? graph.services[name]!;
}

/** The verbs, each with who reads so. */
const REASONS = {
  read: 'audience',
  fetch: 'presenter',
  take: 'forwarded',
  introspect: 'gateway',
  receive: 'client',
  hold: 'above',
};
const SENTENCE = /^(.+?) (read|fetch|take|introspect|receive|hold)(?:s|es)? [^:]*: (.*)$/;

describe('the hint of a claim outside its zones, on random graphs', () => {
  it('offers nothing that does not help', function () {
    this.timeout(300_000);
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(graphs, (graph) => {
        for (const { claim, service, hint, parties: all } of outsiders(graph).hints) {
          const tryOut = (reason: string, way: string, parties: readonly string[]): void => {
            const [pattern, apply] = REMEDIES.find(([each]) => each.test(way)) ?? expect.fail(way);
            const edited = structuredClone(graph);
            apply(edited, parties, pattern.exec(way)!.slice(1));
            const { read } = outsiders(edited);
            for (const party of parties)
              expect(read, `${hint}\n${way}`).to.not.include(`${claim} ${service} ${party}`);
            const kind = `${reason}: ${way.split(' ')[0]}`;
            seen.set(kind, (seen.get(kind) ?? 0) + 1);
          };
          const sentences = hint.slice(0, -1).split('. ');
          for (const way of sentences.pop()!.replace('Otherwise ', '').split(', or '))
            tryOut('any', way, all);
          for (const sentence of sentences) {
            if (sentence.includes(' more ')) continue;
            const [, named = '', verb = '', ways = ''] = SENTENCE.exec(sentence) ?? expect.fail(sentence);
            for (const way of ways.split(', or '))
              tryOut(REASONS[verb as keyof typeof REASONS], way, listOf(named));
          }
        }
      }),
      { numRuns: 100 },
    );
    for (const reason of Object.values(REASONS)) expect(seen.get(`${reason}: put`), reason).to.be.above(2);
    for (const kind of [
      'gateway: take',
      'client: give',
      'above: call',
      'above: give',
      'any: take',
      'any: add',
    ])
      expect(seen.get(kind), kind).to.be.above(2);
  });
});
