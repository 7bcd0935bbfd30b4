import { expect } from 'chai';
import { analyzeTreeAccess, pathsToClaim, pathsToScope } from '../../../src/planning/access/index.ts';
import { Walk, withBranches, type TokenBody } from '../../../src/graph/index.ts';
import { HEAD, client, planOf } from '../../support/compile.ts';

const plan = planOf(`${HEAD}claims: { note: { value: x } }
${client('{ a: [s] }')}services:
  a: { scopes: { s: { calls: { b: [r] } } } }
  b: { scopes: { r: { calls: { c: [q] } } } }
  c: { caller: none, claims: [note], scopes: { q: } }
`);
const a = plan.services.get('a')!;
const web = plan.clients.get('web')!;
const root = new Walk().shape(a, [...a.scopes.values()]).body;

/** The same tree with the call of this service sealed. */
function sealed(body: TokenBody, caller: string): TokenBody {
  const branches = body.branches.map((branch) => ({
    ...branch,
    seal: body.service.name === caller,
    shape: branch.shape && { ...presented(branch.shape.body, caller), actor: branch.shape.actor },
  }));
  return withBranches({ ...presented(body), actor: undefined }, branches).body;
}

function presented(body: TokenBody, caller?: string) {
  const inner = caller === undefined ? body : sealed(body, caller);
  return { ...inner, body: inner };
}

function readersOf(body: TokenBody): Record<string, string[]> {
  const { tokens } = analyzeTreeAccess(plan, web, body, () => undefined);
  return Object.fromEntries(
    tokens.map(({ service, readers }) => [service, readers.map(({ party }) => party)]),
  );
}

describe('access analysis of a tree', () => {
  it('says why a party reads a token: audience, presenter, above, client', () => {
    const { tokens, claims } = analyzeTreeAccess(plan, web, root, () => undefined);
    expect(tokens.find(({ service }) => service === 'c')?.readers).to.deep.equal([
      { party: 'web', why: ['client'] },
      { party: 'a', why: ['above'] },
      { party: 'b', why: ['presenter'] },
      { party: 'c', why: ['audience'] },
    ]);
    expect(claims).to.deep.equal([
      {
        claim: 'note',
        zones: null,
        readers: ['web', 'a', 'b', 'c'].map((party) => ({ party, in: ['c'], allowed: true })),
      },
    ]);
  });

  it('lists who could present a token: its presenter, and every holder if the service does not check its callers', () => {
    const { tokens } = analyzeTreeAccess(plan, web, root, () => undefined);
    const spenders = Object.fromEntries(
      tokens.map(({ service, spenders: list }) => [service, list.map(({ party, own }) => `${party} ${own}`)]),
    );
    expect(spenders).to.deep.equal({
      a: ['web true'],
      b: ['a true'],
      c: ['web false', 'a false', 'b true'],
    });
  });

  it('ends the readers at a sealed call, while those above can still present the sealed token', () => {
    expect(readersOf(root)).to.deep.equal({
      a: ['web', 'a'],
      b: ['web', 'a', 'b'],
      c: ['web', 'a', 'b', 'c'],
    });
    const atA = sealed(root, 'a');
    expect(readersOf(atA)).to.deep.equal({ a: ['web', 'a'], b: ['b'], c: ['b', 'c'] });
    const { tokens } = analyzeTreeAccess(plan, web, sealed(root, 'b'), () => undefined);
    const last = tokens.find(({ service }) => service === 'c');
    expect(last?.readers.map(({ party }) => party)).to.deep.equal(['c']);
    expect(last?.spenders.map(({ party }) => party)).to.deep.equal(['web', 'a', 'b']);
  });
});

describe('the paths to a scope', () => {
  it('are counted, and the shortest listed, even if there are exponentially many', () => {
    const LEVELS = 40;
    const auth = 'auth: { method: client_secret_basic, secret_env: S }';
    const call = '{ scopes: [r], mode: exchange }';
    const level = (_: unknown, at: number): string => {
      const calls = at === LEVELS ? '' : `calls: { l${at + 1}: ${call}, m${at + 1}: ${call} }`;
      return ['l', 'm'].map((side) => `  ${side}${at}: { ${auth}, scopes: { r: { ${calls} } } }\n`).join('');
    };
    const services = Array.from({ length: LEVELS + 1 }, level).join('');
    const many = planOf(`${HEAD}${client('{ l0: [r], m0: [r] }')}services:\n${services}`);
    const { clients } = pathsToScope(many, `l${LEVELS}:r`, { most: 3 });
    expect(clients.map(({ client: name, count }) => [name, count])).to.deep.equal([['web', 2 ** LEVELS]]);
    expect(clients[0]?.ways).to.have.length.within(1, 3);
    for (const way of clients[0]?.ways ?? []) expect(way).to.have.lengthOf(LEVELS + 1);
  });

  it('end at cycles of calls on demand: no path visits a scope twice', () => {
    const auth = 'auth: { method: client_secret_basic, secret_env: S }';
    const cycle = planOf(`${HEAD}${client('{ a: [s], b: [r] }')}services:
  a: { ${auth}, scopes: { s: { calls: { b: { scopes: [r], mode: exchange } } } } }
  b: { ${auth}, scopes: { r: { calls: { a: { scopes: [s], mode: exchange } } } } }
`);
    const { clients } = pathsToScope(cycle, 'b:r');
    expect(clients[0]?.count).to.equal(2);
    expect(clients[0]?.ways.map((way) => way.map(({ callee }) => callee))).to.deep.equal([
      ['b:r'],
      ['a:s', 'b:r'],
    ]);
  });

  it('name the calls by file and line, and lead to every token with a claim', () => {
    const { targets, clients } = pathsToClaim(plan, 'note');
    expect(targets).to.deep.equal(['c:q']);
    expect(
      clients[0]?.ways[0]?.map(({ caller, callee, line }) => `${caller} ${callee} ${line}`),
    ).to.deep.equal(['web a:s 10', 'a:s b:r 12', 'b:r c:q 13']);
  });

  it('refuses an unknown scope or claim as wrong use', () => {
    for (const wrong of ['d:q', 'c:x', 'c'])
      expect(() => pathsToScope(plan, wrong), wrong)
        .to.throw()
        .with.property('code', 'usage');
    expect(() => pathsToClaim(plan, 'nothing'))
      .to.throw()
      .with.property('code', 'usage');
  });
});
