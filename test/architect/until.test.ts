/** The last day of a call shows wherever the call shows. */
import { expect } from 'chai';
import { drawGraph, drawRequest } from '../../src/architect/draw/index.ts';
import { graphModel } from '../../src/architect/export/service-model.ts';
import { planRequest } from '../../src/planning/index.ts';
import { pathsToScope } from '../../src/planning/access/index.ts';
import { planOf } from '../support/compile.ts';

const plan = planOf(`waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example' }
defaults: { headers: { profile: envoy }, caller: mtls }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    calls: { front: [browse, order] }
services:
  front:
    auth: { method: client_secret_basic, secret_env: FRONT }
    scopes:
      browse: { calls: { stock: { scopes: [count], until: 2998-01-31 } } }
      order:
        calls:
          stock: { scopes: [reserve, count] }
          mail: { scopes: [send], mode: exchange, until: 2999-01-31 }
          bus: { mode: none, until: 2999-01-31 }
  stock: { scopes: { reserve: , count: } }
  mail: { scopes: { send: } }
`);

describe('the last day of a call', () => {
  const callsOf = (...scopes: string[]) =>
    planRequest(plan, 'web', { scopes }).root.calls.map(({ service, ends }) => [service, ends]);

  it('shows in a plan, and not where another call to the scope has no end', () => {
    expect(callsOf('browse')).to.deep.equal([['stock', [{ until: '2998-01-31', scopes: ['count'] }]]]);
    expect(callsOf('browse', 'order')).to.deep.equal([
      ['stock', undefined],
      ['mail', [{ until: '2999-01-31', scopes: ['send'] }]],
      ['bus', [{ until: '2999-01-31', scopes: [] }]],
    ]);
  });

  it('shows on the way to a scope', () => {
    const [path = []] = pathsToScope(plan, 'mail:send').clients[0]?.ways ?? [];
    expect(path.map(({ callee, until }) => [callee, until])).to.deep.equal([
      ['front:order', undefined],
      ['mail:send', '2999-01-31'],
    ]);
  });

  it('shows in pictures of the graph, of its scopes and of a request', async () => {
    const request = planRequest(plan, 'web', { scopes: ['order'] });
    for (const picture of [
      await drawGraph(plan, { format: 'mermaid' }),
      await drawGraph(plan, { format: 'mermaid', scopes: true }),
      await drawRequest(plan, request, 'mermaid'),
    ])
      expect(picture.split('until 2999-01-31'), picture).to.have.lengthOf(3);
  });

  it('is noted in exports, of the callee', () => {
    const notes = graphModel(plan).notes.filter(({ code }) => code === 'call-ends');
    expect(notes.map(({ service, message }) => [service, message.split('.')[0]])).to.deep.equal([
      ['mail', 'front may call it until 2999-01-31'],
    ]);
  });
});
