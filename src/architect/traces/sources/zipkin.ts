/** Zipkin v2: a list of spans, a list of traces, one span a line, or the rows of `/api/v2/dependencies`. */
import { bounded, operationName } from '../spans/operation.ts';
import { peerOf } from '../spans/peer.ts';
import { isWantedTag, spanId, spanKindOf } from '../spans/span.ts';
import { isDependency, observeDependency } from './dependencies.ts';
import { jsonReader, refuses } from './json-reader.ts';
import { resourceKey } from './resource.ts';
import type { Source, SourceContext } from './source.ts';
import { asObject, listAt, member, nameAt, objectAt, rawText, type Json } from './values.ts';

/** Members of a span or row; what stands on a line of its own is collected from them. */
const MEMBERS = [
  ...['traceId', 'id', 'parentId', 'name', 'kind', 'shared', 'localEndpoint', 'remoteEndpoint', 'tags'],
  ...['parent', 'child', 'callCount', 'binaryAnnotations', 'annotations'],
];
const V1 = 'it has `binaryAnnotations`, as Zipkin v1 has. Export it as v2 (/api/v2/traces)';

export const zipkin: Source = (context) => {
  const { file, observer } = context;
  const otlp = refuses(file, 'this is not Zipkin v2; it looks like OTLP: use --from otlp');
  const jaeger = refuses(file, 'this is not Zipkin v2; it looks like Jaeger: use --from jaeger');
  const take = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(take);
    const row = asObject(value);
    if (!row) return;
    if (isDependency(row)) observeDependency(row, observer);
    else if (Object.hasOwn(row, 'traceID')) jaeger();
    else if (isV1(row)) refuses(file, V1)();
    else if (Object.hasOwn(row, 'traceId')) addSpan(row, context);
    else observer.warnings.add('bad-row');
  };
  let line: Record<string, unknown> = {};
  return jsonReader(file, {
    own: [],
    lacks: 'it has no spans',
    take: [
      [['*'], take],
      ...MEMBERS.map((key) => [[key], (value: unknown) => void (line[key] = value)] as const),
      [['resourceSpans', '*', 'resource'], otlp],
      [['data', '*', 'traceID'], jaeger],
    ],
    leave: [
      [
        [],
        () => {
          if (Object.hasOwn(line, 'traceId') || isDependency(line)) take(line);
          line = {};
        },
      ],
    ],
  });
};

/** Version 1 has the kind, the service and the tags of a span in annotations with endpoints. */
function isV1(row: Json): boolean {
  const [first] = listAt(row, 'annotations');
  return Object.hasOwn(row, 'binaryAnnotations') || member(asObject(first), 'endpoint') !== undefined;
}

function addSpan(json: Json, { observer, spans }: SourceContext): void {
  observer.read();
  const tags = tagsOf(objectAt(json, 'tags'));
  const service = nameAt(objectAt(json, 'localEndpoint'), 'serviceName');
  // A span without a kind is a step inside a service.
  const kind = spanKindOf(rawText(json, 'kind'), 'internal');
  const { name, folded } = operationName(rawText(json, 'name'), tags);
  spans.add({
    trace: spanId(rawText(json, 'traceId')),
    id: spanId(rawText(json, 'id')),
    parent: spanId(rawText(json, 'parentId')),
    // Zipkin has no namespaces; exporters of OpenTelemetry write those of the resource as tags.
    service: resourceKey(observer.names, service, tags, undefined),
    operation: name,
    kind,
    shared: member(json, 'shared') === true,
    follows: false,
    folded,
    peer: peerOf(kind, tags, nameAt(objectAt(json, 'remoteEndpoint'), 'serviceName') || undefined),
  });
}

function tagsOf(tags: Json | undefined): Map<string, string> {
  const kept = new Map<string, string>();
  for (const key of Object.keys(tags ?? {})) {
    const value = isWantedTag(key) ? tags?.[key] : undefined;
    if (typeof value === 'string') kept.set(key, bounded(value));
  }
  return kept;
}
