/** Traces of one system from two tools, and graphs of several files. What comes of the traces was written by hand. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import { load } from 'js-yaml';

import { otlpText, type TestSpan } from '../../support/spans.ts';
import { run, serve, stopServing } from '../../support/program.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';

const MIXED = fileURLToPath(new URL('../../architect/traces/mixed/', import.meta.url));
const OTLP = path.join(MIXED, 'collector.otlp.json');
const JAEGER = path.join(MIXED, 'billing.jaeger.json');

/**
 * The gateway takes an order: `orders` charges it at billing's `api`, in a trace whose id billing cut to 64 bits, and
 * tells `mailer` through Kafka, which looks the item up at catalog's `api`. Another trace only shows an item. The rest
 * are health checks.
 */
const BY_HAND = {
  clients: {
    'edge-client': { gateway: ['checkout:create', 'items:read'] },
    mailer: { 'api.catalog': ['items:read'] },
  },
  services: {
    gateway: {
      'checkout:create': { operations: ['POST /checkout'], calls: { orders: ['orders:create'] } },
      'items:read': { operations: ['GET /items/{id}'], calls: { 'api.catalog': ['items:read'] } },
    },
    orders: {
      'orders:create': {
        operations: ['POST /orders'],
        calls: { 'api.billing': ['charges:create'], mailer: { mode: 'none' }, kafka: { mode: 'none' } },
      },
    },
    'api.catalog': { 'items:read': { operations: ['GET /items/{id}'] } },
    'api.billing': { 'charges:create': { operations: ['POST /charges'], calls: { ledger: ['book'] } } },
    ledger: { book: { operations: ['/ledger.v1.Ledger/Book'], calls: { 'ledger-db': { mode: 'none' } } } },
  },
};

interface Graph {
  readonly clients: Readonly<Record<string, { readonly calls: object }>>;
  readonly services: Readonly<Record<string, { readonly scopes: object }>>;
}

function partsOf(text: string): object {
  const { clients, services } = load(text) as Graph;
  return {
    clients: Object.fromEntries(Object.entries(clients).map(([name, { calls }]) => [name, calls])),
    services: Object.fromEntries(Object.entries(services).map(([name, { scopes }]) => [name, scopes])),
  };
}

describe('traces of OTLP and Jaeger together', function () {
  this.timeout(120_000); // each test runs the program several times
  after(removeScratch);

  const orders = [
    [OTLP, `jaeger:${JAEGER}`],
    [`jaeger:${JAEGER}`, `otlp:${OTLP}`],
  ] as const;

  it('give the graph that a person reads from them, in any order of the files', async () => {
    const graphs: string[] = [];
    for (const [index, files] of orders.entries()) {
      const { code, stdout, stderr } = await run([
        'import',
        ...files,
        '--from',
        index === 0 ? 'otlp' : 'jaeger',
      ]);
      expect([code, stderr]).to.deep.equal([
        0,
        'warning  Traces whose id some services cut to 64 bits, joined by its last 16 digits: 1.\n' +
          'warning  Health checks and metrics, left out: no client asks for them: 3 ' +
          '(GET /healthz, GET /metrics, /grpc.health.v1.Health/Check).\n',
      ]);
      expect(partsOf(stdout)).to.deep.equal(BY_HAND);
      graphs.push(scratchFile('graph.yaml', stdout));
    }
    expect(readFileSync(graphs[0]!, 'utf8')).to.contain(
      '# A first graph, drafted from 18 records of collector.otlp.json',
    );
    const diff = await run(['diff', ...graphs, '--json']);
    expect([diff.code, (JSON.parse(diff.stdout) as { changes: unknown[] }).changes]).to.deep.equal([0, []]);
  });

  it('change nothing when imported again, and show no drift', async () => {
    const [files] = orders;
    const graph = scratchFile('graph.yaml', (await run(['import', ...files, '--from', 'otlp'])).stdout);
    expect((await run(['check', graph])).code).to.equal(0);
    const again = await run(['import', ...files, '--from', 'otlp', '--into', graph]);
    expect([again.code, again.stdout]).to.deep.equal([0, '']);
    expect(again.stderr).to.contain('The graph lacks nothing.\n');
    const drift = await run(['drift', graph, ...files, '--from', 'otlp', '--json']);
    const { findings, coverage } = JSON.parse(drift.stdout) as { findings: unknown[]; coverage: object };
    expect([drift.code, findings]).to.deep.equal([0, []]);
    expect(coverage).to.deep.equal({
      calls: { declared: 7, seen: 7, unclear: 0 },
      scopes: { declared: 6, seen: 6 },
      services: { declared: 5, seen: 5 },
    });
  });

  it('say how much of a graph one of the files covers', async () => {
    const [files] = orders;
    const graph = scratchFile('graph.yaml', (await run(['import', ...files, '--from', 'otlp'])).stdout);
    const { code, stdout } = await run(['drift', graph, OTLP, '--from', 'otlp']);
    expect(code).to.equal(0);
    expect(stdout).to.match(
      /\nThe traces cover 5 of 7 declared calls, 5 of 6 scopes, 3 of 5 services\. 1 more call perhaps: the operation or the caller is unknown\.\n$/,
    );
  });

  it('and policies are not mixed', async () => {
    const policy = scratchFile('p.yaml', 'kind: AuthorizationPolicy\n');
    const { code, stderr } = await run(['import', OTLP, `istio:${policy}`, '--from', 'otlp']);
    expect([code, stderr]).to.deep.equal([
      2,
      'error  usage  Policies say what is allowed and traces what happens: read one of them.\n',
    ]);
  });
});

const BASE = `waybill: 1
name: shop
services:
  shop: { scopes: { browse: { operations: [GET /cart], calls: { stock: [look] } } } }
  stock: { scopes: { look: { operations: [GET /items] } } }
`;
const PROD = `waybill: 1
issuer: { url: 'https://tokens.example' }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB_SECRET }, calls: { shop: [browse] } }
`;
/** Without findings. */
const CHECKED = BASE.replace(
  'services:',
  'defaults: { caller: mtls, headers: { profile: envoy } }\nservices:',
);
const SPANS: readonly TestSpan[] = [
  { id: '1', service: 'shop', name: 'GET /cart', kind: 'server' },
  { id: '2', parent: '1', service: 'shop', name: 'GET', kind: 'client' },
  { id: '3', parent: '2', service: 'stock', name: 'GET /items', kind: 'server' },
];
const FROM = ['--from', 'otlp'];

describe('a graph of several paths', function () {
  this.timeout(120_000); // each test runs the program several times
  after(stopServing);
  after(removeScratch);

  it('is compared, and added to, with --graph', async () => {
    const graph = ['--graph', scratchFile('base.yaml', BASE), scratchFile('env/prod.yaml', PROD)];
    const traces = scratchFile('traces.jsonl', otlpText(SPANS));
    const drift = await run(['drift', traces, ...FROM, ...graph]);
    expect([drift.code, drift.stderr]).to.deep.equal([0, '']);
    expect(drift.stdout).to.contain('cover 2 of 2 declared calls, 2 of 2 scopes, 2 of 2 services.');
    const more = scratchFile(
      'more.jsonl',
      otlpText([...SPANS, { id: '9', service: 'shop', name: 'GET /help', kind: 'server' }]),
    );
    expect((await run(['drift', more, ...FROM, ...graph])).code).to.equal(1);
    const written = await run(['import', more, ...FROM, '--write', ...graph]);
    expect([written.code, written.stderr]).to.deep.equal([0, '']);
    expect(readFileSync(graph[1]!, 'utf8')).to.contain('help:read: { operations: [GET /help] }');
    expect((await run(['drift', more, ...FROM, ...graph])).code).to.equal(0);
    expect((await run(['import', more, ...FROM, ...graph])).stderr).to.equal('The graph lacks nothing.\n');
  });

  for (const [what, args, shows] of [
    ['check', [], /1 client, 2 services, 2 scopes/],
    ['plan', ['--client', 'web', '--scope', 'browse'], /web asks for browse: 2 tokens/],
    ['draw', ['--format', 'mermaid'], /web[^]*shop[^]*stock/],
    ['explore', ['--out', 'OUT'], /OUT\/index\.html {2}No findings\./],
    ['export', ['--to', 'istio'], /kind: AuthorizationPolicy/],
    ['why', ['stock:look'], /web {2}1 path/],
    ['diff', ['--to', 'BASE', 'PROD'], /^shop: the graphs issue the same tokens/],
  ] as const)
    it(`is one graph to ${what}`, async () => {
      const [base, prod] = [scratchFile('base.yaml', CHECKED), scratchFile('env/prod.yaml', PROD)];
      const out = path.join(path.dirname(base), 'out');
      const named = new Map([
        ['BASE', base],
        ['PROD', prod],
        ['OUT', out],
      ]);
      const rest = args.map((arg) => named.get(arg) ?? arg);
      const { code, stdout, stderr } = await run([what, base, prod, ...rest]);
      expect([code, stderr.replace(/^note .*\n/gm, '')]).to.deep.equal([0, '']);
      expect(stdout.replaceAll(out, 'OUT')).to.match(shows);
    });

  it('is one graph to serve', async () => {
    const graph = [scratchFile('base.yaml', CHECKED), scratchFile('env/prod.yaml', PROD)];
    const keys = path.join(path.dirname(graph[0]!), 'keys.json');
    const served = await serve([...graph, '--port', '0', '--keys', keys], {
      env: { WEB_SECRET: '0'.repeat(32) },
    });
    expect(await served.logged('started')).to.include({ graph: 'shop', clients: 1, services: 2 });
    expect(await served.stop()).to.equal(0);
  });

  for (const [what, args] of [
    ['drift', (base: string, prod: string, traces: string) => ['drift', base, prod, traces]],
    [
      'import --into',
      (base: string, prod: string, traces: string) => ['import', traces, '--into', base, prod],
    ],
  ] as const)
    it(`is asked for with --graph, where ${what} meets it among the files`, async () => {
      const prod = scratchFile('env/prod.yaml', `\uFEFF# Production\n${PROD}`);
      const traces = scratchFile('traces.jsonl', otlpText(SPANS));
      const { code, stdout, stderr } = await run([
        ...args(scratchFile('base.yaml', `${BASE}${PROD.replace('waybill: 1\n', '')}`), prod, traces),
        ...FROM,
      ]);
      expect([code, stdout, stderr]).to.deep.equal([
        1,
        '',
        `error  source_unsuitable  ${prod} is a graph of Waybill. Name all files of a graph with --graph.\n`,
      ]);
    });

  for (const [what, args, message] of [
    [
      'no file beside the graph',
      ['drift', 'graph.yaml', ...FROM],
      /There is no file to compare with graph\.yaml/,
    ],
    [
      'two ways to name the graph',
      ['import', 'a', ...FROM, '--into', 'b', '--graph', 'c'],
      /Use one of them/,
    ],
    ['--write without a graph', ['import', 'a', ...FROM, '--write'], /--write needs the graph to write/],
    [
      'a name for a graph that has one',
      ['import', 'a', ...FROM, '--into', 'b', '--name', 'c'],
      /--name is for a new graph/,
    ],
  ] as const)
    it(`refuses ${what}`, async () => {
      const { code, stdout, stderr } = await run(args);
      expect([code, stdout]).to.deep.equal([2, '']);
      expect(stderr)
        .to.match(/^error {2}usage {2}/)
        .and.match(message);
    });
});

describe('a gate without evidence', function () {
  this.timeout(120_000); // each test runs the program several times
  after(removeScratch);

  const GRAPH = `${BASE}${PROD.replace('waybill: 1\n', '')}`;

  for (const [what, text, message] of [
    ['a file of metrics', '{"resourceMetrics": []}', /it has `resourceMetrics`: metrics, not traces\.$/m],
    ['no spans', '{"resourceSpans": []}', /it has no spans\.$/m],
    [
      'spans without a service',
      JSON.stringify({
        resourceSpans: [{ resource: {}, scopeSpans: [{ spans: [{ traceId: '1', spanId: '1' }] }] }],
      }),
      /Nothing to compare: no call and no request, in 1 span\. Spans without a service name, left out: 1\.$/m,
    ],
    [
      'health checks only',
      otlpText([{ id: '1', service: 'shop', name: 'GET /healthz', kind: 'server' }]),
      /Nothing to compare: .*Health checks and metrics, left out: no client asks for them: 1 \(GET \/healthz\)\.$/m,
    ],
    [
      'another system',
      otlpText([{ id: '1', service: 'other', name: 'tick', kind: 'internal' }]),
      /no service of the graph \(shop, stock\) occurs in the files, which name other\. If the names differ/,
    ],
    [
      'only what happens inside a service',
      otlpText([{ id: '1', service: 'shop', name: 'tick', kind: 'internal' }]),
      /Nothing to compare: the files show only what happens inside shop, and no request or call\.$/m,
    ],
    ['a graph', '{"waybill": 1}', /it is a graph of Waybill: name all files of a graph with --graph\.$/m],
  ] as const)
    it(`does not pass: ${what}`, async () => {
      const outcome = await run([
        'drift',
        scratchFile('g.yaml', GRAPH),
        scratchFile('traces', text),
        ...FROM,
      ]);
      expect([outcome.code, outcome.stdout]).to.deep.equal([1, '']);
      expect(outcome.stderr)
        .to.match(/^error {2}source_unsuitable /)
        .and.match(message);
    });

  it('tells of a misspelt name to rename', async () => {
    const traces = scratchFile('traces', otlpText(SPANS));
    const imported = await run(['import', traces, ...FROM, '--rename', 'stok=warehouse']);
    expect([imported.code, imported.stderr]).to.deep.equal([
      0,
      'warning  Names to rename that the files do not have: 1 (stok).\n',
    ]);
    const drift = await run([
      'drift',
      scratchFile('g.yaml', GRAPH),
      traces,
      ...FROM,
      '--rename',
      'stok=stock',
    ]);
    expect(drift.stdout).to.contain('  Names to rename that the files do not have: 1 (stok).\n');
  });
});
