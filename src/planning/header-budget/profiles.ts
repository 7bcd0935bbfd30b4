/**
 * Header limits of real infrastructure, as shipped. Defaults change between versions: each profile says where its
 * numbers come from and when they were read. A product whose limit could not be established has no numbers, and a
 * graph that names it must give some.
 */

import type { Counting } from './counting.ts';

/** How the number is known: measured on loopback, read in the source, or documented by the vendor. */
export type Evidence = 'measured' | 'source' | 'documented';

export interface Profile {
  readonly name: string;
  /** Bytes of the longest header line, its name and line end included. */
  readonly maxLine: number | undefined;
  /** Bytes of all headers, counted as `counts` says. */
  readonly maxTotal: number | undefined;
  readonly counts: Counting;
  /** The setting that changes it. */
  readonly knob: string;
  /** What a client sees beyond the limit. */
  readonly beyond: string;
  readonly evidence: readonly Evidence[];
  /** The version that was read or measured, where one is known. */
  readonly version: string | undefined;
}

/** When the numbers were gathered. */
export const PROFILES_READ = '2026-11';

const KIB = 1024;

interface Row {
  line?: number;
  total?: number;
  counts?: Counting;
  knob: string;
  beyond: string;
  evidence: Evidence[];
  version?: string;
}

const rows: Readonly<Record<string, Row>> = {
  // Four buffers of 8 KiB, and no line is split: two that follow each other hold more than 8 KiB, whatever comes.
  nginx: {
    line: 8192,
    total: 16 * KIB,
    knob: 'large_client_header_buffers',
    beyond: '400',
    evidence: ['measured', 'source'],
    version: '1.22.1',
  },
  'ingress-nginx': {
    line: 8192,
    total: 16 * KIB,
    knob: 'large-client-header-buffers in the ConfigMap',
    beyond: '400',
    evidence: ['source'],
  },
  kong: {
    line: 8192,
    total: 16 * KIB,
    knob: 'nginx_http_large_client_header_buffers',
    beyond: '400',
    evidence: ['source'],
  },
  'apache-httpd': {
    line: 8190,
    knob: 'LimitRequestFieldSize',
    beyond: '400 (HTTP/2: 431)',
    evidence: ['measured', 'source'],
    version: '2.4.71',
  },
  haproxy: {
    total: 15360,
    counts: 'blocks',
    knob: 'tune.bufsize, tune.maxrewrite',
    beyond: '400 (HTTP/2: stream reset)',
    evidence: ['measured', 'source'],
    version: '2.6.12',
  },
  envoy: {
    total: 61440,
    knob: 'max_request_headers_kb',
    beyond: '431 (HTTP/2: stream reset)',
    evidence: ['measured', 'source'],
    version: '1.40.0',
  },
  istio: {
    total: 61440,
    knob: 'max_request_headers_kb',
    beyond: '431 (HTTP/2: stream reset)',
    evidence: ['source'],
  },
  'envoy-gateway': {
    total: 61440,
    knob: 'max_request_headers_kb',
    beyond: '431 (HTTP/2: stream reset)',
    evidence: ['source'],
  },
  linkerd: {
    total: 16384,
    counts: 'list',
    knob: 'LINKERD2_PROXY_INBOUND_SERVER_HTTP2_MAX_HEADER_LIST_SIZE',
    beyond: '431',
    evidence: ['source'],
  },
  traefik: {
    total: 1024 * KIB,
    counts: 'list',
    knob: 'http.maxHeaderBytes',
    beyond: '431',
    evidence: ['source'],
  },
  squid: { total: 64 * KIB, knob: 'request_header_max_size', beyond: '431', evidence: ['source'] },
  node: {
    total: 16383,
    counts: 'pairs',
    knob: '--max-http-header-size, maxHeaderSize',
    beyond: '431',
    evidence: ['measured'],
    version: '20',
  },
  express: {
    total: 16383,
    counts: 'pairs',
    knob: '--max-http-header-size, maxHeaderSize',
    beyond: '431',
    evidence: ['measured'],
    version: 'on Node 20',
  },
  // One value may have 65536 bytes as HPACK writes it, which is never more than it has.
  'node-http2': {
    line: 64 * KIB,
    total: 64 * KIB - 1,
    counts: 'list',
    knob: 'none',
    beyond: 'connection closed',
    evidence: ['measured'],
    version: '20',
  },
  'grpc-js': {
    line: 64 * KIB,
    total: 64 * KIB - 1,
    counts: 'list',
    knob: 'none',
    beyond: 'connection closed',
    evidence: ['measured'],
    version: '1.14, on Node 20',
  },
  bun: { total: 16384, knob: '--max-http-header-size', beyond: '431', evidence: ['source'] },
  // HTTP/1 has 4096 bytes more than MaxHeaderBytes; the smaller number of HTTP/2 counts.
  go: {
    total: 1024 * KIB + 320,
    counts: 'list',
    knob: 'Server.MaxHeaderBytes',
    beyond: '431',
    evidence: ['measured', 'source'],
    version: '1.26',
  },
  hyper: {
    total: 16384,
    counts: 'list',
    knob: 'max_header_list_size',
    beyond: '431',
    evidence: ['source'],
    version: '1.3.1',
  },
  tomcat: {
    total: 8192,
    knob: 'maxHttpRequestHeaderSize',
    beyond: '400 (HTTP/2: stream reset)',
    evidence: ['measured', 'source'],
    version: '10.1.41',
  },
  // These count lines over HTTP/1 and the list size over HTTP/2; a service does not choose what its callers speak.
  jetty: {
    total: 8192,
    counts: 'list',
    knob: 'requestHeaderSize',
    beyond: '431 (HTTP/2: connection closed)',
    evidence: ['measured', 'source'],
    version: '12.0.21',
  },
  'spring-boot': {
    total: 8192,
    counts: 'list',
    knob: 'server.max-http-request-header-size',
    beyond: '400 or 431 (HTTP/2: reset)',
    evidence: ['source'],
  },
  netty: {
    total: 8192,
    counts: 'list',
    knob: 'maxHeaderSize',
    beyond: 'its handler decides',
    evidence: ['source'],
  },
  'reactor-netty': {
    total: 8192,
    counts: 'list',
    knob: 'maxHeaderSize',
    beyond: '431',
    evidence: ['measured', 'source'],
    version: '1.2.6',
  },
  vertx: {
    total: 8192,
    counts: 'list',
    knob: 'maxHeaderSize',
    beyond: '431',
    evidence: ['measured', 'source'],
    version: '4.5.14',
  },
  // HTTP/1 has 1 MiB.
  undertow: {
    total: 20000,
    counts: 'list',
    knob: 'MAX_HEADER_SIZE',
    beyond: '400 (HTTP/2: connection closed)',
    evidence: ['measured', 'source'],
    version: '2.3.18',
  },
  kestrel: {
    total: 32768,
    knob: 'MaxRequestHeadersTotalSize',
    beyond: '431',
    evidence: ['source', 'documented'],
  },
  iis: {
    line: 16384,
    total: 16384,
    knob: 'MaxFieldLength, MaxRequestBytes',
    beyond: '400',
    evidence: ['documented'],
  },
  'http-sys': {
    line: 16384,
    total: 16384,
    knob: 'MaxFieldLength, MaxRequestBytes',
    beyond: '400',
    evidence: ['documented'],
  },
  gunicorn: {
    line: 8190,
    knob: '--limit-request-field_size',
    beyond: '431',
    evidence: ['measured', 'source'],
    version: '27.0.1',
  },
  uvicorn: {
    total: 16384,
    knob: '--h11-max-incomplete-event-size',
    beyond: '400',
    evidence: ['measured', 'source'],
    version: '0.54.0',
  },
  'uvicorn-httptools': {
    total: 4 * KIB * KIB,
    knob: 'none',
    beyond: 'none seen: the largest that was tried',
    evidence: ['measured'],
    version: '0.54.0',
  },
  hypercorn: {
    total: 16384,
    knob: 'h11_max_incomplete_size',
    beyond: '431 (HTTP/2: connection closed)',
    evidence: ['measured', 'source'],
    version: '0.18.0',
  },
  'python-http-server': {
    line: 64 * KIB,
    knob: 'none',
    beyond: '431',
    evidence: ['measured', 'source'],
    version: '3.11',
  },
  werkzeug: { line: 64 * KIB, knob: 'none', beyond: '431', evidence: ['measured'], version: '3.1.9' },
  'jdk-httpserver': {
    total: 380 * KIB,
    counts: 'list',
    knob: 'sun.net.httpserver.maxReqHeaderSize',
    beyond: 'connection closed',
    evidence: ['measured'],
    version: '17',
  },
  aiohttp: {
    line: 8190,
    knob: 'max_field_size',
    beyond: '400',
    evidence: ['measured', 'source'],
    version: '3.14.5',
  },
  puma: { line: 81920, total: 114688, knob: 'set when it is compiled', beyond: '400', evidence: ['source'] },
  'grpc-go': {
    total: 4 * KIB * KIB,
    knob: 'MaxHeaderListSize',
    beyond: 'none seen: the largest that was tried',
    evidence: ['measured'],
    version: '1.85.0',
  },
  // The soft limit: between it and the hard one a request fails at random.
  'grpc-core': {
    total: 8192,
    counts: 'list',
    knob: 'grpc.max_metadata_size',
    beyond: 'RESOURCE_EXHAUSTED: at random up to 16384, always beyond',
    evidence: ['measured', 'source'],
  },
  'grpc-java': {
    total: 8192,
    counts: 'list',
    knob: 'maxInboundMetadataSize',
    beyond: 'UNKNOWN with "431"; above 10240 connection closed',
    evidence: ['measured', 'source'],
  },
  'aws-alb': { line: 16384, total: 65536, knob: 'none', beyond: '400', evidence: ['documented'] },
  'aws-apigateway': {
    total: 10240,
    counts: 'values',
    knob: 'none',
    beyond: 'not documented',
    evidence: ['documented'],
  },
  cloudfront: { total: 20480, knob: 'none', beyond: 'not documented', evidence: ['documented'] },
  cloudflare: { line: 16384, total: 32768, knob: 'none', beyond: 'not documented', evidence: ['documented'] },
  // HTTP/1 has 32768 for all headers; the smaller numbers of HTTP/2 count.
  'azure-appgw': {
    line: 8192,
    total: 16384,
    knob: 'none',
    beyond: 'not documented',
    evidence: ['documented'],
  },
  fastly: { total: 69000, knob: 'none', beyond: 'connection closed, 502 or 503', evidence: ['documented'] },
  vercel: { line: 16384, total: 32768, knob: 'none', beyond: 'an answer like 431', evidence: ['documented'] },
};

/** What a token meets most often, from the small to the large. */
export const COMMON_PROFILES = [
  'tomcat',
  'nginx',
  'node',
  'haproxy',
  'aws-alb',
  'linkerd',
  'kestrel',
  'envoy',
];

/** Products whose limit could not be established. */
const unknown = ['gcp-alb', 'akamai', 'apigee-x', 'lambda-url', 'cilium'];

/**
 * Header limits of real infrastructure as shipped, by the name that a graph gives in `headers: { profile: NAME }`. A profile
 * whose `maxLine` and `maxTotal` are undefined has no limit that could be established.
 *
 * @example
 * ```ts
 * import { profiles } from 'waybill';
 *
 * const { maxLine, knob } = profiles.get('nginx') ?? {};
 * console.log(maxLine, knob); // bytes of the longest header line, and the setting that changes it
 * ```
 */
export const profiles: ReadonlyMap<string, Profile> = new Map([
  ...Object.entries(rows).map(([name, row]): [string, Profile] => [
    name,
    {
      name,
      maxLine: row.line,
      maxTotal: row.total,
      counts: row.counts ?? 'lines',
      knob: row.knob,
      beyond: row.beyond,
      evidence: row.evidence,
      version: row.version,
    },
  ]),
  ...unknown.map((name): [string, Profile] => [
    name,
    {
      name,
      maxLine: undefined,
      maxTotal: undefined,
      counts: 'lines',
      knob: 'not known',
      beyond: 'not known',
      evidence: [],
      version: undefined,
    },
  ]),
]);
