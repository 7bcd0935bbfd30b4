import { expect } from 'chai';
import type { Finding } from '../../../src/graph/index.ts';
import { planRequest } from '../../../src/planning/index.ts';
import { HEAD, client, compileText, draftOf, inOneLine } from '../../support/compile.ts';

/** The limit of one server is a hole in the text, so that a case can be tried at every size. */
type Graph = (limit: number) => string;

const told = /can have ([\d,]+) bytes/;

/** The most that findings about budgets say a token can have. */
function bytesOf(graph: Graph): number {
  const sizes = compileText(graph(25)).findings.flatMap(({ code, message }) =>
    code === 'budget-exceeded' ? [Number((told.exec(message)?.[1] ?? '').replaceAll(',', ''))] : [],
  );
  return Math.max(...sizes);
}

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';
const line = (limit: number): string => `headers: { max_line: ${limit} }`;

const graphs: Readonly<Record<string, Graph>> = {
  'a root': (limit) => `${HEAD}${client('{ a: [s] }')}services:\n  a: { ${line(limit)}, scopes: { s: } }\n`,
  'all default scopes together': (limit) =>
    `${HEAD}${client('{ a: [s, t] }', 'default_scopes: [s, t]')}services:\n  a: { ${line(limit)}, scopes: { s: , t: } }\n`,
  'an embedded token': (limit) => `${HEAD}${client('{ a: [s] }')}services:
  a: { scopes: { s: { calls: { b: [r] } } } }
  b: { ${line(limit)}, scopes: { r: } }
`,
  'a fetched token': (limit) => `${HEAD}${client('{ a: [s] }')}services:
  a: { ${AUTH}, scopes: { s: { calls: { b: { scopes: [r], mode: exchange } } } } }
  b: { ${line(limit)}, scopes: { r: } }
`,
  'a token that a fetched one embeds': (limit) => `${HEAD}${client('{ a: [s] }')}services:
  a: { ${AUTH}, scopes: { s: { calls: { b: { scopes: [r], mode: exchange } } } } }
  b: { scopes: { r: { calls: { c: [q] } } } }
  c: { ${line(limit)}, scopes: { q: } }
`,
  'a forwarded token': (limit) => `${HEAD}${client('{ a: [s] }')}services:
  a: { scopes: { s: { calls: { b: { scopes: [r], mode: forward } } } } }
  b: { ${line(limit)}, accepts_forward: [a], caller: none, scopes: { r: } }
`,
  'a forwarded token inside a fetched tree': (limit) => `${HEAD}${client('{ a: [s] }')}services:
  a: { ${AUTH}, scopes: { s: { calls: { b: { scopes: [r], mode: exchange } } } } }
  b: { scopes: { r: { calls: { c: { scopes: [q], mode: forward } } } } }
  c: { ${line(limit)}, accepts_forward: [b], caller: none, scopes: { q: } }
`,
  'a call with a gateway of its own': (limit) => `${HEAD}${client('{ a: [s] }')}services:
  a: { ${AUTH}, scopes: { s: { calls: { b: { scopes: [r], mode: exchange, via: [{ max_line: ${limit} }] } } } } }
  b: { scopes: { r: } }
`,
  'the longest of several clients': (limit) => `${HEAD}clients:
  a-client-with-a-long-name: { ${AUTH}, calls: { a: [s] } }
  web: { ${AUTH}, calls: { a: [s] } }
services:
  a: { ${line(limit)}, scopes: { s: } }
`,
  'the longest of several presenters': (
    limit,
  ) => `${HEAD}${client('{ a: [s], a-service-with-a-long-name: [s] }')}services:
  a: { scopes: { s: { calls: { b: [r] } } } }
  a-service-with-a-long-name: { scopes: { s: { calls: { b: [r] } } } }
  b: { ${line(limit)}, scopes: { r: } }
`,
  'claims at their bounds': (limit) => `${HEAD}claims: { tier: { from: client, max_bytes: 500 } }
${client('{ a: [s] }', 'claims: { tier: x }')}services:
  a: { ${line(limit)}, claims: [tier], scopes: { s: } }
`,
};

describe('a budget', () => {
  for (const [title, graph] of Object.entries(graphs)) {
    it(`is exact to the byte for ${title}`, () => {
      const bytes = bytesOf(graph);
      expect(bytes).to.be.above(250);
      const fitting = bytes + 'Authorization: Bearer \r\n'.length;
      const largest = (limit: number): string[] => compileText(graph(limit)).findings.map(inOneLine);
      expect(largest(fitting)).to.deep.equal([]);
      expect(largest(fitting - 1).join()).to.contain(`${bytes.toLocaleString('en')} bytes`);
    });
  }

  it('counts the longer ids of a fetched tree', () => {
    const embedded = bytesOf(graphs['an embedded token']!);
    const fetched = bytesOf(graphs['a fetched token']!);
    // A dot and 11 characters more, which base64url makes 16.
    expect(fetched - embedded).to.equal(16);
  });

  it('is what a plan of the same request shows, and no token is refused that fits', () => {
    // Twelve tokens, so that numbers of one and of two digits stand in one tree.
    const services = Array.from(
      { length: 11 },
      (_, at) => `  s${at}: { claims: [tier], scopes: { r: } }\n`,
    ).join('');
    const calls = Array.from({ length: 11 }, (_, at) => `s${at}: [r]`).join(', ');
    const graph = (limit: number): string => `${HEAD}claims: { tier: { from: client, max_bytes: 40 } }
${client('{ a: [s, t] }', 'claims: { tier: gold }')}services:
  a: { headers: { max_line: ${limit} }, scopes: { s: { calls: { ${calls} } }, t: { calls: { s1: [r] } } } }
${services}`;
    const findings = compileText(graph(25)).findings.filter(({ code }) => code === 'budget-exceeded');
    const bytes = ['s', 't'].map(
      (scope) =>
        planRequest(draftOf(graph(25)), 'web', { scopes: [scope], resources: [] }).root.bytes?.nested ?? 0,
    );
    const [largest = 0, other = 0] = bytes;
    expect(findings.map(({ message }) => told.exec(message)?.[1])).to.deep.equal([
      largest.toLocaleString('en'),
    ]);
    expect(findings[0]?.message).to.contain(`web → a with t (${other.toLocaleString('en')})`);
    const fitting = 'Authorization: Bearer '.length + largest;
    const codes = (limit: number): string[] => compileText(graph(limit)).findings.map(({ code }) => code);
    const exact = [...Array(64).keys()]
      .map((more) => fitting + more)
      .find((limit) => !codes(limit).includes('budget-exceeded'));
    const plan = draftOf(graph(exact ?? 0));
    expect(planRequest(plan, 'web', { scopes: ['s'], resources: [] }).root.budget?.limit).to.equal(largest);
  });

  it('names only the clients whose tokens do not fit', () => {
    const graph = graphs['the longest of several clients']!;
    const { findings } = compileText(graph(bytesOf(graph) + 23));
    expect(findings.map(({ message }) => message)).to.have.lengthOf(1);
    expect(findings[0]?.message).to.contain('a-client-with-a-long-name → a');
  });

  it('is a warning if only a request for all scopes of an entry fetches a token that does not fit', () => {
    const graph = (limit: number): string => `${HEAD}${client('{ a: [s, t] }')}services:
  a:
    ${AUTH}
    scopes:
      s: { calls: { b: { scopes: [r], mode: exchange } } }
      t: { calls: { b: { scopes: [q-with-a-long-name], mode: exchange } } }
  b: { ${line(limit)}, scopes: { r: , q-with-a-long-name: } }
`;
    const alone = compileText(graph(25)).findings.flatMap(({ code, message }) =>
      code === 'budget-exceeded' ? [Number(told.exec(message)?.[1])] : [],
    );
    expect(alone).to.have.lengthOf(1); // one limit, and the larger of two tokens
    const { plan, findings } = compileText(graph(Math.max(...alone) + 24));
    expect(findings.map(({ code }) => code)).to.deep.equal(['budget-exceeded-together']);
    expect(plan).to.not.equal(undefined);
  });
});

describe('a budget of trees that travel packed', () => {
  const THREE = '{ calls: { b: [r], c: [r] } }';
  const graph = (limit: number, { more = '', b = '{ scopes: { r: } }' } = {}): string =>
    `${HEAD.replace("8080'", `8080', encoding: packed ${more}`)}${client('{ a: [s] }')}services:
  a: { ${AUTH}, ${line(limit)}, scopes: { s: ${THREE} } }
  b: ${b}
  c: { scopes: { r: } }
`;
  const sizesOf = (text: string): Finding[] =>
    compileText(text).findings.filter(({ code }) => code === 'budget-exceeded');
  const bytesIn = (findings: readonly Finding[]): number =>
    Number((told.exec(findings[0]?.message ?? '')?.[1] ?? '').replaceAll(',', ''));

  it('is exact to the byte, and smaller than for the nested tree', () => {
    const [finding, ...more] = sizesOf(graph(25));
    expect(more).to.deep.equal([]);
    expect(finding?.message).to.match(/^The token for web → a with s can have \d+ bytes packed; 1 fit/);
    const bytes = bytesIn([finding!]);
    expect(bytes).to.be.within(3 * 86, 700);
    expect(sizesOf(graph(bytes + 24))).to.deep.equal([]);
    expect(sizesOf(graph(bytes + 23))).to.have.lengthOf(1);
    expect(bytesIn(sizesOf(graph(25).replace('encoding: packed', '')))).to.be.above(bytes * 2);
  });

  it('counts nested tokens for a service that accepts only JWTs, and for those below it', () => {
    const stock = `{ accepts: jwt, ${line(450)}, scopes: { r: { calls: { d: [r] } } } }`;
    const below = (d: string): Finding[] =>
      sizesOf(`${graph(900, { b: stock })}  d: ${d}\n  e: { scopes: { r: } }\n`);
    const leaf = '{ scopes: { r: { calls: { e: [r] } } } }';
    const messages = below(leaf).map(({ message }) => message);
    expect(messages).to.have.lengthOf(1);
    expect(messages[0]).to.match(/a → b can have [\d,]+ bytes nested; 426 fit/);
    const tight = below(leaf.replace('{ ', `{ ${line(450)}, `)).map(({ message }) => message);
    expect(tight.join()).to.match(/b → d can have [\d,]+ bytes nested; 426 fit/);
    expect(sizesOf(graph(900, { b: `{ accepts: jwt, ${line(450)}, scopes: { r: } }` }))).to.deep.equal([]);
  });

  it('counts a nested tree for exchanges of a nested token', () => {
    const fetched = (accepts: string): Finding[] =>
      sizesOf(`${HEAD.replace("8080'", "8080', encoding: packed")}${client('{ a: [s] }')}services:
  a: { ${AUTH}, accepts: ${accepts}, scopes: { s: { calls: { c: [r], b: { scopes: [r], mode: exchange } } } } }
  b: { ${line(900)}, scopes: { r: { calls: { c: [r], d: [r] } } } }
  c: { scopes: { r: } }
  d: { scopes: { r: } }
`);
    expect(fetched('any')).to.deep.equal([]);
    expect(fetched('jwt')[0]?.message).to.match(/a → b with r can have [\d,]+ bytes nested; 876 fit/);
  });

  it('limits the nested form by limits.nested too', () => {
    const [finding] = sizesOf(graph(9_000, { more: ', limits: { nested: 600 }' }));
    expect(finding?.message).to.match(/can have [\d,]+ bytes nested; 600 fit \(issuer.limits.nested\)/);
  });

  it('is no error if calls can become exchanges', () => {
    const callees = ['b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const wide = (limit: number, overflow: string): string => `${HEAD.replace(
      "8080'",
      `8080', encoding: packed, overflow: ${overflow}`,
    )}${client('{ a: [s] }')}services:
  a: { ${AUTH}, ${line(limit)}, scopes: { s: { calls: { ${callees.map((name) => `${name}: [r]`).join(', ')} } } } }
${callees.map((name) => `  ${name}: { scopes: { r: } }`).join('\n')}
`;
    const bytes = bytesIn(sizesOf(wide(25, 'exchange')));
    expect(sizesOf(wide(bytes - 100, 'reject'))).to.have.lengthOf(1);
    expect(sizesOf(wide(bytes - 100, 'exchange'))).to.deep.equal([]);
  });
});
