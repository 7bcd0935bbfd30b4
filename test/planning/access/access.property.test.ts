import { expect } from 'chai';
import fc from 'fast-check';
import { analyzeAccess } from '../../../src/planning/index.ts';
import { readGraph, type Finding } from '../../../src/graph/index.ts';
import { checkAccess } from '../../../src/planning/access/check.ts';
import { audienceOf, inYaml, type RawGraph } from '../../support/graphs/naive.ts';
import { randomGraph } from '../../support/graphs/random.ts';
import { compileText, inOneLine } from '../../support/compile.ts';
import { withFolder } from '../../support/files.ts';
import { naiveHolders, type NaiveTable } from './naive-access.ts';

interface Edge {
  readonly isOpaque: boolean;
  /** Before which services a gateway swaps. */
  readonly swaps: readonly string[];
}

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

function yamlOf(graph: RawGraph, { isOpaque, swaps }: Edge): string {
  return inYaml(graph)
    .replace('clients:\n', `clients:\n  edge: { ${AUTH}, introspect: [${swaps.join(', ')}], calls: {} }\n`)
    .replace(`  web:\n    ${AUTH}\n`, (head) => `${head}    token: ${isOpaque ? 'opaque' : 'jwt'}\n`);
}

const rootHolders = (client: string, service: string, { isOpaque, swaps }: Edge): string[] => [
  ...(client === 'web' && isOpaque ? [] : [client]),
  ...(swaps.includes(service) ? ['edge'] : []),
];

const cases = fc.tuple(randomGraph, fc.boolean(), fc.nat({ max: 255 })).map(([graph, isOpaque, mask]) => {
  const swaps = Object.keys(graph.services).filter((_, at) => (mask >> at) % 2 === 1);
  return [graph, { isOpaque, swaps }] as const;
});

/** Of the tokens: who reads each, and who can spend it, which in these graphs is everyone who has it. */
function told(holders: ReturnType<typeof analyzeAccess>): Record<string, [string[], string[]]> {
  return Object.fromEntries(
    holders.tokens.map(({ presenter, mode, service, scope, readers, spenders }) => [
      [presenter ?? '', mode, service, ...scope].join(' '),
      [readers.map(({ party }) => party).sort(), spenders.map(({ party }) => party).sort()],
    ]),
  );
}

function expected(table: NaiveTable, client: string): Record<string, [string[], string[]]> {
  return Object.fromEntries(
    [...table].map(([key, { readers, carriers }]) => [
      key,
      // The client presents its root, be it as a reference.
      [[...readers].sort(), [...(key.startsWith(' ') ? new Set([...carriers, client]) : carriers)].sort()],
    ]),
  );
}

describe('disclosure: nested children show to everyone above (threat 16)', () => {
  it('is reported for each token of a request as in the unfolded tree', function () {
    this.timeout(300_000);
    const seen = { tokens: 0, above: 0, exchanged: 0, forwarded: 0, gateways: 0, opaque: 0 };
    fc.assert(
      fc.property(cases, ([graph, edge]) => {
        const { draft, findings } = compileText(yamlOf(graph, edge));
        if (!draft) throw new Error(findings.map(inOneLine).join('\n'));
        for (const [client, { calls }] of Object.entries(graph.clients)) {
          for (const [service, { scopes, mode }] of Object.entries(calls)) {
            const asked = scopes.filter((scope) => !graph.ignoreScopes.includes(scope));
            if (mode === 'none' || asked.length === 0) continue;
            const holders = analyzeAccess(draft, client, { scopes: asked, resources: [audienceOf(service)] });
            const naive = naiveHolders(graph, { service, scopes: asked }, rootHolders(client, service, edge));
            expect(told(holders)).to.deep.equal(expected(naive, client));
            const whys = holders.tokens.flatMap((token) => token.readers.flatMap(({ why }) => why));
            seen.tokens += holders.tokens.length;
            seen.above += whys.filter((why) => why === 'above').length;
            seen.gateways += whys.filter((why) => why === 'introspects').length;
            seen.opaque += client === 'web' && edge.isOpaque ? 1 : 0;
            seen.exchanged += holders.tokens.filter(({ mode: how }) => how === 'exchange').length;
            seen.forwarded += holders.tokens.filter(({ mode: how }) => how === 'forward').length;
          }
        }
      }),
      { numRuns: 100 },
    );
    // What was drawn must have had something of everything, or the comparison says little.
    for (const [what, count] of Object.entries(seen)) expect(count, what).to.be.above(20);
  });

  it('is found once for each service whose tokens others could present, with the right number of names', function () {
    this.timeout(300_000);
    let seen = 0;
    fc.assert(
      fc.property(cases, ([graph, edge]) => {
        const findings = accessFindings(yamlOf(graph, edge));
        const spendable = new Map<string, Set<string>>();
        for (const [client, { calls }] of Object.entries(graph.clients)) {
          for (const [service, { scopes, mode }] of Object.entries(calls)) {
            if (mode === 'none') continue;
            naiveHolders(
              graph,
              { service, scopes },
              rootHolders(client, service, edge),
              (callee, holders) => {
                const known = spendable.get(callee) ?? new Set();
                for (const holder of holders) spendable.set(callee, known.add(holder));
              },
            );
          }
        }
        const found = findings.filter(({ code }) => code === 'spendable-by-others').map(namesOf);
        const counts = [...spendable].map(([service, holders]) => [service, holders.size]);
        expect(found.map(({ service, count }) => [service, count])).to.have.deep.members(counts);
        for (const { service, names } of found)
          for (const name of names)
            expect(spendable.get(service)?.has(name), `${name} at ${service}`).to.equal(true);
        seen += found.length;
      }),
      { numRuns: 100 },
    );
    expect(seen).to.be.above(50);
  });
});

/** What is found of each service, before one cause becomes one finding. */
function accessFindings(text: string): readonly Pick<Finding, 'code' | 'message'>[] {
  return withFolder({ 'graph.yaml': text }, (folder) => {
    const { measurable, trees, findings } = readGraph([folder], { now: 0 });
    if (measurable && trees) checkAccess(measurable, trees, findings);
    return findings.sorted();
  });
}

function namesOf({ message }: Pick<Finding, 'message'>): { service: string; names: string[]; count: number } {
  const [, service = '', list = ''] = /^(\S+) does not check .* theirs: (.*)\.$/.exec(message) ?? [];
  const [, shown = list, more = '0'] = /^(.*) and (\d+) more$/.exec(list) ?? [];
  const names = shown.split(', ').map((name) => name.replace(/ \(.*\)$/, ''));
  return { service, names, count: names.length + Number(more) };
}
