/** Zipkin v2: a list of spans, a list of traces, or the rows of `/api/v2/dependencies`. */
import { WaybillError } from '../../../errors.ts';
import { JsonScanner } from '../json/scanner.ts';
import { bounded, operationName } from '../spans/operation.ts';
import { peerOf } from '../spans/peer.ts';
import { isWantedTag, spanId, spanKindOf } from '../spans/span.ts';
import { isDependency, observeDependency } from './dependencies.ts';
import type { Source, SourceContext } from './source.ts';
import { asObject, member, nameAt, objectAt, rawText, type Json } from './values.ts';

export const zipkin: Source = (context) => {
  const foreign = (what: string) => () => {
    throw new WaybillError('source_unsuitable', `${context.file}: this is not Zipkin v2; it ${what}.`);
  };
  const take = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(take);
    const row = asObject(value);
    if (!row) return;
    if (isDependency(row)) observeDependency(row, context.observer);
    else if (Object.hasOwn(row, 'traceID')) foreign('looks like Jaeger: use --from jaeger')();
    else addSpan(row, context);
  };
  return new JsonScanner(context.file, {
    take: [
      [['*'], take],
      [['resourceSpans', '*', 'resource'], foreign('looks like OTLP: use --from otlp')],
      [['data', '*', 'traceID'], foreign('looks like Jaeger: use --from jaeger')],
    ],
  });
};

function addSpan(json: Json, { observer, spans }: SourceContext): void {
  observer.read();
  const tags = tagsOf(objectAt(json, 'tags'));
  // A span without a kind is a step inside a service.
  const kind = spanKindOf(rawText(json, 'kind'), 'internal');
  const { name, folded } = operationName(rawText(json, 'name'), tags);
  spans.add({
    trace: spanId(rawText(json, 'traceId')),
    id: spanId(rawText(json, 'id')),
    parent: spanId(rawText(json, 'parentId')),
    service: nameAt(objectAt(json, 'localEndpoint'), 'serviceName'),
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
