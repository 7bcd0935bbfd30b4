import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';

import { expect } from 'chai';

import { fileInput, observe, type SourceFormat } from '../../../src/architect/traces/index.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { callsOf, warningsOf, observeText, requestsOf } from '../../support/spans.ts';

async function refusal(text: string, format: SourceFormat): Promise<string> {
  try {
    await observeText(text, format);
  } catch (error) {
    return `${(error as { code: string }).code} ${(error as Error).message.replace(/^\S*\/export/, 'export')}`;
  }
  return 'none';
}

const rows = (list: readonly object[]) => JSON.stringify(list);

describe('sources that name services only', () => {
  after(removeScratch);

  const list = [
    { parent: 'a', child: 'b', callCount: 2 },
    { parent: 'a', child: 'b', callCount: 3 },
    { parent: 'b', child: 'c', callCount: '4' },
    { parent: 'b', child: 'c', callCount: 'NaN' },
    { parent: 'b', child: 'c', callCount: -1 },
    { parent: 'b', callCount: 1, child: 7 },
    { parent: 'b', child: 'd', callCount: 0 },
  ];

  for (const [format, text] of [
    ['jaeger', rows(list)],
    ['jaeger', JSON.stringify({ data: list, total: 0 })],
    ['zipkin', rows(list)],
  ] as const) {
    it(`${format}: adds rows of one pair and counts unreadable rows`, async () => {
      const seen = await observeText(text, format);
      expect(callsOf(seen)).to.deep.equal(['a ? -> b ? request 5/5', 'b ? -> c ? request 4/4']);
      expect(warningsOf(seen)).to.deep.equal({ 'services-only': 3, 'bad-row': 3, idle: 1 });
    });
  }

  const node = (id: string, more: object) => ({ data: { id, nodeType: 'app', namespace: 'shop', ...more } });
  const edge = (source: string, target: string, protocol: string, rate: unknown) => ({
    data: { source, target, traffic: { protocol, rates: { [protocol]: rate } } },
  });

  it('kiali: gateways request, TCP and foreign hosts get no token, waypoints only forward', async () => {
    const graph = {
      graphType: 'workload',
      elements: {
        edges: [
          edge('g', 'a', 'http', '10'),
          edge('u', 'a', 'http', '5'),
          edge('a', 'b', 'grpc', '4'),
          edge('a', 'b2', 'http', '1'),
          edge('a', 'db', 'tcp', '3'),
          edge('a', 'x', 'http', '2'),
          edge('a', 'w', 'tcp', '4'),
          edge('w', 'b', 'tcp', '4'),
          edge('s', 'b', 'http', '4'),
          edge('a', 'b', 'http', 'NaN'),
          edge('a', 'gone', 'http', '1'),
        ],
        nodes: [
          node('g', { app: 'entrance', isRoot: true, isOutside: true }),
          node('u', { nodeType: 'unknown', app: 'unknown' }),
          node('a', { app: 'a' }),
          node('b', { app: 'b' }),
          node('b2', { app: 'b', namespace: 'other' }),
          node('db', { workload: 'db' }),
          node('x', { app: 'x.example', isServiceEntry: { location: 'MESH_EXTERNAL' } }),
          node('w', { app: 'w', isWaypoint: true }),
          node('s', { nodeType: 'service', service: 'b' }),
        ],
      },
    };
    const seen = await observeText(JSON.stringify(graph), 'kiali');
    expect(callsOf(seen)).to.deep.equal([
      'a ? -> b.other ? request 1/1',
      'a ? -> b.shop ? request 4/4',
      'a ? -> db ? tcp 3/3',
      'a ? -> x.example ? foreign 2/2',
      'entrance (own) -> a ? request 10/10',
    ]);
    expect(requestsOf(seen)).to.deep.equal(['a ? 5']);
    expect(warningsOf(seen)).to.deep.equal({ 'services-only': 2, tcp: 1, 'bad-row': 2 });
  });

  it('istio: principals times operations, several documents, and lists of them', async () => {
    const policy = (name: string, spec: string) =>
      `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: ${name}, namespace: shop }\nspec: ${spec}\n`;
    const text = [
      policy(
        'b',
        '{ selector: { matchLabels: { app: b } }, rules: [{ from: [{ source: { principals: [cluster.local/ns/shop/sa/a] } }], to: [{ operation: { methods: [GET, POST], paths: [/x] } }, { operation: { methods: [POST], paths: [/p.S/M] } }] }] }',
      ),
      policy(
        'db',
        '{ selector: { matchLabels: { app: db } }, rules: [{ from: [{ source: { serviceAccounts: [shop/a] } }], to: [{ operation: { ports: ["6379"] } }] }] }',
      ),
      policy('no', '{ action: DENY, rules: [{}] }'),
      policy('nothing', '{}'),
      policy(
        'open',
        '{ selector: { matchLabels: { app: front } }, rules: [{ to: [{ operation: { paths: ["*"] } }] }] }',
      ),
      'kind: Service\n',
    ].join('---\n');
    const seen = await observeText(text, 'istio');
    expect(callsOf(seen)).to.deep.equal([
      'a ? -> b /p.S/M request 1/3',
      'a ? -> b GET /x request 1/3',
      'a ? -> b POST /x request 1/3',
      'a ? -> db ? tcp 1/1',
    ]);
    expect(requestsOf(seen)).to.deep.equal(['front /* 1']);
    expect([seen.basis, warningsOf(seen)]).to.deep.equal([
      'policy',
      { 'deny-rule': 1, 'pattern-source': 1, 'other-document': 1 },
    ]);
  });

  for (const [what, text, format, message] of [
    ['Jaeger for OTLP', '{"data": [{"traceID": "1"}]}', 'otlp', /^source_unsuitable .*--from jaeger/],
    [
      'OTLP for Zipkin',
      '{"resourceSpans": [{"resource": {}}]}',
      'zipkin',
      /^source_unsuitable .*--from otlp/,
    ],
    ['Zipkin for Jaeger', '[{"traceId": "1", "id": "2"}]', 'jaeger', /^source_unsuitable .*--from zipkin/],
    [
      'an answer of a search of Tempo',
      '{"traces": [{"rootServiceName": "a"}]}',
      'jaeger',
      /Fetch the whole traces/,
    ],
    [
      'any JSON for Kiali',
      '{}',
      'kiali',
      /^source_unsuitable .*has no graph of Kiali: it has no keys\. Save the response/,
    ],
    ['an empty file', '', 'zipkin', /^source_malformed .*is empty/],
    ['YAML nested too deep', '['.repeat(100_000), 'istio', /^source_too_large .*line 1/],
    ['YAML that is none', 'a: [', 'istio', /^source_malformed .*line 1/],
    ['YAML of too many bytes', '#'.repeat(5_000_000), 'istio', /^source_too_large/],
    ['aliases without end', `a: &a [1]\nb: [${'*a,'.repeat(200)}]`, 'istio', /^source_too_large/],
  ] as const) {
    it(`refuses ${what}, and says what to do`, async () => {
      expect(await refusal(text, format)).to.match(message);
    });
  }

  it('says how to read compressed files', async () => {
    const input = { name: 'export.gz', chunks: Readable.from([gzipSync('[]')]) };
    const error = await observe([input], 'zipkin').catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'source_malformed' });
    expect((error as Error).message).to.match(/^export\.gz is compressed .*gunzip -c/);
  });

  it('names the unreadable file', async () => {
    const folder = scratchFolder();
    for (const path of [folder, `${folder}/absent`])
      expect(() => fileInput(path))
        .to.throw()
        .with.property('code', 'source_unreadable');
    const file = scratchFile('cut.json', '[{"id": "1", "na');
    const error = await observe([fileInput(file)], 'zipkin').catch((thrown: unknown) => thrown);
    expect(error).to.have.property(
      'message',
      `${file}, byte ${readFileSync(file).length}: The file ends before its JSON does.`,
    );
  });
});
