/** Whom selectors stand for, as commands show it. */
import { expect } from 'chai';
import { diffGraphs } from '../../../src/architect/diff/index.ts';
import { draftOf } from '../../support/compile.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';
import { run } from '../../support/program.ts';

const GRAPH = `waybill: 1
name: till
issuer: { url: 'https://tokens.till.example' }
zones: { shop: {}, back: {} }
defaults: { audience: 'https://{name}.till.example', headers: { profile: node }, zone: shop }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { orders: [pay] }
services:
  orders: { scopes: { pay: { calls: { bank: [charge] } } } }
  bank: { scopes: { charge: { callers: [{ zone: shop }] } } }
  stock: { zone: back, scopes: { count: {} } }
`;
const EXPANDED = 'bank:charge  callers {zone: shop}: orders, bank';

describe('whom a selector stands for', () => {
  let graph: string;
  before(() => (graph = scratchFile('till.yaml', GRAPH)));
  after(removeScratch);

  for (const [command, ...options] of [
    ['check', '-v'],
    ['why', 'bank:charge'],
    ['plan', '--client', 'web', '--scope', 'pay'],
  ] as const) {
    it(`is shown by ${command}`, async () => {
      const { stdout } = await run([command, graph, ...options]);
      expect(stdout).to.contain(EXPANDED);
    });
  }

  it('is not shown by check without -v', async () => {
    expect((await run(['check', graph])).stdout).not.to.contain(EXPANDED);
  });

  it('widens in a comparison where it is one more, with the line that made it fit, and narrows where it is one less', () => {
    const moved = GRAPH.replace('stock: { zone: back, scopes', 'stock: { scopes');
    const found = (older: string, newer: string) =>
      diffGraphs(draftOf(older), draftOf(newer)).changes.filter(({ kind }) => kind === 'callers');
    const [change, ...others] = found(GRAPH, moved);
    expect(others).to.deep.equal([]);
    expect(change).to.include({
      mark: 'widens',
      what: 'callers {zone: shop} of bank:charge now stands for stock',
    });
    expect(change?.place).to.match(/:13:/);
    const back = found(moved, GRAPH).map(({ mark, what }) => `${mark} ${what}`);
    expect(back).to.deep.equal(['narrows callers {zone: shop} of bank:charge no longer stands for stock']);
  });
});
