/** What no client reaches (rule 10), on random graphs: found once each, with no more causes than there are. */
import { expect } from 'chai';
import fc from 'fast-check';
import { HEAD, allPlaced, client, compileText, inOneLine, placed } from '../support/compile.ts';

const SERVICES = [0, 1, 2, 3, 4];
const SCOPES = [0, 1];
const scope = fc.record({ service: fc.constantFrom(...SERVICES), scope: fc.constantFrom(...SCOPES) });
/** The calls of the client, and those of each scope of each service. */
const graphs = fc.record({
  client: fc.array(scope, { minLength: 1, maxLength: 2 }),
  calls: fc.array(fc.array(scope, { maxLength: 2 }), { minLength: 10, maxLength: 10 }),
});
type Target = { service: number; scope: number };

const callsText = (targets: readonly Target[], mode: string): string =>
  `{ ${SERVICES.flatMap((service) => {
    const scopes = [...new Set(targets.filter((each) => each.service === service).map((each) => each.scope))];
    return scopes.length === 0
      ? []
      : [`s${service}: { scopes: [${scopes.map((name) => `x${name}`).join(', ')}]${mode} }`];
  }).join(', ')} }`;

/** Each service and each scope stands in a line of its own. */
const textOf = (asked: readonly Target[], calls: readonly (readonly Target[])[]): string =>
  `${HEAD}${client(callsText(asked, ''))}services:
${SERVICES.map(
  (service) => `  s${service}:
    auth: { method: client_secret_basic, secret_env: S }
    scopes:
${SCOPES.map((name) => `      x${name}: { calls: ${callsText(calls[2 * service + name]!, ', mode: exchange')} }\n`).join('')}`,
).join('')}`;

/** Slowly, by closure: what no client reaches, as nodes of services and scopes, and what leads to what among these. */
function naive(asked: readonly Target[], calls: readonly (readonly Target[])[]) {
  const nameOf = (each: Target): string => `s${each.service}:x${each.scope}`;
  const callsOf = new Map<string, readonly Target[]>(
    SERVICES.flatMap((service) =>
      SCOPES.map((name) => [nameOf({ service, scope: name }), calls[2 * service + name]!] as const),
    ),
  );
  const reached = new Set(asked.map(nameOf));
  for (const name of reached) for (const each of callsOf.get(name)!) reached.add(nameOf(each));
  const services = new Set([...reached].map((name) => name.slice(0, 2)));
  const nodeOf = (name: string): string => (services.has(name.slice(0, 2)) ? name : name.slice(0, 2));
  const scopes = [...callsOf.keys()].filter((name) => !reached.has(name));
  const nodes = new Set(scopes.map(nodeOf));
  const below = new Map([...nodes].map((node) => [node, new Set([node])]));
  for (let changed = true; changed;) {
    changed = false;
    for (const from of scopes)
      for (const each of callsOf.get(from)!)
        for (const set of below.values())
          if (set.has(nodeOf(from)) && nodes.has(nodeOf(nameOf(each))) && !set.has(nodeOf(nameOf(each)))) {
            set.add(nodeOf(nameOf(each)));
            changed = true;
          }
  }
  const leadTo = (node: string): string[] => [...nodes].filter((other) => below.get(other)!.has(node));
  // Nothing leads to a cause that it does not lead to itself; of a cycle, the first counts.
  const causes = [...nodes].filter((node) => {
    const above = leadTo(node);
    return above.every((other) => below.get(node)!.has(other)) && above[0] === node;
  });
  return { nodes, causes: new Set(causes.map((node) => node.slice(0, 2))) };
}

describe('what no client reaches', () => {
  it('is found once each, in one finding for each service that is the cause', () => {
    fc.assert(
      fc.property(graphs, ({ client: asked, calls }) => {
        const text = textOf(asked, calls);
        const lines = text.split('\n');
        const all = compileText(text).findings;
        const findings = all.filter(({ code }) => code === 'unused-scope' || code === 'unreachable-service');
        const nodeAt = (place: string): string => {
          const line = Number(place.split(':')[1]);
          const service = lines.slice(0, line).findLast((each) => /^ {2}s\d:/.test(each))!;
          const name = lines[line - 1]!.trim().split(':')[0]!;
          return name.startsWith('s') ? name : `${service.trim()}${name}`;
        };
        const { nodes, causes } = naive(asked, calls);
        expect(allPlaced(findings).map(nodeAt), all.map(inOneLine).join('\n')).to.have.members([...nodes]);
        const firsts = findings.map((finding) => nodeAt(placed(finding)).slice(0, 2));
        expect(firsts).to.have.members([...causes]);
      }),
      { numRuns: 150 },
    );
  });
});
