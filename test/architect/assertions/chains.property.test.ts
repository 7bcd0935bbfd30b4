/**
 * `never`, `only` and `reads` against a search that unfolds every request of every client, token by token. Without conditions
 * the verdicts are equal: none passes for a request that someone can make, and none fails for one that nobody can.
 */
import { expect } from 'chai';
import fc from 'fast-check';

import { judgeChains } from '../../../src/architect/assertions/chains.ts';
import { judgeReaders } from '../../../src/architect/assertions/claim-readers.ts';
import type { Plan } from '../../../src/graph/index.ts';
import { naiveHolders } from '../../planning/access/naive-access.ts';
import { compileText, inOneLine } from '../../support/compile.ts';
import { inYaml, naiveToken, type NaiveToken, type RawGraph } from '../../support/graphs/naive.ts';
import { randomGraph } from '../../support/graphs/random.ts';

const seed = Date.now() % 2 ** 31;

interface Request {
  readonly client: string;
  readonly service: string;
  readonly scopes: readonly string[];
}

/** Every set of scopes of every entry. */
function everyRequest({ clients }: RawGraph): Request[] {
  return Object.entries(clients).flatMap(([client, { calls }]) =>
    Object.entries(calls).flatMap(([service, { scopes, mode }]) =>
      mode === 'none'
        ? []
        : subsets(scopes)
            .filter((set) => set.length > 0)
            .map((set) => ({ client, service, scopes: set })),
    ),
  );
}

function subsets(names: readonly string[]): string[][] {
  return Array.from({ length: 2 ** names.length }, (_, mask) =>
    names.filter((_name, at) => (mask >> at) % 2),
  );
}

/** Who called on the way to a token with a scope. */
interface Chain {
  readonly target: string;
  readonly callers: readonly string[];
  /** It forwards its own token, and so is in no chain itself. */
  readonly forwarder?: string;
}

function chainsOf(graph: RawGraph): Chain[] {
  const found: Chain[] = [];
  const visit = (token: NaiveToken, callers: readonly string[]): void => {
    const { service, scope, embedded, onDemand } = token;
    const rules = graph.services[service]!;
    const own = scope.split(' ').filter((name) => Object.hasOwn(rules.scopes, name));
    for (const name of own) found.push({ target: `${service}:${name}`, callers });
    const holders = [rules, ...own.map((name) => rules.scopes[name]!)];
    for (const [callee, call] of holders.flatMap(({ calls }) => Object.entries(calls)))
      if (call.mode === 'forward')
        for (const name of call.scopes)
          found.push({ target: `${callee}:${name}`, callers, forwarder: service });
    for (const [, child] of embedded) visit(child, [...callers, service]);
    for (const [callee] of onDemand) {
      const wanted = holders.flatMap(({ calls }) => calls[callee]?.scopes ?? []);
      visit(naiveToken(graph, callee, wanted, service), [...callers, service]);
    }
  };
  for (const { client, service, scopes } of everyRequest(graph))
    visit(naiveToken(graph, service, scopes), [client]);
  return found;
}

function planOf(graph: RawGraph): Plan {
  const { draft, findings } = compileText(inYaml(graph));
  if (!draft) throw new Error(findings.map(inOneLine).join('\n'));
  return draft;
}

const some = fc.nat({ max: 2 ** 16 - 1 });
const chosen = (names: readonly string[], mask: number): Set<string> =>
  new Set(names.filter((_, at) => (mask >> at) % 2 === 1));

describe(`assertions about all requests (seed ${seed})`, () => {
  it('never and only hold of the chains that unfolding every request gives', function () {
    this.timeout(300_000);
    const seen = { failing: 0, holding: 0, forwarded: 0, unreached: 0 };
    fc.assert(
      fc.property(randomGraph, some, (graph, mask) => {
        const plan = planOf(graph);
        const names = chosen([...plan.clients.keys(), ...plan.services.keys()], mask);
        const chains = chainsOf(graph);
        for (const service of plan.services.values()) {
          for (const scope of service.scopes.values()) {
            const ways = chains.filter(({ target }) => target === `${service.name}:${scope.name}`);
            const place = { source: service.source, offset: 0 };
            const verdict = (form: 'never' | 'only', mayBeEmpty: boolean): string[] =>
              judgeChains(
                plan,
                { form, from: { names, empty: [] }, to: [{ ...place, service, scope }] },
                mayBeEmpty,
              ).map(({ message }) => message);
            const forbidden = ways.filter(({ callers, forwarder = '' }) =>
              [...callers, forwarder].some((name) => names.has(name)),
            );
            const past = ways.filter(({ callers }) => !callers.some((name) => names.has(name)));
            for (const [form, against] of [
              ['never', forbidden],
              ['only', past],
            ] as const) {
              const messages = verdict(form, true);
              expect(messages.length, `${form} ${service.name}:${scope.name}`).to.equal(
                against.length > 0 ? 1 : 0,
              );
              seen[against.length > 0 ? 'failing' : 'holding']++;
              if (against.some(({ forwarder }) => forwarder)) seen.forwarded++;
              const shown = against.map(({ target, callers, forwarder }) =>
                [...callers, ...(forwarder === undefined ? [] : [forwarder]), target].join(' → '),
              );
              const steps = Math.min(...shown.map((text) => text.split(' → ').length));
              for (const message of messages) {
                const [, chain = ''] = /: (.*)\.$/.exec(message) ?? [];
                expect(shown).to.include(chain);
                expect(chain.split(' → ')).to.have.lengthOf(steps);
              }
              if (ways.length > 0) continue;
              seen.unreached++;
              expect(verdict(form, false)).to.deep.equal([
                `no client reaches ${service.name}:${scope.name}, so there is nothing to judge.`,
              ]);
            }
          }
        }
      }),
      { seed, numRuns: 150 },
    );
    for (const [what, count] of Object.entries(seen)) expect(count, what).to.be.above(20);
  });

  it('reads holds of the parties that read the claim in some token of the unfolded trees', function () {
    this.timeout(300_000);
    const seen = { failing: 0, holding: 0, uncarried: 0 };
    fc.assert(
      fc.property(randomGraph, some, (graph, mask) => {
        const plan = planOf(graph);
        const names = chosen([...plan.clients.keys(), ...plan.services.keys()], mask);
        const readers = new Map<string, Set<string>>(graph.claims.map((claim) => [claim, new Set()]));
        const reads = new Set<string>();
        for (const request of everyRequest(graph)) {
          for (const [key, holders] of naiveHolders(graph, request, [request.client])) {
            const [presenter, mode, service = '', ...scopes] = key.split(' ');
            if (mode === 'forward') continue; // the forwarder's own token
            for (const claim of naiveToken(graph, service, scopes).claims.map((name) =>
              name.replace('!', ''),
            ))
              for (const reader of holders.readers) {
                readers.get(claim)!.add(reader);
                reads.add(
                  `${reader} can read ${claim} in the token of ${service} from ${presenter || request.client}`,
                );
              }
          }
        }
        for (const [claim, all] of readers) {
          const [service] = plan.services.values();
          const at = { source: service!.source, offset: 0, value: claim };
          const verdict = (mayBeEmpty: boolean): string[] =>
            judgeReaders(plan, { form: 'reads', claim: at, only: { names, empty: [] } }, mayBeEmpty).map(
              ({ message }) => message,
            );
          const told = verdict(true).flatMap((message) => {
            const [, rest] = /^these can read \S+ too: (.*)\.$/.exec(message) ?? [];
            if (rest !== undefined) return rest.split(' ');
            const [, what, presenter, service] = /^(.*): (?:\S+ → )*?(\S+) → (\S+)\.$/.exec(message) ?? [];
            expect(what).to.match(new RegExp(` in the token of ${service}$`));
            expect([...reads]).to.include(`${what} from ${presenter}`);
            return message.split(' ', 1);
          });
          expect(told, claim).to.have.members([...all].filter((name) => !names.has(name)));
          seen[told.length > 0 ? 'failing' : 'holding']++;
          if (all.size > 0) continue;
          seen.uncarried++;
          expect(verdict(false)).to.deep.equal([
            `no token carries the claim ${claim}, so there is nothing to judge.`,
          ]);
        }
      }),
      { seed, numRuns: 150 },
    );
    for (const [what, count] of Object.entries(seen)) expect(count, what).to.be.above(10);
  });
});
