/** Inputs of other tools on which an import was once wrong: each stands for a kind, with its siblings in other formats. */
import path from 'node:path';

import { expect } from 'chai';

import {
  draftGraph,
  fileInput,
  findDrift,
  mergeObservation,
  observe,
  type ObserveOptions,
  type Observation,
  type SourceFormat,
} from '../../../src/architect/traces/index.ts';
import { planAt } from '../../support/compile.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';
import {
  callsOf,
  observeSpans,
  observeText,
  requestsOf,
  warningsOf,
  type TestSpan,
} from '../../support/spans.ts';

const caseFile = (name: string): string => path.join(import.meta.dirname, 'cases', name);

const observed = (name: string, format: SourceFormat, options: ObserveOptions = {}): Promise<Observation> =>
  observe([fileInput(caseFile(name))], format, options);

const driftOf = async (graph: string, name: string, format: SourceFormat) =>
  findDrift(planAt([caseFile(graph)]), await observed(name, format));

async function refusal(reading: Promise<unknown>): Promise<string> {
  try {
    await reading;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code} ${message.slice(message.split(' ', 1)[0]!.lastIndexOf('/') + 1)}`;
  }
  return 'none';
}

const server = (id: string, service: string, name: string, more: Partial<TestSpan> = {}): TestSpan => ({
  ...{ id, service, name, kind: 'server' },
  ...more,
});
const client = (id: string, parent: string, service: string, more: Partial<TestSpan> = {}): TestSpan => ({
  ...{ id, parent, service, name: 'GET', kind: 'client' },
  ...more,
});

const FORMATS = ['otlp', 'jaeger', 'zipkin'] as const;

describe('a name that two namespaces have', () => {
  after(removeScratch);

  for (const [file, format] of [
    ['namespaces-otlp.json', 'otlp'],
    ['namespaces-jaeger.json', 'jaeger'],
  ] as const)
    it(`is two services (${format})`, async () => {
      const seen = await observed(file, format);
      expect(callsOf(seen)).to.deep.equal(['api.catalog GET /order -> api.billing POST /refund request 1/1']);
      expect(requestsOf(seen)).to.deep.equal(['api.catalog GET /order 1']);
      expect(seen.warnings).to.deep.equal([]);
    });

  for (const format of FORMATS)
    it(`is two services in any order of the spans, and one name keeps its plain form (${format})`, async () => {
      const spans = [
        server('1', 'api', 'GET /order', { namespace: 'catalog' }),
        client('2', '1', 'api', { namespace: 'catalog' }),
        server('3', 'api', 'POST /refund', { parent: '2', namespace: 'billing' }),
        client('4', '3', 'api', { namespace: 'billing' }),
        server('5', 'ledger', 'POST /book', { parent: '4', namespace: 'billing' }),
      ];
      const calls = [
        'api.billing POST /refund -> ledger POST /book request 1/1',
        'api.catalog GET /order -> api.billing POST /refund request 1/1',
      ];
      expect(callsOf(await observeSpans(spans, format))).to.deep.equal(calls);
      expect(callsOf(await observeSpans(spans.toReversed(), format))).to.deep.equal(calls);
    });

  it('takes the namespace of Kubernetes where there is no other', async () => {
    const resource = (service: string, namespace: string, span: object) => ({
      resource: {
        attributes: [
          { key: 'service.name', value: { stringValue: service } },
          { key: 'k8s.namespace.name', value: { stringValue: namespace } },
        ],
      },
      scopeSpans: [{ spans: [span] }],
    });
    const span = (id: string, name: string) => ({ traceId: id, spanId: id, name, kind: 2 });
    const resourceSpans = [
      resource('api', 'a', span('1', 'GET /x')),
      resource('api', 'b', span('2', 'GET /y')),
    ];
    const { services } = await observeText(JSON.stringify({ resourceSpans }), 'otlp');
    expect([...services.keys()].sort()).to.deep.equal(['api.a', 'api.b']);
  });

  it('and some spans have without one, is reported', async () => {
    const one = [server('1', 'api', 'GET /a', { namespace: 'catalog' }), server('2', 'api', 'GET /b')];
    const both = await observeSpans(one);
    expect([...both.services.keys(), warningsOf(both)]).to.deep.equal(['api', { 'partial-namespace': 1 }]);
    const more = [...one, server('3', 'api', 'GET /c', { namespace: 'billing' })];
    const all = await observeSpans(more);
    expect([...all.services.keys()].sort()).to.deep.equal(['api', 'api.billing', 'api.catalog']);
    expect(warningsOf(all)).to.deep.equal({ 'partial-namespace': 1 });
  });

  it('never becomes the name that another service has already', async () => {
    const seen = await observeSpans([
      server('1', 'api', 'GET /a', { namespace: 'catalog' }),
      server('2', 'api', 'GET /b', { namespace: 'billing' }),
      server('3', 'api.billing', 'GET /c'),
    ]);
    expect([...seen.services.keys()].sort()).to.deep.equal(['api.billing', 'api.billing-2', 'api.catalog']);
  });

  it('is found by the host that a client names, and reported where that does not say which', async () => {
    const spans = [
      server('1', 'shop', 'GET /'),
      client('2', '1', 'shop', { tags: { 'server.address': 'api.billing.svc.cluster.local:80' } }),
      client('3', '1', 'shop', { tags: { 'server.address': 'api.catalog' } }),
      client('4', '1', 'shop', { tags: { 'peer.service': 'api' } }),
      client('5', '1', 'shop', {
        tags: { 'service.peer.name': 'api', 'service.peer.namespace': 'catalog' },
      }),
      server('6', 'api', 'GET /a', { namespace: 'catalog' }),
      server('7', 'api', 'GET /b', { namespace: 'billing' }),
    ];
    const seen = await observeSpans(spans);
    expect(callsOf(seen)).to.deep.equal([
      'shop GET / -> api ? foreign 1/1',
      'shop GET / -> api.billing ? request 1/1',
      'shop GET / -> api.catalog ? request 2/1',
    ]);
    expect(warningsOf(seen)).to.deep.equal({ 'ambiguous-callee': 1, 'no-operation': 3 });
  });

  it('is two workloads and two accounts (istio)', async () => {
    const seen = await observed('istio-namespaces.yaml', 'istio');
    expect(callsOf(seen)).to.deep.equal([
      'web.billing ? -> api.billing POST /refund request 1/1',
      'web.catalog ? -> api.catalog GET /items request 1/1',
    ]);
  });

  it('reports the account that all pods of a namespace share (istio)', async () => {
    const seen = await observed('istio-default-accounts.yaml', 'istio');
    expect(callsOf(seen)).to.deep.equal([
      'default.a ? -> stock POST /reserve request 1/1',
      'default.b ? -> stock POST /reserve request 1/1',
    ]);
    expect(seen.warnings).to.have.lengthOf(1);
    expect(seen.warnings[0]).to.include({ code: 'default-account', count: 2 });
    expect(seen.warnings[0]?.names).to.deep.equal(['a', 'b']);
  });

  it('is reported where an SDK or a collector invented it', async () => {
    const seen = await observed('unknown-service.json', 'otlp');
    expect(seen.warnings).to.have.lengthOf(1);
    expect(seen.warnings[0]).to.include({ code: 'unknown-service', count: 1 });
    expect(seen.warnings[0]?.names).to.deep.equal(['unknown_service:node']);
    for (const name of ['unknown_service', 'OTLPResourceNoServiceName', 'unknown'])
      for (const format of FORMATS)
        expect(warningsOf(await observeSpans([server('1', name, 'GET /')], format)), name).to.deep.equal({
          'unknown-service': 1,
        });
  });
});

describe('importing twice into a graph', () => {
  after(removeScratch);

  it('finds a consumer that is a client and a callee', async () => {
    const seen = await observed('kafka-consumer.json', 'otlp');
    const file = scratchFile('g.yaml', draftGraph(seen, { name: 't', origin: 't' }));
    const { changes, byHand } = mergeObservation(planAt([file]), seen, { newParties: file });
    expect([changes, byHand]).to.deep.equal([[], []]);
  });

  it('finds services by the namespace that a graph gives them', async () => {
    const spans = (namespace: string) => [server('1', 'api', 'GET /a', { namespace })];
    const both = draftGraph(
      await observeSpans([...spans('catalog'), ...spans('billing').map((one) => ({ ...one, id: '2' }))]),
      {
        name: 't',
        origin: 't',
      },
    );
    const graph = planAt([scratchFile('g.yaml', both)]);
    const one = await observeSpans(spans('catalog'));
    expect(findDrift(graph, one).ok).to.equal(true);
    expect(findDrift(graph, one).coverage.services).to.deep.equal({ declared: 2, seen: 1 });
    const declared = planAt([
      scratchFile('g.yaml', both.replace('api.catalog:\n', 'shelf:\n').replace('api.catalog:', 'shelf:')),
    ]);
    expect(findDrift(declared, one).ok).to.equal(false);
  });

  it('tells a service from a client of the same name', async () => {
    const calls = [client('1', '', 'load'), server('2', 'shop', 'GET /', { parent: '1' })];
    const file = scratchFile('g.yaml', draftGraph(await observeSpans(calls), { name: 't', origin: 't' }));
    const more = await observeSpans([...calls, server('3', 'load', 'GET /status', { trace: 'b' })]);
    const [change] = mergeObservation(planAt([file]), more, { newParties: file }).changes;
    expect(change?.after).to.contain('load-service:');
    const merged = planAt([scratchFile('g.yaml', change!.after)]);
    expect(mergeObservation(merged, more, { newParties: file }).changes).to.deep.equal([]);
    expect(findDrift(merged, more).ok).to.equal(true);
  });
});

describe('a graph of Kiali with Services', () => {
  after(removeScratch);

  const node = (id: string, more: object) => ({ data: { id, nodeType: 'app', namespace: 'shop', ...more } });
  const edge = (source: string, target: string, rate: string) => ({
    data: { source, target, traffic: { protocol: 'http', rates: { http: rate } } },
  });
  const graphOf = (nodes: readonly object[], edges: readonly object[]) =>
    observeText(JSON.stringify({ graphType: 'workload', elements: { nodes, edges } }), 'kiali');
  const SHOP = [node('a', { app: 'shop' }), node('s', { nodeType: 'service', service: 'stock-svc' })];

  it('has the app behind each Service, not the Service', async () => {
    const seen = await observed('kiali-service-nodes.json', 'kiali');
    expect(callsOf(seen)).to.deep.equal(['shop ? -> stock ? request 1/1', 'stock ? -> ledger ? request 1/1']);
    expect(requestsOf(seen)).to.deep.equal(['shop ? 1']);
    const { findings } = await driftOf('kiali-service-nodes.yaml', 'kiali-service-nodes.json', 'kiali');
    expect(findings.filter(({ severity }) => severity !== 'note')).to.deep.equal([]);
  });

  it('finds the app by what it says of itself, where no traffic leads on', async () => {
    const stock = node('b', { app: 'stock', destServices: [{ namespace: 'shop', name: 'stock-svc' }] });
    expect(callsOf(await graphOf([...SHOP, stock], [edge('a', 's', '4')]))).to.deep.equal([
      'shop ? -> stock ? request 4/4',
    ]);
  });

  it('divides calls among the apps behind a Service, and says so', async () => {
    const nodes = [...SHOP, node('b', { app: 'stock' }), node('c', { app: 'stock-new' })];
    const seen = await graphOf(nodes, [edge('a', 's', '4'), edge('s', 'b', '3'), edge('s', 'c', '1')]);
    expect(callsOf(seen)).to.deep.equal([
      'shop ? -> stock ? request 3/3',
      'shop ? -> stock-new ? request 1/1',
    ]);
    expect(warningsOf(seen)).to.include({ 'shared-service': 1 });
  });

  it('keeps a Service whose workloads are not there, and says so', async () => {
    const seen = await graphOf(SHOP, [edge('a', 's', '4')]);
    expect(callsOf(seen)).to.deep.equal(['shop ? -> stock-svc ? request 4/4']);
    expect(warningsOf(seen)).to.include({ 'service-node': 1 });
  });
});

describe('principals of Istio with a star', () => {
  after(removeScratch);

  it('before the namespace name an account of any trust domain', async () => {
    const drift = await driftOf('istio-any-trust-domain-graph.yaml', 'istio-any-trust-domain.yaml', 'istio');
    expect([drift.ok, drift.findings.filter(({ severity }) => severity !== 'note')]).to.deep.equal([
      true,
      [],
    ]);
    const seen = await observed('istio-any-trust-domain.yaml', 'istio');
    expect(callsOf(seen)).to.deep.equal(['shop ? -> stock POST /reserve request 1/1']);
  });

  for (const [principal, calls, isOpen] of [
    ['*/sa/shop', ['shop ? -> stock ? request 1/1'], false],
    ['old.domain/ns/shop/sa/shop', ['shop ? -> stock ? request 1/1'], false],
    ['cluster.local/ns/shop/*', [], true],
    ['*/ns/shop/sa/*', [], true],
    ['*', [], true],
  ] as const)
    it(`${principal} ${isOpen ? 'names nobody' : 'names shop'}`, async () => {
      const spec = {
        selector: { matchLabels: { app: 'stock' } },
        rules: [{ from: [{ source: { principals: [principal] } }] }],
      };
      const policy = { kind: 'AuthorizationPolicy', metadata: { namespace: 'shop' }, spec };
      const seen = await observeText(JSON.stringify(policy), 'istio');
      expect(callsOf(seen)).to.deep.equal(calls);
      expect(warningsOf(seen)).to.deep.equal(isOpen ? { 'pattern-source': 1 } : {});
    });
});

describe('patterns of policies that overlap', () => {
  after(removeScratch);

  const policyOf = (rules: object[]) => {
    const spec = { selector: { matchLabels: { app: 'stock' } }, rules };
    return observeText(
      JSON.stringify({ kind: 'AuthorizationPolicy', metadata: { namespace: 'shop' }, spec }),
      'istio',
    );
  };
  const allow = (account: string, operation: object) => ({
    from: [{ source: { serviceAccounts: [account] } }],
    to: [{ operation }],
  });
  const allowed = [allow('web', { methods: ['GET'], paths: ['/*'] }), allow('admin', { paths: ['/*'] })];

  it('are no drift of a graph that was drawn from them', async () => {
    const seen = await policyOf(allowed);
    const plan = planAt([scratchFile('g.yaml', draftGraph(seen, { name: 't', origin: 't' }))]);
    expect(findDrift(plan, seen).findings.filter(({ severity }) => severity === 'error')).to.deep.equal([]);
  });

  it('still allow what a narrower scope has', async () => {
    const narrow = await policyOf([...allowed, allow('admin', { methods: ['GET'], paths: ['/secret'] })]);
    const plan = planAt([scratchFile('g.yaml', draftGraph(narrow, { name: 't', origin: 't' }))]);
    const errors = findDrift(plan, await policyOf(allowed)).findings.filter(
      ({ severity }) => severity === 'error',
    );
    expect(errors.map(({ caller, callee }) => `${caller?.name} ${callee.scope}`)).to.deep.equal([
      'web secret:read',
    ]);
  });
});

describe('a service that calls itself with shared spans', () => {
  after(removeScratch);

  for (const file of ['self-call-client-first.json', 'self-call-server-first.json'])
    it(`has its next call below the server's half (${file})`, async () => {
      const drift = await driftOf('self-call.yaml', file, 'zipkin');
      expect([drift.ok, drift.findings]).to.deep.equal([true, []]);
    });

  it('in Jaeger too, in any order', async () => {
    const spans: readonly TestSpan[] = [
      server('1', 'shop', 'GET /order'),
      client('2', '1', 'shop'),
      server('2', 'shop', 'GET /price', { parent: '1' }),
      client('3', '2', 'shop'),
      server('3', 'stock', 'POST /reserve', { parent: '2' }),
    ];
    for (const list of [spans, spans.toReversed()])
      expect(callsOf(await observeSpans(list, 'jaeger'))).to.deep.equal([
        'shop GET /order -> shop GET /price request 1/1',
        'shop GET /price -> stock POST /reserve request 1/1',
      ]);
  });
});

describe('references to other traces', () => {
  after(removeScratch);

  it('do not hide the parent in the own trace (jaeger)', async () => {
    const seen = await observed('jaeger-other-trace.json', 'jaeger');
    expect(callsOf(seen)).to.deep.equal(['shop GET /order -> stock POST /reserve request 1/1']);
    expect(seen.warnings).to.deep.equal([]);
  });

  it('alone leave the sender unknown, as in OTLP (jaeger)', async () => {
    const span = {
      ...{ traceID: 'a', spanID: '1', operationName: 'poll', processID: 'p' },
      tags: [{ key: 'span.kind', value: 'consumer' }],
      references: [{ refType: 'FOLLOWS_FROM', traceID: 'b', spanID: '2' }],
    };
    const data = [{ traceID: 'a', spans: [span], processes: { p: { serviceName: 'mail' } } }];
    expect(warningsOf(await observeText(JSON.stringify({ data }), 'jaeger'))).to.deep.equal({
      'linked-elsewhere': 1,
    });
  });
});

describe('a trace id that one service cut', () => {
  after(removeScratch);

  const LONG = '0af7651916cd43dd8448eb211c80319c';
  const SHORT = LONG.slice(16);

  for (const [file, format] of [
    ['cut-id-jaeger.json', 'jaeger'],
    ['cut-id-zipkin.json', 'zipkin'],
  ] as const)
    it(`is the same trace, and is reported (${format})`, async () => {
      const seen = await observed(file, format);
      expect(callsOf(seen)).to.deep.equal(['shop GET /order -> stock POST /reserve request 1/1']);
      expect(warningsOf(seen)).to.deep.equal({ 'cut-trace-id': 1 });
    });

  it('is the same trace with links, on disk too (otlp)', async () => {
    const spans = [
      server('1', 'shop', 'GET /order', { trace: LONG }),
      client('2', '1', 'shop', { trace: LONG }),
      server('3', 'stock', 'POST /reserve', { parent: '2', trace: SHORT.toUpperCase() }),
    ];
    for (const kept of [1, 1e6])
      expect(callsOf(await observeSpans(spans, 'otlp', { kept }))).to.deep.equal([
        'shop GET /order -> stock POST /reserve request 1/1',
      ]);
  });

  it('is not guessed where two traces end with it', async () => {
    const other = `1${LONG.slice(1)}`;
    const seen = await observeSpans([
      server('1', 'shop', 'GET /order', { trace: LONG }),
      server('1', 'shop', 'GET /order', { trace: other }),
      server('3', 'stock', 'POST /reserve', { parent: '1', trace: SHORT }),
    ]);
    expect(warningsOf(seen)).to.deep.equal({ 'missing-parent': 1, 'unclear-trace-id': 1 });
    expect(seen.services.get('shop')?.operations.get('GET /order')).to.include({ runs: 2 });
  });
});

describe('a file without a record of the format', () => {
  after(removeScratch);

  for (const [file, format, message] of [
    ['metrics.json', 'otlp', 'has no spans of OTLP: it has `resourceMetrics`: metrics, not traces.'],
    [
      'otlp-snake-case.json',
      'otlp',
      'has no spans of OTLP: it has `resource_spans`, a name of the protobuf form. OTLP as JSON has `resourceSpans`: export it with those names.',
    ],
    ['jaeger-error.json', 'jaeger', 'has no spans or rows of Jaeger: it holds an error: x (code 500).'],
    [
      'zipkin-lines.jsonl',
      'otlp',
      'has no spans of OTLP: its keys are `traceId`, `id`, `name`, `kind`, `timestamp`, `duration`, ….',
    ],
    [
      'kiali-service-nodes.json',
      'jaeger',
      'has no spans or rows of Jaeger: it looks like a graph of Kiali: use --from kiali.',
    ],
  ] as const)
    it(`is refused: ${file} as ${format}`, async () => {
      expect(await refusal(observed(file, format))).to.equal(`source_unsuitable ${file} ${message}`);
    });

  it('is refused if its policies are those of Linkerd, although their kind has the same name', async () => {
    expect(await refusal(observed('linkerd.yaml', 'istio'))).to.equal(
      'source_unsuitable linkerd.yaml: it has no AuthorizationPolicy of Istio (security.istio.io), but AuthorizationPolicy of policy.linkerd.io, MeshTLSAuthentication of policy.linkerd.io.',
    );
    const both = [fileInput(caseFile('linkerd.yaml')), fileInput(caseFile('istio-namespaces.yaml'))];
    expect(warningsOf(await observe(both, 'istio'))).to.deep.equal({ 'other-document': 2 });
  });

  for (const [what, text, format, message] of [
    [
      'of Cilium',
      'apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n',
      'istio',
      /but CiliumNetworkPolicy of cilium\.io\.$/,
    ],
    ['of an empty list', 'kind: List\nitems: []\n', 'istio', /no AuthorizationPolicy of Istio/],
    [
      'of Zipkin v1',
      '[{"traceId": "1", "id": "1", "binaryAnnotations": []}]',
      'zipkin',
      /binaryAnnotations.*Export it as v2/,
    ],
    [
      'of Zipkin v1 with core annotations only',
      '[{"traceId": "1", "id": "1", "annotations": [{"value": "sr", "endpoint": {"serviceName": "a"}}]}]',
      'zipkin',
      /Export it as v2/,
    ],
    ['of other objects', '[{"a": 1}]', 'zipkin', /it has no spans\.$/],
    ['of logs', '{"resourceLogs": []}', 'otlp', /logs, not traces/],
    ['of no spans', '{"resourceSpans": []}', 'otlp', /export: it has no spans\.$/],
    [
      'of an error of Tempo',
      '{"code": 5, "message": "trace not found"}',
      'otlp',
      /it holds an error: trace not found\.$/,
    ],
    [
      "of an error of Jaeger's API v3",
      '{"error": {"httpCode": 404, "message": "no such trace"}}',
      'otlp',
      /it holds an error: no such trace \(code 404\)\.$/,
    ],
    ['of no traces', '{"data": [], "errors": null}', 'jaeger', /export: it has no traces\.$/],
    ['of no edges', '{"elements": {"nodes": [], "edges": []}}', 'kiali', /export: it has no edges\.$/],
    [
      'of an error of Kiali',
      '{"error": "namespace is forbidden"}',
      'kiali',
      /it holds an error: namespace is forbidden\./,
    ],
  ] as const)
    it(`is refused: ${what}`, async () => {
      expect(await refusal(observeText(text, format)))
        .to.match(/^source_unsuitable /)
        .and.match(message);
    });

  it('is refused beside others, unless it is only empty', async () => {
    const inputs = (name: string) => [fileInput(caseFile('namespaces-otlp.json')), fileInput(caseFile(name))];
    expect(await refusal(observe(inputs('metrics.json'), 'otlp'))).to.match(
      /^source_unsuitable metrics\.json/,
    );
    const empty = { name: 'empty', chunks: chunk('{"resourceSpans": []}') };
    const [full] = inputs('metrics.json');
    expect((await observe([full!, empty], 'otlp')).read.count).to.equal(3);
  });

  it('quotes an error within bounds, and without control characters', async () => {
    const errors = Array.from({ length: 50 }, () => ({ msg: `\u001b[31m${'x'.repeat(5_000)}` }));
    const message = await refusal(observeText(JSON.stringify({ data: null, errors }), 'jaeger'));
    expect(message.length).to.be.below(1_000);
    expect(message).to.not.contain('\u001b');
  });

  it('reports errors beside data (jaeger)', async () => {
    const data = [
      {
        traceID: '1',
        spans: [{ traceID: '1', spanID: '1', operationName: 'GET /', processID: 'p', tags: [] }],
        processes: { p: { serviceName: 'shop' } },
      },
    ];
    const seen = await observeText(
      JSON.stringify({ data, errors: [{ code: 500, msg: 'partial' }] }),
      'jaeger',
    );
    expect(warningsOf(seen)).to.deep.equal({ 'source-error': 1 });
  });

  it('is read where Tempo wraps it, or where each line is a span', async () => {
    expect(requestsOf(await observed('tempo-trace-batches.json', 'otlp'))).to.deep.equal([
      'shop GET /order 1',
    ]);
    expect(callsOf(await observed('zipkin-lines.jsonl', 'zipkin'))).to.deep.equal([
      'shop GET /order -> stock POST /reserve request 1/1',
    ]);
  });
});

async function* chunk(text: string): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from(text));
}

describe('renaming', () => {
  after(removeScratch);

  const draft = async (renames: ReadonlyMap<string, string>) => {
    const seen = await observed('shop-jaeger.json', 'jaeger', { renames });
    return { text: draftGraph(seen, { name: 't', origin: 't' }), seen };
  };

  it('counts in a first graph, and reports names that the files do not have', async () => {
    const { text, seen } = await draft(
      new Map([
        ['stock', 'warehouse'],
        ['stok', 'x'],
      ]),
    );
    expect(text).to.contain('warehouse: [reserve:create]').and.not.contain('stock');
    expect(seen.warnings).to.have.lengthOf(1);
    expect(seen.warnings[0]).to.include({ code: 'unused-rename', count: 1 });
    expect(seen.warnings[0]?.names).to.deep.equal(['stok']);
  });

  it('makes two services one', async () => {
    const { seen } = await draft(new Map([['stock', 'shop']]));
    expect(callsOf(seen)).to.deep.equal(['shop GET /order -> shop POST /reserve request 1/1']);
  });

  it('works for rows, hosts, accounts, and names with a namespace', async () => {
    const renames = new Map([
      ['a', 'b'],
      ['db.example', 'orders-db'],
      ['api.billing', 'refunds'],
      ['web.billing', 'desk'],
    ]);
    const rows = await observeText(JSON.stringify([{ parent: 'a', child: 'c', callCount: 1 }]), 'jaeger', {
      renames,
    });
    expect(callsOf(rows)).to.deep.equal(['b ? -> c ? request 1/1']);
    const host = [
      server('1', 'a', 'GET /'),
      client('2', '1', 'a', { tags: { 'server.address': 'db.example' } }),
    ];
    expect(callsOf(await observeSpans(host, 'otlp', { renames }))).to.deep.equal([
      'b GET / -> orders-db ? foreign 1/1',
    ]);
    expect(callsOf(await observed('istio-namespaces.yaml', 'istio', { renames }))[0]).to.equal(
      'desk ? -> refunds POST /refund request 1/1',
    );
  });
});

describe('a route for every path', () => {
  after(removeScratch);

  it('is reported, and marked in the draft', async () => {
    const tags = { 'http.request.method': 'GET', 'http.route': '*' };
    const seen = await observeSpans([server('1', 'shop', 'GET', { tags }), server('2', 'shop', 'GET /a')]);
    expect(seen.warnings).to.have.lengthOf(1);
    expect(seen.warnings[0]).to.include({ code: 'catch-all', count: 1 });
    expect(seen.warnings[0]?.names).to.deep.equal(['shop GET /*']);
    expect(draftGraph(seen, { name: 't', origin: 't' })).to.contain(
      '# every path matches this operation: which ones are meant?\n      any:read:\n',
    );
  });
});

describe('health checks and metrics', () => {
  after(removeScratch);

  const probed: readonly TestSpan[] = [
    server('1', 'shop', 'GET /healthz', { trace: 'a' }),
    server('2', 'shop', 'GET /metrics/', { trace: 'b' }),
    server('3', 'shop', '/grpc.health.v1.Health/Check', { trace: 'c' }),
    server('4', 'shop', 'GET /order', { trace: 'd' }),
    // The probe of a gateway: both halves are left out.
    client('5', '4', 'shop', { trace: 'd' }),
    server('6', 'stock', 'GET /readyz', { trace: 'd', parent: '5' }),
    client('7', '4', 'shop', { trace: 'd', name: 'GET /livez', tags: { 'server.address': 'mail' } }),
    // What a probe asks for without a token is the service's own call.
    server('8', 'shop', 'GET /readyz', { trace: 'e' }),
    client('9', '8', 'shop', { trace: 'e' }),
    server('a', 'stock', 'GET /items', { trace: 'e', parent: '9' }),
    server('b', 'shop', 'POST /metrics', { trace: 'f' }),
  ];

  for (const format of FORMATS)
    it(`are left out, and reported (${format})`, async () => {
      const seen = await observeSpans(probed, format);
      expect(callsOf(seen)).to.deep.equal(['shop (own) -> stock GET /items request 1/1']);
      expect(requestsOf(seen).toSorted()).to.deep.equal(['shop GET /order 1', 'shop POST /metrics 1']);
      expect(warningsOf(seen)).to.deep.equal({ probe: 6 });
    });

  it('are kept if they are asked for', async () => {
    const seen = await observeSpans(probed, 'otlp', { withProbes: true });
    expect(requestsOf(seen)).to.include('shop GET /healthz 1');
    expect(seen.warnings).to.deep.equal([]);
  });

  it('are left out of policies', async () => {
    const spec = {
      selector: { matchLabels: { app: 'stock' } },
      rules: [
        { to: [{ operation: { methods: ['GET'], paths: ['/healthz', '/metrics'] } }] },
        { from: [{ source: { serviceAccounts: ['shop/web'] } }], to: [{ operation: { paths: ['/x'] } }] },
      ],
    };
    const policy = { kind: 'AuthorizationPolicy', metadata: { namespace: 'shop' }, spec };
    const seen = await observeText(JSON.stringify(policy), 'istio');
    expect([requestsOf(seen), callsOf(seen)]).to.deep.equal([[], ['web ? -> stock /x request 1/1']]);
    expect(warningsOf(seen)).to.deep.equal({ probe: 2 });
  });
});
