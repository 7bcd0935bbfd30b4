/**
 * Header limits of real infrastructure, as shipped. Defaults change between versions: each profile says where its
 * numbers come from and when they were read. A product whose limit could not be established has no numbers, and a
 * graph that names it must give some.
 */

/**
 * What a limit on all headers counts, for one bearer token of n bytes:
 * `lines` the header lines with their ends (n + 24); `list` the HTTP/2 list size, name + value + 32 (n + 52, RFC 9113
 * section 6.5.2); `pairs` names and values without separators (n + 20); `values` values alone (n + 7).
 */
export type Counting = 'lines' | 'list' | 'pairs' | 'values';

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
  nginx: {
    line: 8192,
    total: 32 * KIB,
    knob: 'large_client_header_buffers',
    beyond: '400',
    evidence: ['measured', 'source'],
    version: '1.22.1',
  },
  'ingress-nginx': {
    line: 8192,
    total: 32 * KIB,
    knob: 'large-client-header-buffers in the ConfigMap',
    beyond: '400',
    evidence: ['source'],
  },
  kong: {
    line: 8192,
    total: 32 * KIB,
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
    total: 15292,
    knob: 'tune.bufsize, tune.maxrewrite',
    beyond: '400',
    evidence: ['measured', 'source'],
    version: '2.6.12',
  },
  envoy: { total: 61440, knob: 'max_request_headers_kb', beyond: '431', evidence: ['source'] },
  istio: { total: 61440, knob: 'max_request_headers_kb', beyond: '431', evidence: ['source'] },
  'envoy-gateway': { total: 61440, knob: 'max_request_headers_kb', beyond: '431', evidence: ['source'] },
  linkerd: {
    total: 16384,
    counts: 'list',
    knob: 'LINKERD2_PROXY_INBOUND_SERVER_HTTP2_MAX_HEADER_LIST_SIZE',
    beyond: '431',
    evidence: ['source'],
  },
  traefik: { total: 1024 * KIB, knob: 'http.maxHeaderBytes', beyond: '431', evidence: ['source'] },
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
  bun: { total: 16384, knob: '--max-http-header-size', beyond: '431', evidence: ['source'] },
  go: {
    total: 1024 * KIB + 4096,
    knob: 'Server.MaxHeaderBytes',
    beyond: '431',
    evidence: ['measured'],
    version: '1.19',
  },
  hyper: {
    total: 16384,
    counts: 'list',
    knob: 'max_header_list_size',
    beyond: '431',
    evidence: ['source'],
    version: '1.3.1',
  },
  tomcat: { total: 8192, knob: 'maxHttpRequestHeaderSize', beyond: '400', evidence: ['source'] },
  jetty: { total: 8192, knob: 'requestHeaderSize', beyond: '431', evidence: ['source'], version: '12' },
  'spring-boot': {
    total: 8192,
    knob: 'server.max-http-request-header-size',
    beyond: '400 or 431',
    evidence: ['source'],
  },
  netty: { total: 8192, knob: 'maxHeaderSize', beyond: 'its handler decides', evidence: ['source'] },
  'reactor-netty': { total: 8192, knob: 'maxHeaderSize', beyond: '431', evidence: ['source'] },
  vertx: { total: 8192, knob: 'maxHeaderSize', beyond: 'its handler decides', evidence: ['source'] },
  // HTTP/1 has 1 MiB; a service does not choose what its callers speak, so the smaller number counts.
  undertow: {
    total: 20000,
    counts: 'list',
    knob: 'MAX_HEADER_SIZE',
    beyond: '400, connection closed',
    evidence: ['source'],
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
  gunicorn: { line: 8190, knob: '--limit-request-field_size', beyond: '431', evidence: ['source'] },
  uvicorn: { total: 16384, knob: '--h11-max-incomplete-event-size', beyond: '400', evidence: ['source'] },
  aiohttp: { line: 8190, knob: 'max_field_size', beyond: '400', evidence: ['source'] },
  puma: { line: 81920, total: 114688, knob: 'set when it is compiled', beyond: '400', evidence: ['source'] },
  // Soft limit: between 8192 and the hard limit of 16384 it fails at random.
  'grpc-core': {
    total: 8192,
    counts: 'list',
    knob: 'grpc.max_metadata_size',
    beyond: 'RESOURCE_EXHAUSTED',
    evidence: ['source'],
  },
  'grpc-java': {
    total: 8192,
    counts: 'list',
    knob: 'maxInboundMetadataSize',
    beyond: 'RESOURCE_EXHAUSTED',
    evidence: ['source'],
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
