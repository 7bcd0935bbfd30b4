import { expect } from 'chai';
import fc from 'fast-check';
import { load } from 'js-yaml';

import { draftGraph, findDrift, type Observation } from '../../../src/architect/traces/index.ts';
import { Observer } from '../../../src/architect/traces/observation.ts';
import { readCallGraph } from '../../support/graphs/call-graph.ts';
import { compileText, inOneLine } from '../../support/compile.ts';
import { removeScratch } from '../../support/files.ts';
import { tracesOf } from './recorded.ts';
import { callsOf, observeSpans, observeText } from '../../support/spans.ts';

const HEADING = { name: 'drawn', origin: 'a test' };

/** The graph of an observation, checked. */
function drawn(observation: Observation) {
  const text = draftGraph(observation, HEADING);
  const { draft, findings } = compileText(text);
  const errors = findings.filter(({ severity }) => severity === 'error').map(inOneLine);
  expect(errors, text).to.deep.equal([]);
  return { text, plan: draft!, warnings: findings.map(({ code }) => code) };
}

const undeclared = (plan: ReturnType<typeof drawn>['plan'], observation: Observation) =>
  findDrift(plan, observation).findings.filter(({ severity }) => severity === 'error');

describe('a first graph', () => {
  after(removeScratch);

  const SYSTEMS = [
    'online-boutique',
    'otel-demo',
    'sock-shop',
    'social-network',
    'hotel-reservation',
    'bookinfo',
    'hotrod',
    'eshop-on-containers',
  ];
  for (const name of SYSTEMS) {
    it(`of ${name}: the same from each format of traces, passes the check, and covers what was seen`, async () => {
      const spans = tracesOf(readCallGraph(name));
      const [otlp, zipkin, jaeger] = await Promise.all([
        observeSpans(spans, 'otlp'),
        observeSpans(spans, 'zipkin'),
        observeSpans(spans, 'jaeger'),
      ]);
      expect(callsOf(zipkin)).to.deep.equal(callsOf(otlp));
      expect(callsOf(jaeger)).to.deep.equal(callsOf(otlp));
      expect(callsOf(otlp)).to.not.deep.equal([]);
      const { plan, warnings } = drawn(otlp);
      expect([...new Set(warnings)]).to.deep.equal(['no-budget', 'spendable-by-others']);
      // Nothing undeclared, nothing declared in excess, no share that is off.
      expect(findDrift(plan, otlp).findings.filter(({ severity }) => severity !== 'note')).to.deep.equal([]);
    });
  }

  it('says how often a call is made, and who requests it', () => {
    const observer = new Observer();
    const page = { service: 'shop', operation: 'GET /page' };
    observer.run(page, 200, 'requested');
    observer.run({ service: 'ads', operation: '/shop.Ads/Get' }, 60);
    observer.call(page, { service: 'ads', operation: '/shop.Ads/Get', kind: 'request' }, 60);
    observer.call(page, { service: 'cache', operation: '', kind: 'store' }, 200);
    const { text } = drawn(observer.finish('traffic', 'span', 'spans'));
    expect(load(text)).to.deep.equal({
      waybill: 1,
      name: 'drawn',
      issuer: { url: 'https://tokens.example' },
      clients: {
        'edge-client': {
          auth: { method: 'client_secret_basic', secret_env: 'EDGE_CLIENT_SECRET' },
          calls: { shop: ['page:read'] },
        },
      },
      services: {
        shop: {
          scopes: {
            'page:read': {
              operations: ['GET /page'],
              calls: { ads: { scopes: ['get'], probability: 0.3 }, cache: { mode: 'none' } },
            },
          },
        },
        ads: { scopes: { get: { operations: ['/shop.Ads/Get'] } } },
      },
    });
    expect(text).to.contain('cache: { mode: none } # a data store\n').and.contain('# seen 200 times\n');
  });

  it('breaks cycles with exchanges and keeps one mode per caller and callee', () => {
    const observer = new Observer();
    const [a, a2, b] = [
      { service: 'a', operation: 'GET /a' },
      { service: 'a', operation: 'GET /a2' },
      { service: 'b', operation: 'GET /b' },
    ] as const;
    observer.run(a, 10, 'requested');
    observer.run(a2, 10, 'requested');
    observer.run(b, 20);
    observer.call(a, { ...b, kind: 'request' }, 10);
    observer.call(a2, { service: 'b', operation: '', kind: 'message' }, 10);
    observer.call(b, { ...a, kind: 'request' }, 5);
    const observation = observer.finish('traffic', 'span', 'spans');
    const { text, plan } = drawn(observation);
    expect(text).to.contain('fetched when needed, because these calls form a cycle');
    expect(text).to.contain('also sends messages to b');
    expect(undeclared(plan, observation)).to.deep.equal([]);
  });

  it('breaks every cycle at one call', () => {
    const observer = new Observer();
    const places = Array.from({ length: 500 }, (_, index) => ({
      service: `s${index}`,
      operation: 'GET /',
    }));
    for (const [index, place] of places.entries()) {
      observer.run(place, 1, index === 0 ? 'requested' : 'called');
      for (const callee of [places[index - 1], places[index + 1]])
        if (callee) observer.call(place, { ...callee, kind: 'request' }, 1);
    }
    const text = draftGraph(observer.finish('traffic', 'span', 'spans'), HEADING);
    expect(text.match(/because these calls form a cycle/g)).to.have.lengthOf(499);
  });

  it('makes callers without requests clients, and gives the own work of a service a client', async () => {
    const spans = [
      { id: '1', service: 'load', name: 'GET', kind: 'client' as const },
      { id: '2', parent: '1', service: 'shop', name: 'GET /', kind: 'server' as const },
      { id: '3', service: 'shop', name: 'cron', kind: 'internal' as const, trace: 'b' },
      { id: '4', parent: '3', service: 'shop', name: 'GET', kind: 'client' as const, trace: 'b' },
      { id: '5', parent: '4', service: 'stock', name: 'GET /items', kind: 'server' as const, trace: 'b' },
    ];
    const observation = await observeSpans(spans);
    const { plan } = drawn(observation);
    expect([...plan.clients.keys()]).to.deep.equal(['load', 'shop-jobs']);
    expect(undeclared(plan, observation)).to.deep.equal([]);
  });

  it('gives two parties two names, even if the names collide with generated ones', async () => {
    const spans = [
      { id: '1', service: 'shop', name: 'cron', kind: 'internal' as const },
      { id: '2', parent: '1', service: 'shop', name: 'GET', kind: 'client' as const },
      { id: '3', parent: '2', service: 'shop job', name: 'GET /', kind: 'server' as const },
      { id: '4', service: 'shop', name: 'POST /orders', kind: 'server' as const, trace: 'b' },
      { id: '5', service: 'shop job', name: 'POST /jobs', kind: 'server' as const, trace: 'c' },
    ];
    const { plan } = drawn(await observeSpans(spans));
    expect([...plan.clients.keys()].sort()).to.deep.equal(['edge-client', 'shop-jobs']);
    expect([...plan.services.keys()].sort()).to.deep.equal(['shop', 'shop-job']);
    const policy = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: stock, namespace: shop }
spec:
  selector: { matchLabels: { app: stock } }
  rules:
    - from: [{ source: { serviceAccounts: ["\\u200b", shop] } }]
    - from: [{ source: { namespaces: [shop] } }]
`;
    drawn(await observeText(policy, 'istio'));
  });

  const names = fc.oneof(
    fc.constantFrom(
      'a',
      'b',
      'c',
      'd',
      'x-a',
      '__proto__',
      'constructor',
      'a b',
      'A',
      '${x}',
      'ü',
      '\u202ea',
      '',
      '*',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const operations = fc.oneof(
    fc.constantFrom(
      'GET /a',
      'GET /a/{id}',
      'POST /a',
      '/p.S/M',
      '/p.T/M',
      'x',
      '',
      '${a}',
      'GET /${a}',
      '# a',
      'a: b',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const kinds = fc.constantFrom('request', 'request', 'message', 'store', 'foreign', 'tcp');

  it('passes the check and declares what was seen, whatever was seen', () => {
    const call = fc.record({
      from: names,
      operation: operations,
      to: names,
      called: operations,
      kind: kinds,
      own: fc.boolean(),
      count: fc.nat(50),
    });
    fc.assert(
      fc.property(
        fc.array(call, { minLength: 1, maxLength: 25 }),
        fc.constantFrom('traffic' as const, 'policy' as const),
        (calls, basis) => {
          const observer = new Observer();
          observer.run({ service: 'first', operation: 'GET /' }, 1, 'requested');
          for (const { from, operation, to, called, kind, own, count } of calls) {
            const [caller, callee] = [tame(from), tame(to)];
            observer.run({ service: caller, operation: tame(operation), own }, count);
            if (kind === 'request') observer.run({ service: callee, operation: tame(called) });
            observer.call(
              { service: caller, operation: tame(operation), own },
              { service: callee, operation: tame(called), kind },
              1 + count,
            );
          }
          const observation = observer.finish(basis, 'span', 'spans');
          const { plan } = drawn(observation);
          expect(undeclared(plan, observation)).to.deep.equal([]);
        },
      ),
      { numRuns: 50 },
    );
  });
});

/** What the sources do to every name; services without one never get this far. */
function tame(text: string): string {
  return (
    text
      .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ')
      .replace(/\s+/g, ' ')
      .trim() || 'none'
  );
}
