/** The common form of a span: only what pairing needs. */
export const SPAN_KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

/** @param otherwise for a span without a kind, or with an unknown one. */
export function spanKindOf(name: string, otherwise: SpanKind = 'unspecified'): SpanKind {
  return SPAN_KINDS.find((kind) => kind === name.toLowerCase()) ?? otherwise;
}

export interface Peer {
  readonly name: string;
  /** `store`: a database or cache; `broker`: of messages; `host`: only its address is known. */
  readonly kind: 'service' | 'store' | 'broker' | 'host';
}

export interface Span {
  readonly trace: string;
  readonly id: string;
  /** Empty if it has none. */
  readonly parent: string;
  /** The key of the service while it is stored, then its name; empty if unknown. */
  readonly service: string;
  readonly operation: string;
  readonly kind: SpanKind;
  /** Whether the caller's span has the same id (Zipkin). */
  readonly shared: boolean;
  /** Whether its parent did not wait for it (OpenTracing's FOLLOWS_FROM). */
  readonly follows: boolean;
  /** Whether ids in the operation's path were replaced. */
  readonly folded: boolean;
  readonly peer: Peer | undefined;
}

/** A span's tags by key; only those of `isWantedTag`. */
export type Tags = ReadonlyMap<string, string>;

/** Semantic conventions of OpenTelemetry, old and new, and what Zipkin, OpenTracing and Envoy write. */
const WANTED = new Set(
  `span.kind http.request.method http.method http.route http.target http.path http.url url.path url.full
  rpc.system rpc.service rpc.method grpc.path messaging.system messaging.destination.name messaging.destination
  messaging.operation kafka.topic message_bus.destination rabbit.queue
  db.system db.system.name db.type db.instance db.name db.namespace sql.query redis.command
  peer.service server.address net.peer.name net.sock.peer.name peer.hostname service.peer.name
  upstream_cluster component service.namespace k8s.namespace.name service.peer.namespace`.split(/\s+/),
);

export function isWantedTag(key: string): boolean {
  return WANTED.has(key);
}

const HEX = /^[0-9a-fA-F]+$/;

/** A canonical id: tracers differ in case and leading zeros. */
export function spanId(text: string): string {
  if (!HEX.test(text)) return text;
  return text.toLowerCase().replace(/^0+(?=.)/, '');
}

/** Digits of an id of 64 bits. */
const HALF = 16;

/** A trace id as it is after a service cut it to 64 bits: the last digits of one with 128 bits (Zipkin, old Jaeger). */
export function shortTraceId(id: string): string {
  return id.length > HALF && HEX.test(id) ? spanId(id.slice(-HALF)) : id;
}

/** Whether two canonical ids are one trace; one of them may have been cut. */
export function isSameTrace(one: string, other: string): boolean {
  return one === other || (shortTraceId(one) === shortTraceId(other) && (isShort(one) || isShort(other)));
}

export function isShort(id: string): boolean {
  return id.length <= HALF;
}
