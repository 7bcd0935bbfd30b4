/** What a comparison leaves out, because both graphs declare it alike, would have shown nothing. */
import { expect } from 'chai';
import fc from 'fast-check';
import { compareGraphs } from '../../../src/architect/diff/diff.ts';
import { findUnchanged, type Unchanged } from '../../../src/architect/diff/unchanged.ts';
import type { Plan } from '../../../src/graph/index.ts';
import { compileText, draftOf } from '../../support/compile.ts';
import { randomGraph } from '../../support/graphs/random.ts';
import { edited, edits, yamlOf } from './edited-graphs.ts';
import type { DressedGraph } from './same-authority.ts';

const NOTHING: Unchanged = {
  service: () => false,
  client: () => false,
  entry: () => false,
  request: () => false,
};

/** Lines of one service: each may show in sizes, limits, readers or callers. */
const EXTRAS = [
  'headers: { max_line: 1500 }',
  'headers: { max_line: 900, max_total: 2000 }',
  'audience: https://other.test/with/a/longer/path',
  'identity: spiffe://test/other/workload',
  'introspect: [s0]',
  'introspect: [s1]',
  'accepts: jwt',
  'lineage: full',
  'lineage: caller',
  'owner: somebody',
  'lineage: full',
] as const;

/** For one side: `[service, line]`, and what all of the graph has. */
interface Dress {
  readonly extras: readonly (readonly [service: number, line: number])[];
  readonly settings: readonly string[];
  /** Whether two claims are the subject's. */
  readonly subjects: boolean;
  readonly bound: number;
  readonly renamed: boolean;
}

const extras = fc.array(fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: EXTRAS.length - 1 })), { maxLength: 2 });
const dress: fc.Arbitrary<readonly [Dress, Dress]> = fc
  .record({
    ...{ shared: extras, before: extras, after: extras },
    overflow: fc.boolean(),
    lineage: fc.constantFrom(['caller', 'caller'], ['full', 'full'], ['caller', 'full']),
    subjects: fc.boolean(),
    bounds: fc.constantFrom([20, 20], [20, 20], [20, 21]),
    encodings: fc.constantFrom(['nested', 'nested'], ['packed', 'packed'], ['nested', 'packed']),
    renamed: fc.boolean(),
  })
  .map(({ shared, before, after, overflow, lineage, subjects, bounds, encodings, renamed }) => {
    const side = (own: Dress['extras'], at: 0 | 1): Dress => ({
      extras: [...shared, ...own],
      settings: [
        `encoding: ${encodings[at]}`,
        `lineage: ${lineage[at]}`,
        ...(overflow ? ['overflow: exchange'] : []),
      ],
      subjects,
      bound: bounds[at],
      renamed: renamed && at === 1,
    });
    return [side(before, 0), side(after, 1)];
  });

function planOf(
  dressed: DressedGraph,
  { extras: own, settings, subjects, bound, renamed }: Dress,
): Plan | undefined {
  const lines = new Map<string, string>();
  for (const [service, line] of own) {
    const text = EXTRAS[line]!;
    lines.set(`s${service} ${text.split(':')[0]}`, `    ${text}`);
  }
  const text = yamlOf(dressed)
    .replace('issuer: { ', `issuer: { ${settings.join(', ')}, `)
    .replaceAll('max_bytes: 20', `max_bytes: ${bound}`)
    .replace(/^ {2}(s\d):$/gm, (line, name: string) =>
      [line, ...[...lines].flatMap(([key, extra]) => (key.startsWith(`${name} `) ? [extra] : []))].join('\n'),
    );
  const named = renamed ? text.replaceAll(/\bread\b/g, 'view') : text;
  return compileText(subjects ? withSubjects(named) : named).draft;
}

function withSubjects(text: string): string {
  return text
    .replace(/^ {2}(tier|email): .*(\d\d) }$/gm, '  $1: { from: subject, max_bytes: $2 }')
    .replaceAll(/, (?:tier|email): of \w+|(?<=\{ )(?:tier|email): of \w+, /g, '')
    .replace('claims:', "subjects: { login: { issuer: 'https://login.test', audience: app } }\nclaims:")
    .replace(/^ {2}(web|app):$/gm, '  $1:\n    subjects: [login]\n    grants: [token_exchange]');
}

describe('a comparison that leaves out what both graphs declare alike', () => {
  it('finds the same as one that compares everything', function () {
    this.timeout(300_000);
    const seen = { unchanged: 0, requests: 0, readers: 0, callers: 0 };
    fc.assert(
      fc.property(randomGraph, edits, dress, (graph, changes, [was, is]) => {
        const before: DressedGraph = { graph, lifetimes: {}, checking: [], opaque: [] };
        const after = changes.slice(1).reduce(edited, before);
        const [older, newer] = [planOf(before, was), planOf(after, is)];
        fc.pre(older !== undefined && newer !== undefined);
        const quick = compareGraphs(older, newer, (one, other) => {
          const unchanged = findUnchanged(one, other);
          for (const name of newer.services.keys()) if (unchanged.service(name)) seen.unchanged++;
          return unchanged;
        });
        const whole = compareGraphs(older, newer, () => NOTHING);
        expect(quick).to.deep.equal(whole);
        seen.requests += quick.effects.requests.length;
        seen.readers += quick.effects.readers.length;
        seen.callers += quick.effects.callers.length;
      }),
      { numRuns: 300 },
    );
    for (const [what, count] of Object.entries(seen)) expect(count, what).to.be.above(50);
  });
});

/** Each calls the next: what changes at the end shows far above. */
const chain = `waybill: 1
name: chain
issuer: { url: 'https://tokens.test' }
subjects: { login: { issuer: 'https://login.test', audience: app } }
claims: { email: { from: subject, max_bytes: 40 }, region: { value: eu } }
defaults: { headers: { profile: envoy } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    grants: [token_exchange]
    subjects: [login]
    calls: { front: [read] }
services:
  front: { auth: { method: client_secret_basic, secret_env: A }, scopes: { read: { calls: { desk: { scopes: [read], mode: exchange } } } } }
  desk: { scopes: { read: { calls: { hall: [read] } } } }
  hall: { auth: { method: client_secret_basic, secret_env: B }, scopes: { read: { calls: { stock: [read] } } } }
  stock: { scopes: { read: { claims: [region], calls: { vault: [read] } } } }
  vault: { scopes: { read: { claims: [region] } } }
`;

describe('what changes far below', () => {
  const cases: readonly (readonly [what: string, from: string, to: string, shown: 'requests' | 'readers'])[] =
    [
      [
        'a claim that is kept for later',
        'vault: { scopes: { read: { claims: [region',
        'vault: { scopes: { read: { claims: [email, region',
        'requests',
      ],
      [
        'a reader who fetches a token far above',
        'stock: [read]',
        'stock: { scopes: [read], mode: exchange }',
        'readers',
      ],
    ];
  for (const [what, from, to, shown] of cases) {
    it(`is found in full: ${what}`, () => {
      expect(chain).to.include(from);
      const [older, newer] = [draftOf(chain), draftOf(chain.replace(from, to))];
      const quick = compareGraphs(older, newer, findUnchanged);
      expect(quick).to.deep.equal(compareGraphs(older, newer, () => NOTHING));
      expect(quick.effects[shown]).to.not.be.empty;
    });
  }
});
