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

/** A limit, and how it is counted. */
interface Limits {
  readonly line?: number;
  readonly total?: number;
  /** Default: lines. */
  readonly counts?: Counting;
}

type Row = Omit<Profile, 'name'>;

/** A row for a product whose limits are known in these ways. */
function known(...evidence: readonly Evidence[]) {
  return ({ line, total, counts = 'lines' }: Limits, knob: string, beyond: string, version?: string): Row => {
    return { maxLine: line, maxTotal: total, counts, knob, beyond, evidence, version };
  };
}

const measured = known('measured');
const read = known('source');
const measuredAndRead = known('measured', 'source');
const documented = known('documented');

/** By name: the limits, the setting that changes them, what a client sees beyond them, and the version. */
const rows: Readonly<Record<string, Row>> = {
  // Four buffers of 8 KiB, and no line is split: two that follow each other hold more than 8 KiB, whatever comes.
  nginx: measuredAndRead({ line: 8192, total: 16 * KIB }, 'large_client_header_buffers', '400', '1.22.1'),
  'ingress-nginx': read(
    { line: 8192, total: 16 * KIB },
    'large-client-header-buffers in the ConfigMap',
    '400',
  ),
  kong: read({ line: 8192, total: 16 * KIB }, 'nginx_http_large_client_header_buffers', '400'),
  'apache-httpd': measuredAndRead({ line: 8190 }, 'LimitRequestFieldSize', '400 (HTTP/2: 431)', '2.4.71'),
  haproxy: measuredAndRead(
    { total: 15360, counts: 'blocks' },
    'tune.bufsize, tune.maxrewrite',
    '400 (HTTP/2: stream reset)',
    '2.6.12',
  ),
  envoy: measuredAndRead({ total: 61440 }, 'max_request_headers_kb', '431 (HTTP/2: stream reset)', '1.40.0'),
  istio: read({ total: 61440 }, 'max_request_headers_kb', '431 (HTTP/2: stream reset)'),
  'envoy-gateway': read({ total: 61440 }, 'max_request_headers_kb', '431 (HTTP/2: stream reset)'),
  linkerd: read(
    { total: 16384, counts: 'list' },
    'LINKERD2_PROXY_INBOUND_SERVER_HTTP2_MAX_HEADER_LIST_SIZE',
    '431',
  ),
  traefik: read({ total: 1024 * KIB, counts: 'list' }, 'http.maxHeaderBytes', '431'),
  squid: read({ total: 64 * KIB }, 'request_header_max_size', '431'),
  node: measured({ total: 16383, counts: 'pairs' }, '--max-http-header-size, maxHeaderSize', '431', '20'),
  express: measured(
    { total: 16383, counts: 'pairs' },
    '--max-http-header-size, maxHeaderSize',
    '431',
    'on Node 20',
  ),
  // One value may have 65536 bytes as HPACK writes it, which is never more than it has.
  'node-http2': measured(
    { line: 64 * KIB, total: 64 * KIB - 1, counts: 'list' },
    'none',
    'connection closed',
    '20',
  ),
  'grpc-js': measured(
    { line: 64 * KIB, total: 64 * KIB - 1, counts: 'list' },
    'none',
    'connection closed',
    '1.14, on Node 20',
  ),
  bun: read({ total: 16384 }, '--max-http-header-size', '431'),
  // HTTP/1 has 4096 bytes more than MaxHeaderBytes; the smaller number of HTTP/2 counts.
  go: measuredAndRead({ total: 1024 * KIB + 320, counts: 'list' }, 'Server.MaxHeaderBytes', '431', '1.26'),
  hyper: read({ total: 16384, counts: 'list' }, 'max_header_list_size', '431', '1.3.1'),
  tomcat: measuredAndRead(
    { total: 8192 },
    'maxHttpRequestHeaderSize',
    '400 (HTTP/2: stream reset)',
    '10.1.41',
  ),
  // These count lines over HTTP/1 and the list size over HTTP/2; a service does not choose what its callers speak.
  jetty: measuredAndRead(
    { total: 8192, counts: 'list' },
    'requestHeaderSize',
    '431 (HTTP/2: connection closed)',
    '12.0.21',
  ),
  'spring-boot': read(
    { total: 8192, counts: 'list' },
    'server.max-http-request-header-size',
    '400 or 431 (HTTP/2: reset)',
  ),
  netty: read({ total: 8192, counts: 'list' }, 'maxHeaderSize', 'its handler decides'),
  'reactor-netty': measuredAndRead({ total: 8192, counts: 'list' }, 'maxHeaderSize', '431', '1.2.6'),
  vertx: measuredAndRead({ total: 8192, counts: 'list' }, 'maxHeaderSize', '431', '4.5.14'),
  // HTTP/1 has 1 MiB.
  undertow: measuredAndRead(
    { total: 20000, counts: 'list' },
    'MAX_HEADER_SIZE',
    '400 (HTTP/2: connection closed)',
    '2.3.18',
  ),
  kestrel: known('source', 'documented')({ total: 32768 }, 'MaxRequestHeadersTotalSize', '431'),
  iis: documented({ line: 16384, total: 16384 }, 'MaxFieldLength, MaxRequestBytes', '400'),
  'http-sys': documented({ line: 16384, total: 16384 }, 'MaxFieldLength, MaxRequestBytes', '400'),
  gunicorn: measuredAndRead({ line: 8190 }, '--limit-request-field_size', '431', '27.0.1'),
  uvicorn: measuredAndRead({ total: 16384 }, '--h11-max-incomplete-event-size', '400', '0.54.0'),
  'uvicorn-httptools': measured(
    { total: 4 * KIB * KIB },
    'none',
    'none seen: the largest that was tried',
    '0.54.0',
  ),
  hypercorn: measuredAndRead(
    { total: 16384 },
    'h11_max_incomplete_size',
    '431 (HTTP/2: connection closed)',
    '0.18.0',
  ),
  'python-http-server': measuredAndRead({ line: 64 * KIB }, 'none', '431', '3.11'),
  werkzeug: measured({ line: 64 * KIB }, 'none', '431', '3.1.9'),
  'jdk-httpserver': measured(
    { total: 380 * KIB, counts: 'list' },
    'sun.net.httpserver.maxReqHeaderSize',
    'connection closed',
    '17',
  ),
  aiohttp: measuredAndRead({ line: 8190 }, 'max_field_size', '400', '3.14.5'),
  puma: read({ line: 81920, total: 114688 }, 'set when it is compiled', '400'),
  'grpc-go': measured(
    { total: 4 * KIB * KIB },
    'MaxHeaderListSize',
    'none seen: the largest that was tried',
    '1.85.0',
  ),
  // The soft limit: between it and the hard one a request fails at random.
  'grpc-core': measuredAndRead(
    { total: 8192, counts: 'list' },
    'grpc.max_metadata_size',
    'RESOURCE_EXHAUSTED: at random up to 16384, always beyond',
  ),
  'grpc-java': measuredAndRead(
    { total: 8192, counts: 'list' },
    'maxInboundMetadataSize',
    'UNKNOWN with "431"; above 10240 connection closed',
  ),
  'aws-alb': documented({ line: 16384, total: 65536 }, 'none', '400'),
  'aws-apigateway': documented({ total: 10240, counts: 'values' }, 'none', 'not documented'),
  cloudfront: documented({ total: 20480 }, 'none', 'not documented'),
  cloudflare: documented({ line: 16384, total: 32768 }, 'none', 'not documented'),
  // HTTP/1 has 32768 for all headers; the smaller numbers of HTTP/2 count.
  'azure-appgw': documented({ line: 8192, total: 16384 }, 'none', 'not documented'),
  fastly: documented({ total: 69000 }, 'none', 'connection closed, 502 or 503'),
  vercel: documented({ line: 16384, total: 32768 }, 'none', 'an answer like 431'),
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
const UNKNOWN = known()({}, 'not known', 'not known');

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
export const profiles: ReadonlyMap<string, Profile> = new Map(
  Object.entries({ ...rows, ...Object.fromEntries(unknown.map((name) => [name, UNKNOWN])) }).map(
    ([name, row]): [string, Profile] => [name, { name, ...row }],
  ),
);
