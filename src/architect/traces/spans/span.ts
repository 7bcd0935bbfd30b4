/** A span as every source tells it: what pairing needs, and nothing else. */
export const SPAN_KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

/** The other end of a call as the caller's span names it. */
export interface Peer {
  readonly name: string;
  /** `store`: a database, a cache; `broker`: it passes messages on; `host`: known by its address alone. */
  readonly kind: 'service' | 'store' | 'broker' | 'host';
}

export interface Span {
  readonly trace: string;
  readonly id: string;
  /** Empty: it has none. */
  readonly parent: string;
  /** Empty: the source does not say. */
  readonly service: string;
  readonly operation: string;
  readonly kind: SpanKind;
  /** Its id is that of the caller's span as well (Zipkin). */
  readonly shared: boolean;
  /** Its parent did not wait for it (OpenTracing's FOLLOWS_FROM). */
  readonly follows: boolean;
  /** The operation's path was folded into a template by us. */
  readonly folded: boolean;
  readonly peer: Peer | undefined;
}

/** What a span's tags say, by key; only those that `wantedTag` names are kept. */
export type Tags = ReadonlyMap<string, string>;

/** Semantic conventions of OpenTelemetry, old and new, and what Zipkin, OpenTracing and Envoy write. */
const WANTED = new Set(
  `span.kind http.request.method http.method http.route http.target http.path http.url url.path url.full
  rpc.system rpc.service rpc.method grpc.path messaging.system messaging.destination.name messaging.destination
  messaging.operation kafka.topic message_bus.destination rabbit.queue
  db.system db.system.name db.type db.instance db.name db.namespace sql.query redis.command
  peer.service server.address net.peer.name net.sock.peer.name peer.hostname service.peer.name
  upstream_cluster component istio.canonical_service`.split(/\s+/),
);

export function isWantedTag(key: string): boolean {
  return WANTED.has(key);
}

const HEX = /^[0-9a-fA-F]+$/;

/** One spelling of an id: tracers differ in case and in leading zeros. */
export function spanId(text: string): string {
  if (!HEX.test(text)) return text;
  return text.toLowerCase().replace(/^0+(?=.)/, '');
}
