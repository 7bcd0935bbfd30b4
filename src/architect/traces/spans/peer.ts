/** The other end that a caller's span names: a service, a store, a broker or an address. */
import { isIP } from 'node:net';
import { parseUrl } from '../../../input/url.ts';
import { bounded } from './operation.ts';
import type { Peer, SpanKind, Tags } from './span.ts';

const SERVICE_TAGS = ['peer.service', 'service.peer.name'];
const HOST_TAGS = ['server.address', 'net.peer.name', 'peer.hostname', 'net.sock.peer.name'];
const STORE_TAGS = [
  'db.system',
  'db.system.name',
  'db.type',
  'sql.query',
  'redis.command',
  'db.name',
  'db.namespace',
  'db.instance',
];
const BROKER_TAGS = [
  'messaging.system',
  'kafka.topic',
  'rabbit.queue',
  'message_bus.destination',
  'messaging.destination.name',
  'messaging.destination',
];

/** @param remote the name in Zipkin's `remoteEndpoint`. */
export function peerOf(kind: SpanKind, tags: Tags, remote?: string): Peer | undefined {
  const named = usable(remote) ?? serviceOf(tags);
  if (STORE_TAGS.some((tag) => tags.has(tag))) {
    const name =
      named ??
      firstOf(tags, HOST_TAGS) ??
      firstOf(tags, ['db.name', 'db.namespace', 'db.instance', 'db.system', 'db.system.name', 'db.type']);
    return { name: name ?? 'database', kind: 'store' };
  }
  if (kind === 'producer' || kind === 'consumer' || BROKER_TAGS.some((tag) => tags.has(tag))) {
    const name =
      named ?? firstOf(tags, ['messaging.system']) ?? (tags.has('kafka.topic') ? 'kafka' : undefined);
    return name === undefined ? undefined : { name, kind: 'broker' };
  }
  if (named !== undefined) return { name: named, kind: 'service' };
  const host = firstOf(tags, HOST_TAGS) ?? hostOf(tags.get('url.full') ?? tags.get('http.url'));
  return host === undefined ? undefined : { name: host, kind: 'host' };
}

/** With its namespace, as cluster DNS would write it, where the span names one. */
function serviceOf(tags: Tags): string | undefined {
  const name = firstOf(tags, SERVICE_TAGS);
  const namespace = usable(tags.get('service.peer.namespace'));
  return name === undefined || namespace === undefined ? name : `${name}.${namespace}`;
}

function firstOf(tags: Tags, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = usable(tags.get(key));
    if (value !== undefined) return value;
  }
  return undefined;
}

/** IP addresses and localhost identify no service. */
function usable(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const clean = bounded(name);
  const host = clean.replace(/:\d+$/, '');
  return clean === '' || clean === 'localhost' || isIP(host.replace(/^\[|\]$/g, '')) !== 0
    ? undefined
    : clean;
}

function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : usable(parseUrl(url)?.hostname);
}
