import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { modules } from '../../../scripts/check/modules-table.ts';

/** Files that most modules use, and modules that the picture leaves out. */
const leftOut = /\.ts$|^input$|^testing$/;

type Edges = ReadonlyMap<string, ReadonlySet<string>>;

const top = (module: string): string => module.split('/')[0] ?? module;

function edgesOf(pairs: Iterable<readonly [from: string, to: string]>): Edges {
  const edges = new Map<string, Set<string>>();
  for (const [from, to] of pairs)
    if (from !== to) edges.set(from, (edges.get(from) ?? new Set<string>()).add(to));
  return edges;
}

/** Everything that can be reached, as `from -> to`. */
function reachable(edges: Edges): string[] {
  return [...edges.keys()]
    .flatMap((from) => {
      const seen = new Set<string>();
      const waiting = [...(edges.get(from) ?? [])];
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        if (seen.has(next)) continue;
        seen.add(next);
        waiting.push(...(edges.get(next) ?? []));
      }
      return [...seen].map((to) => `${from} -> ${to}`);
    })
    .sort();
}

describe('ARCHITECTURE.md', () => {
  const page = readFileSync(new URL('../../../ARCHITECTURE.md', import.meta.url), 'utf8');
  const [, picture = ''] = /```mermaid\n(.*?)```/s.exec(page) ?? [];
  const names = new Map(
    [...picture.matchAll(/^ {2}(\w+)\["([\w-]+)/gm)].map(([, id = '', name = '']) => [id, name]),
  );

  it('has the modules of the table', () => {
    const tops = [...new Set(Object.keys(modules).map(top))].filter((name) => !leftOut.test(name));
    expect([...names.values()].sort()).to.deep.equal(tops.sort());
  });

  it('has an arrow from a module to each module that it may use, itself or by another', () => {
    const drawn = [...picture.matchAll(/^ {2}(\w+) --> (\w+)$/gm)].map(
      ([, from = '', to = '']) => [names.get(from) ?? from, names.get(to) ?? to] as const,
    );
    const allowed = Object.entries(modules).flatMap(([from, { any, types = [] }]) =>
      [...any, ...types].map((to) => [top(from), top(to)] as const),
    );
    const shown = allowed.filter((pair) => !pair.some((name) => leftOut.test(name)));
    expect(reachable(edgesOf(drawn))).to.deep.equal(reachable(edgesOf(shown)));
  });
});
