/**
 * OTLP as JSON: one object, or one per line as the collector's file exporter writes it; also with the wrappers of
 * Jaeger's API v3 and Tempo. Spans are streamed, or wait if the name of their service follows them.
 */
import { MAX_WAITING } from '../limits.ts';
import { operationName } from '../spans/operation.ts';
import { peerOf } from '../spans/peer.ts';
import { isSameTrace, isWantedTag, SPAN_KINDS, spanId, spanKindOf, type SpanKind } from '../spans/span.ts';
import { jsonReader, refuses } from './json-reader.ts';
import { isResourceAttribute, resourceKey } from './resource.ts';
import type { Source, SourceContext } from './source.ts';
import { asObject, listAt, member, nameAt, objectAt, rawText, type Json } from './values.ts';

/** `resourceSpans` with its possible wrappers, and its former name. */
const WRAPPINGS: readonly (readonly string[])[] = [
  ['resourceSpans'],
  ['result', 'resourceSpans'],
  ['trace', 'resourceSpans'],
  ['trace', 'batches'],
  ['batches'],
];
const SCOPES = ['scopeSpans', 'instrumentationLibrarySpans'];

export const otlp: Source = (context) => {
  const resource = collectResource(context);
  const foreign = (what: string) => refuses(context.file, `this is not OTLP; it ${what}`);
  return jsonReader(context.file, {
    own: ['resourceSpans', 'batches', 'result', 'trace'],
    lacks: 'it has no spans',
    take: [
      ...WRAPPINGS.flatMap((path) => [
        [[...path, '*', 'resource'], (value: unknown) => resource.named(asObject(value))] as const,
        ...SCOPES.map(
          (scope) =>
            [
              [...path, '*', scope, '*', 'spans', '*'],
              (value: unknown) => resource.span(asObject(value)),
            ] as const,
        ),
      ]),
      [['data', '*', 'traceID'], foreign('looks like Jaeger: use --from jaeger')],
      [['*'], foreign('is a list, as in Zipkin and Jaeger: use --from zipkin or --from jaeger')],
    ],
    leave: WRAPPINGS.map((path) => [[...path, '*'], () => resource.end()] as const),
  });
};

/** One element of `resourceSpans`: its service may be named before or after its spans. */
function collectResource({ observer, spans }: SourceContext) {
  /** The key of the service. */
  let service: string | undefined;
  let waiting: Json[] = [];

  function add(json: Json, from: string): void {
    const tags = attributes(json, isWantedTag);
    const kind = kindOf(member(json, 'kind'));
    const trace = rawText(json, 'traceId');
    const links = parentOf(json, trace);
    if (links.elsewhere) observer.warnings.add('linked-elsewhere');
    const { name, folded } = operationName(rawText(json, 'name'), tags);
    spans.add({
      trace: spanId(trace),
      id: spanId(rawText(json, 'spanId')),
      parent: links.parent,
      service: from,
      operation: name,
      kind,
      shared: false,
      follows: links.follows,
      folded,
      peer: peerOf(kind, tags),
    });
  }

  return {
    named(resource: Json | undefined): void {
      const named = attributes(resource, isResourceAttribute);
      service = resourceKey(observer.names, named.get('service.name') ?? '', named, '');
    },
    span(span: Json | undefined): void {
      observer.read();
      if (!span) return;
      if (service !== undefined) add(span, service);
      else if (waiting.length < MAX_WAITING) waiting.push(span);
      else observer.warnings.add('late-service');
    },
    end(): void {
      for (const span of waiting) add(span, service ?? '');
      waiting = [];
      service = undefined;
    },
  };
}

/** The parent; otherwise the linked span of the same trace, as consumers of messages have it. */
function parentOf(span: Json, trace: string): { parent: string; follows: boolean; elsewhere: boolean } {
  const parent = spanId(rawText(span, 'parentSpanId'));
  if (parent !== '' && parent !== '0') return { parent, follows: false, elsewhere: false };
  const links = listAt(span, 'links').map(asObject);
  const own = spanId(trace);
  const here = links.find((link) => isSameTrace(spanId(rawText(link, 'traceId')), own));
  if (here) return { parent: spanId(rawText(here, 'spanId')), follows: true, elsewhere: false };
  return { parent: '', follows: false, elsewhere: links.length > 0 };
}

/** OTLP encodes kinds as numbers; some exporters write names. */
function kindOf(kind: unknown): SpanKind {
  if (typeof kind === 'number') return SPAN_KINDS[kind] ?? 'unspecified';
  return spanKindOf(typeof kind === 'string' ? kind.replace(/^SPAN_KIND_/, '') : '');
}

function attributes(holder: Json | undefined, wanted: (key: string) => boolean): Map<string, string> {
  const tags = new Map<string, string>();
  for (const entry of listAt(holder, 'attributes')) {
    const attribute = asObject(entry);
    const key = rawText(attribute, 'key');
    if (!wanted(key)) continue;
    const text = nameAt(objectAt(attribute, 'value'), 'stringValue');
    if (text !== '') tags.set(key, text);
  }
  return tags;
}
