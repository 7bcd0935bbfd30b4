import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { findDrift, type Drift, type DriftSide } from '../../../src/architect/traces/index.ts';
import { readCallGraph } from '../../support/graphs/call-graph.ts';
import { draftOf, planAt } from '../../support/compile.ts';
import { removeScratch } from '../../support/files.ts';
import { tracesOf } from './recorded.ts';
import { observeSpans, observeText, type TestSpan } from '../../support/spans.ts';

const shipped = (name: string) =>
  planAt([fileURLToPath(new URL(`../../../graphs/${name}.yaml`, import.meta.url))]);

const side = (one: DriftSide | undefined): string =>
  one === undefined
    ? '*'
    : [one.name, ...(one.scope === undefined ? [] : [one.scope]), ...(one.operations ?? [])].join(' ');

/** `code caller -> callee`, of the graver findings. */
function told({ findings }: Drift): readonly string[] {
  return findings
    .filter(({ severity }) => severity !== 'note')
    .map(({ code, caller, callee }) => `${code} ${side(caller)} -> ${side(callee)}`);
}

describe('drift against what meshes allow and tests assert', () => {
  after(removeScratch);

  it('finds the five pairs that online-boutique allows and nobody calls, and nothing else', async () => {
    const policies = readCallGraph('online-boutique').operationPolicies ?? [];
    const documents = policies.map(({ principal, callee, path }) => {
      const operation = path.startsWith('/')
        ? { paths: [path], methods: ['POST'] }
        : { ports: [path.split(' ')[1]] };
      const from = [{ source: { principals: [`cluster.local/ns/default/sa/${principal}`] } }];
      const spec = { selector: { matchLabels: { app: callee } }, rules: [{ from, to: [{ operation }] }] };
      return JSON.stringify({ kind: 'AuthorizationPolicy', metadata: { name: callee }, spec });
    });
    const drift = findDrift(
      shipped('online-boutique'),
      await observeText(documents.join('\n---\n'), 'istio'),
    );
    expect(drift.ok).to.equal(false);
    expect(told(drift)).to.deep.equal([
      'undeclared-call frontend -> shippingservice ship /hipstershop.ShippingService/ShipOrder',
      'undeclared-call checkoutservice -> cartservice cart:add /hipstershop.CartService/AddItem',
      'undeclared-call checkoutservice -> currencyservice currencies:list /hipstershop.CurrencyService/GetSupportedCurrencies',
      'undeclared-call checkoutservice -> productcatalogservice products:list /hipstershop.ProductCatalogService/ListProducts',
      'undeclared-call recommendationservice -> productcatalogservice product:read /hipstershop.ProductCatalogService/GetProduct',
    ]);
  });

  it("otel-demo declares every edge that the demo's own test asserts; without its declaration an edge is found", async () => {
    const edges = readCallGraph('otel-demo').oracleEdges?.edges ?? [];
    const rows = edges.map(([parent, child]) => ({ parent, child, callCount: 1 }));
    const plan = shipped('otel-demo');
    const drift = findDrift(plan, await observeText(JSON.stringify(rows), 'jaeger'));
    expect([edges.length, drift.ok]).to.deep.equal([13, true]);
    const turned = edges.map(([child, parent]) => ({ parent, child, callCount: 1 }));
    const wrong = findDrift(plan, await observeText(JSON.stringify(turned), 'jaeger'));
    expect(told(wrong).filter((line) => line.startsWith('undeclared-call'))).to.have.lengthOf(13);
  });

  for (const name of [
    'online-boutique',
    'sock-shop',
    'hotrod',
    'bookinfo',
    'hotel-reservation',
    'social-network',
  ]) {
    it(`${name} shows no drift against traces of its own call graph`, async () => {
      const drift = findDrift(shipped(name), await observeSpans(tracesOf(readCallGraph(name))));
      expect(told(drift).filter((line) => line.startsWith('undeclared'))).to.deep.equal([]);
    });
  }

  it('otel-demo: of all that its sources do, only the deployment without MCP is undeclared', async () => {
    const drift = findDrift(shipped('otel-demo'), await observeSpans(tracesOf(readCallGraph('otel-demo'))));
    const undeclared = drift.findings.filter(({ severity }) => severity === 'error');
    expect(undeclared).to.have.lengthOf(10);
    for (const { caller, callee } of undeclared)
      expect([caller?.name, callee.name]).to.deep.equal(['agent', 'frontend']);
  });
});

const GRAPH = `waybill: 1
issuer: { url: 'https://tokens.example' }
defaults: { headers: { profile: node } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { orders: [order, idle] }
services:
  orders:
    scopes:
      order:
        operations: ['GET /orders/{id}', POST /orders]
        calls:
          payment: [pay]
          mail: { scopes: [send], probability: 0.2 }
          stock: [reserve]
      idle: { operations: [GET /idle], calls: { mail: [send] } }
      hidden: { operations: [GET /hidden] }
  payment: { scopes: { pay: { operations: [POST /charges, POST /refunds] } } }
  mail: { scopes: { send: { operations: [POST /messages] } } }
  stock: { scopes: { reserve: { operations: [POST /items] }, count: { operations: [GET /items] } } }
`;

interface Request {
  readonly operation: string;
  /** Callee and its operation. */
  readonly calls: readonly (readonly [string, string])[];
  readonly times: number;
}

/** Requests to `orders`, each with the calls that it makes. */
function requests(...list: readonly Request[]): TestSpan[] {
  const spans: TestSpan[] = [];
  for (const [at, { operation, calls, times }] of list.entries()) {
    for (let time = 0; time < times; time++) {
      const trace = `${at}-${time}`;
      spans.push({ id: '1', service: 'orders', name: operation, kind: 'server', trace });
      for (const [index, [service, name]] of calls.entries()) {
        spans.push({ id: `c${index}`, parent: '1', service: 'orders', name, kind: 'client', trace });
        spans.push({ id: `s${index}`, parent: `c${index}`, service, name, kind: 'server', trace });
      }
    }
  }
  return spans;
}

describe('drift, operation by operation', () => {
  after(removeScratch);

  const plan = draftOf(GRAPH);
  const drift = async (...list: readonly Request[]) => findDrift(plan, await observeSpans(requests(...list)));
  const all = [
    ['payment', 'POST /charges'],
    ['payment', 'POST /refunds'],
    ['mail', 'POST /messages'],
    ['stock', 'POST /items'],
  ] as const;

  it('reports only calls that were not exercised for a graph that matches', async () => {
    const seen = await drift(
      { operation: 'GET /orders/7', calls: all, times: 10 },
      { operation: 'POST /orders', calls: all, times: 10 },
      { operation: 'GET /idle', calls: [['mail', 'POST /messages']], times: 1 },
    );
    expect(told(seen)).to.deep.equal(['probability orders order -> mail send']);
    const [off] = seen.findings;
    expect(off).to.include({
      line: 15,
      declared: 0.2,
      seen: 1,
      runs: 20,
      message: '20 % declared, 100 % seen',
    });
  });

  it('finds an undeclared call, and a call to an operation of no scope', async () => {
    const seen = await drift({
      operation: 'GET /orders/7',
      calls: [...all, ['stock', 'GET /items'], ['mail', 'DELETE /messages']],
      times: 3,
    });
    expect(seen.ok).to.equal(false);
    expect(told(seen).filter((line) => line.startsWith('undeclared'))).to.deep.equal([
      'undeclared-call orders order GET /orders/{id} -> mail DELETE /messages',
      'undeclared-call orders order GET /orders/{id} -> stock count GET /items',
    ]);
    expect(seen.findings[0]).to.include({ line: 11, count: 3, runs: 3 });
  });

  it('finds unused permissions: calls never made, and scopes that grant too much on either side', async () => {
    const seen = await drift(
      { operation: 'GET /orders/7', calls: [], times: 50 },
      { operation: 'POST /orders', calls: [['payment', 'POST /charges']], times: 50 },
    );
    expect(told(seen)).to.deep.equal([
      'unseen-call orders order -> mail send',
      'unseen-call orders order -> stock reserve',
      'unseen-request web -> orders idle',
      'coarse-caller orders order GET /orders/{id} -> payment pay',
      'coarse-callee orders order -> payment pay POST /refunds',
      'probability orders order -> payment pay',
    ]);
    expect(seen.ok).to.equal(true);
    const untested = seen.findings.filter(({ code }) => code === 'not-exercised');
    expect(untested.map(({ caller, callee }) => `${side(caller)} -> ${side(callee)}`)).to.deep.equal([
      'orders idle -> mail send',
    ]);
  });

  it('finds requests from outside that no client may make', async () => {
    const seen = await drift(
      { operation: 'GET /hidden', calls: [], times: 2 },
      { operation: 'GET /nowhere', calls: [], times: 1 },
    );
    expect(told(seen).filter((line) => line.startsWith('undeclared'))).to.deep.equal([
      'undeclared-request * -> orders GET /nowhere',
      'undeclared-request * -> orders hidden GET /hidden',
    ]);
  });

  it('ignores few runs and small differences, and reports large ones', async () => {
    const some = (times: number) =>
      drift(
        { operation: 'GET /orders/7', calls: all.slice(0, 2), times: times * 6 },
        { operation: 'GET /orders/8', calls: all.filter(([name]) => name !== 'payment'), times: times * 4 },
      );
    const shares = ({ findings }: Drift) =>
      findings.filter(({ code }) => code === 'probability').map(({ callee }) => callee.name);
    // 40 % in ten runs may be 20 %; that a call is made always is refuted by one run without.
    expect(shares(await some(1))).to.deep.equal(['payment', 'stock']);
    // mail: 20 % declared, 40 % seen; stock: 100 and 40; payment: 100 and 60.
    expect(shares(await some(50))).to.deep.equal(['payment', 'mail', 'stock']);
  });

  it('matches a renamed party', async () => {
    const spans = requests({ operation: 'GET /orders/7', calls: [['payment', 'POST /charges']], times: 1 });
    const other = spans.map((span) =>
      span.service === 'payment' ? { ...span, service: 'PaymentService' } : span,
    );
    const seen = await observeSpans(other);
    expect(findDrift(plan, seen).ok).to.equal(false);
    const renames = new Map([['PaymentService', 'payment']]);
    expect(findDrift(plan, await observeSpans(other, 'otlp', { renames })).ok).to.equal(true);
  });
});
