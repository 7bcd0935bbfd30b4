/**
 * Jaeger: responses of `/api/traces` and `/api/dependencies`, whole or their inner lists, and single traces. The
 * services of a trace follow its spans, so the spans of one trace wait for them.
 */
import { WaybillError } from '../../../errors.ts';
import { MAX_WAITING } from '../limits.ts';
import { bounded, operationName } from '../spans/operation.ts';
import { peerOf } from '../spans/peer.ts';
import { isSameTrace, isWantedTag, spanId, spanKindOf, type Span } from '../spans/span.ts';
import type { ServiceNames } from '../service-names.ts';
import { observeDependency } from './dependencies.ts';
import { jsonReader, refuses } from './json-reader.ts';
import { isResourceAttribute, resourceKey } from './resource.ts';
import type { Source, SourceContext } from './source.ts';
import { asObject, listAt, nameAt, objectAt, rawText, type Json } from './values.ts';

const TEMPO_SEARCH =
  'this is a search result of Grafana Tempo, whose spans have no parents and kinds, so it shows no calls. Fetch the whole traces (/api/v2/traces/<id>) and use --from otlp';

export const jaeger: Source = (context) => {
  const trace = collectTrace(context);
  const { file, observer } = context;
  return jsonReader(file, {
    own: ['data', 'spans'],
    lacks: 'it has no traces',
    take: [
      ...[['data', '*'], []].flatMap((path) => [
        [[...path, 'spans', '*'], (value: unknown) => trace.span(asObject(value))] as const,
        [[...path, 'processes'], (value: unknown) => trace.named(asObject(value))] as const,
      ]),
      ...['parent', 'child', 'callCount'].map(
        (key) => [['data', '*', key], (value: unknown) => trace.column(key, value)] as const,
      ),
      [['*'], (value) => trace.element(asObject(value))],
      [['traces', '*', 'rootServiceName'], refuses(file, TEMPO_SEARCH)],
      [['traces', '*', 'spanSet'], refuses(file, TEMPO_SEARCH)],
      [['resourceSpans', '*', 'resource'], refuses(file, 'this is OTLP. Use --from otlp')],
    ],
    leave: [
      [['data', '*'], () => trace.end()],
      [[], () => trace.end()],
    ],
    ended(errors) {
      if (errors > 0) observer.warnings.add('source-error', errors);
    },
  });
};

/** Collects one element of the response: a trace or a dependency row. */
function collectTrace({ file, observer, spans }: SourceContext) {
  let processes: ReadonlyMap<string, string> | undefined;
  let waiting: (Omit<Span, 'service'> & { readonly process: string })[] = [];
  let row: Record<string, unknown> | undefined;

  function named(json: Json | undefined): void {
    const ids = Object.keys(json ?? {});
    processes = new Map(ids.map((id) => [id, processKey(objectAt(json, id), observer.names)]));
  }

  function span(json: Json | undefined): void {
    observer.read();
    if (!json) return;
    const own = objectAt(json, 'process');
    const { span: found, isLinkedElsewhere } = spanOf(json);
    if (isLinkedElsewhere) observer.warnings.add('linked-elsewhere');
    const process = rawText(json, 'processID');
    if (own) spans.add({ ...found, service: processKey(own, observer.names) });
    else if (processes) spans.add({ ...found, service: processes.get(process) ?? '' });
    else if (waiting.length < MAX_WAITING) waiting.push({ ...found, process });
    else observer.warnings.add('late-service');
  }

  function end(): void {
    if (row) observeDependency(row, observer);
    for (const { process, ...found } of waiting)
      spans.add({ ...found, service: processes?.get(process) ?? '' });
    row = undefined;
    waiting = [];
    processes = undefined;
  }

  return {
    named,
    span,
    end,
    column(key: string, value: unknown): void {
      (row ??= {})[key] = value;
    },
    /** An element of a list without an envelope: a dependency row, a span with its process, or a trace. */
    element(json: Json | undefined): void {
      if (!json) return;
      if (Object.hasOwn(json, 'spanID')) return span(json);
      if (Object.hasOwn(json, 'parent')) return observeDependency(json, observer);
      if (!Object.hasOwn(json, 'spans')) {
        const zipkin = Object.hasOwn(json, 'traceId') ? ' It looks like Zipkin: use --from zipkin.' : '';
        throw new WaybillError(
          'source_unsuitable',
          `${file}: an element is neither a trace, a span nor a dependency of Jaeger.${zipkin}`,
        );
      }
      named(objectAt(json, 'processes'));
      for (const each of listAt(json, 'spans')) span(asObject(each));
      end();
    },
  };
}

function processKey(process: Json | undefined, names: ServiceNames): string {
  return resourceKey(names, nameAt(process, 'serviceName'), tagsOf(process, isResourceAttribute), '');
}

function spanOf(json: Json): { span: Omit<Span, 'service'>; isLinkedElsewhere: boolean } {
  const tags = tagsOf(json, isWantedTag);
  const kind = spanKindOf(tags.get('span.kind') ?? '');
  const { name, folded } = operationName(rawText(json, 'operationName'), tags);
  const trace = spanId(rawText(json, 'traceID'));
  const references = listAt(json, 'references').map(asObject);
  // A span may have several references, also to other traces: the first parent in its own trace counts.
  const own = references.filter((one) => {
    const other = rawText(one, 'traceID');
    return other === '' || isSameTrace(spanId(other), trace);
  });
  const parent = own.find((one) => rawText(one, 'refType') === 'CHILD_OF') ?? own[0];
  const legacyParent = rawText(json, 'parentSpanID');
  const span = {
    trace,
    id: spanId(rawText(json, 'spanID')),
    parent: spanId(parent ? rawText(parent, 'spanID') : legacyParent),
    operation: name,
    kind,
    shared: false,
    follows: rawText(parent, 'refType') === 'FOLLOWS_FROM',
    folded,
    peer: peerOf(kind, tags),
  };
  return { span, isLinkedElsewhere: span.parent === '' && references.length > 0 };
}

function tagsOf(json: Json | undefined, isWanted: (key: string) => boolean): Map<string, string> {
  const tags = new Map<string, string>();
  for (const entry of listAt(json, 'tags')) {
    const tag = asObject(entry);
    const key = rawText(tag, 'key');
    if (isWanted(key)) tags.set(key, bounded(rawText(tag, 'value')));
  }
  return tags;
}
