/** Small files of every format that import reads: traces as tools write them, rows of dependencies, a mesh, policies. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import type { SourceFormat } from '../../../src/architect/traces/index.ts';
import { textOf, type TestSpan } from '../../../test/support/spans.ts';

export interface ObservedFile {
  readonly format: SourceFormat;
  readonly text: string;
}

const http = (method: string, route: string) => ({ 'http.request.method': method, 'http.route': route });

/** A request through three services, a message, a store, and a service that is only called from outside. */
const SPANS: readonly TestSpan[] = [
  { id: '1', service: 'shop', name: 'POST /orders', kind: 'server', tags: http('POST', '/orders') },
  { id: '2', parent: '1', service: 'shop', name: 'handle', kind: 'internal' },
  {
    id: '3',
    parent: '2',
    service: 'shop',
    name: 'POST',
    kind: 'client',
    tags: { 'server.address': 'payment' },
  },
  {
    id: '4',
    parent: '3',
    service: 'payment',
    name: 'POST /charge',
    kind: 'server',
    tags: http('POST', '/charge'),
  },
  {
    id: '5',
    parent: '4',
    service: 'payment',
    name: 'INSERT',
    kind: 'client',
    tags: { 'db.system': 'redis' },
  },
  {
    id: '6',
    parent: '2',
    service: 'shop',
    name: 'orders send',
    kind: 'producer',
    tags: { 'messaging.system': 'kafka' },
  },
  { id: '7', parent: '6', service: 'mail', name: 'orders receive', kind: 'consumer' },
  {
    id: '8',
    parent: '7',
    service: 'mail',
    name: 'GET',
    kind: 'client',
    tags: { 'url.full': 'https://smtp.example/x?y=1' },
  },
  {
    id: '9',
    service: 'stock',
    name: 'shop.Stock/Reserve',
    kind: 'server',
    trace: 'bb',
    tags: { 'rpc.system': 'grpc' },
  },
  {
    id: 'a',
    parent: '3',
    service: 'payment',
    name: 'GET /a/{id}',
    kind: 'server',
    trace: 'bb',
    shared: true,
    remote: 'shop',
  },
];

const ROWS = [
  { parent: 'shop', child: 'payment', callCount: 2 },
  { parent: 'payment', child: 'ledger', callCount: '4' },
  { parent: 'shop', child: 'mail', callCount: 0 },
];

const node = (id: string, more: object): object => ({
  data: { id, nodeType: 'app', namespace: 'shop', ...more },
});
const edge = (source: string, target: string, protocol: string, rate: string): object => ({
  data: { source, target, traffic: { protocol, rates: { [protocol]: rate } } },
});

const MESH = {
  graphType: 'workload',
  elements: {
    nodes: [
      node('g', { app: 'entrance', isRoot: true, isOutside: true }),
      node('a', { app: 'shop' }),
      node('b', { app: 'payment' }),
      node('c', { app: 'payment', namespace: 'other' }),
      node('d', { workload: 'redis' }),
      node('x', { app: 'x.example', isServiceEntry: { location: 'MESH_EXTERNAL' } }),
      node('s', { nodeType: 'service', service: 'payment' }),
    ],
    edges: [
      edge('g', 'a', 'http', '10'),
      edge('a', 'b', 'grpc', '4'),
      edge('a', 'c', 'http', '1'),
      edge('a', 'd', 'tcp', '3'),
      edge('a', 'x', 'http', '2'),
      edge('s', 'b', 'http', '4'),
    ],
  },
};

const POLICIES = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: payment, namespace: shop }
spec:
  selector: { matchLabels: { app: payment } }
  rules:
    - from: [{ source: { principals: [cluster.local/ns/shop/sa/shop, '*/ns/shop/sa/admin'] } }]
      to: [{ operation: { methods: [POST, GET], paths: [/charge, '/v1/*'] } }]
    - from:
        - source: { serviceAccounts: [shop/mail], namespaces: [shop] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: front, namespace: shop }
spec:
  selector: { matchLabels: { app: shop } }
  action: ALLOW
  rules: [{ to: [{ operation: { paths: ['*'] } }] }]
---
kind: Service
`;

const FIXTURE = path.resolve(import.meta.dirname, '../../../test/fixtures/traces.jsonl');

export function observations(): readonly ObservedFile[] {
  const [recorded = ''] = readFileSync(FIXTURE, 'utf8').split('\n');
  return [
    { format: 'jaeger', text: textOf.jaeger(SPANS) },
    { format: 'jaeger', text: JSON.stringify(ROWS) },
    { format: 'jaeger', text: JSON.stringify({ data: ROWS, total: 0 }) },
    { format: 'zipkin', text: textOf.zipkin(SPANS) },
    { format: 'zipkin', text: JSON.stringify(ROWS) },
    { format: 'otlp', text: textOf.otlp(SPANS) },
    { format: 'otlp', text: recorded.length < 8_192 ? recorded : textOf.otlp(SPANS.slice(0, 4)) },
    { format: 'kiali', text: JSON.stringify(MESH) },
    { format: 'istio', text: POLICIES },
  ];
}
