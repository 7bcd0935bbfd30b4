/** A condition on a client's call shows wherever the call shows. */
import { expect } from 'chai';
import { drawGraph, drawRequest } from '../../src/architect/draw/index.ts';
import { graphModel } from '../../src/architect/export/service-model.ts';
import { analyzeAccess, planRequest } from '../../src/planning/index.ts';
import { pathsToScope } from '../../src/planning/access/index.ts';
import { planOf } from '../support/compile.ts';

const plan = planOf(`waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example' }
subjects: { login: { issuer: 'https://login.shop.example', audience: 'https://shop.example' } }
claims: { role: { from: subject, path: groups } }
defaults: { headers: { profile: envoy }, caller: mtls }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    grants: [token_exchange]
    subjects: [login]
    calls: { front: { scopes: [browse, order], when: { order: { role: [buyer, admin], acr: [1, 2, 3, 4] } } } }
services:
  front:
    scopes:
      browse: { operations: [GET /items], calls: { stock: [count] } }
      order: { operations: [POST /orders], calls: { stock: [reserve] } }
  stock: { scopes: { reserve: { operations: [POST /r] }, count: { operations: [GET /c] } } }
`);

const TEXT = 'order when groups is buyer or admin, and acr is one of 4 values';
const CONDITIONS = [
  { scope: 'order', path: 'groups', values: ['buyer', 'admin'] },
  { scope: 'order', path: 'acr', values: [1, 2, 3, 4] },
];

describe('a condition on a call', () => {
  it('shows in a plan of a request for the scope, and in no other', () => {
    const whenOf = (scope: string) => {
      const { root } = planRequest(plan, 'web', { scopes: [scope], resources: [] });
      return [root.when, root.calls.map(({ when }) => when)];
    };
    expect(whenOf('order')).to.deep.equal([CONDITIONS, [undefined]]);
    expect(whenOf('browse')).to.deep.equal([undefined, [undefined]]);
  });

  it('shows in the access analysis of a request', () => {
    const whenOf = (scope: string) => analyzeAccess(plan, 'web', { scopes: [scope], resources: [] }).when;
    expect([whenOf('order'), whenOf('browse')]).to.deep.equal([CONDITIONS, undefined]);
  });

  it('shows on the way to a scope', () => {
    const [path = []] = pathsToScope(plan, 'stock:reserve').clients[0]?.ways ?? [];
    expect(path.map(({ callee, when }) => [callee, when])).to.deep.equal([
      ['front:order', CONDITIONS],
      ['stock:reserve', undefined],
    ]);
  });

  it('shows in pictures of the graph, of its scopes and of a request', async () => {
    const request = planRequest(plan, 'web', { scopes: ['order'], resources: [] });
    for (const picture of [
      await drawGraph(plan, { format: 'mermaid' }),
      await drawGraph(plan, { format: 'mermaid', scopes: true }),
      await drawRequest(plan, request, 'mermaid'),
    ])
      expect(picture.split(TEXT), picture).to.have.lengthOf(2);
  });

  it('is noted in exports, of the service that the client calls', () => {
    const notes = graphModel(plan).notes.filter(({ code }) => code === 'granted-on-condition');
    expect(notes).to.deep.equal([
      {
        code: 'granted-on-condition',
        service: 'front',
        message: `web gets ${TEXT}. The issuer decides that; here the scope alone is checked.`,
      },
    ]);
  });
});
