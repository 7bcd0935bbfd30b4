/** Spans as a test writes them, and the same spans in each format that tools write. */
import { scratchFile } from './files.ts';
import {
  fileInput,
  observe,
  type Observation,
  type ObserveOptions,
  type SourceFormat,
} from '../../src/architect/traces/index.ts';

export type Kind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

export interface TestSpan {
  readonly id: string;
  readonly parent?: string;
  readonly service: string;
  /** `service.namespace`. */
  readonly namespace?: string;
  readonly name: string;
  /** Absent: the span does not say. */
  readonly kind?: Kind;
  readonly tags?: Readonly<Record<string, string>>;
  /** Default: one trace. */
  readonly trace?: string;
  /** FOLLOWS_FROM; Jaeger alone has it. */
  readonly follows?: boolean;
  /** Zipkin alone has it. */
  readonly shared?: boolean;
  /** Zipkin's remoteEndpoint. */
  readonly remote?: string;
}

const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'];

const placeOf = (namespace: string | undefined) =>
  namespace === undefined ? {} : { 'service.namespace': namespace };

const attributes = (tags: Readonly<Record<string, string>>) =>
  Object.entries(tags).map(([key, value]) => ({ key, value: { stringValue: value } }));

/** One object a span and line, as the collector writes them, in any order. */
export function otlpText(spans: readonly TestSpan[]): string {
  return spans.map((span) => `${JSON.stringify(otlpObject(span))}\n`).join('');
}

function otlpObject({
  id,
  parent = '',
  service,
  namespace,
  name,
  kind,
  tags = {},
  trace = 'aa',
}: TestSpan): object {
  const span = {
    traceId: trace,
    spanId: id,
    parentSpanId: parent,
    name,
    ...(kind === undefined ? {} : { kind: KINDS.indexOf(kind) }),
    attributes: attributes(tags),
  };
  return {
    resourceSpans: [
      {
        resource: { attributes: attributes({ 'service.name': service, ...placeOf(namespace) }) },
        scopeSpans: [{ spans: [span] }],
      },
    ],
  };
}

export function zipkinText(spans: readonly TestSpan[]): string {
  return JSON.stringify(
    spans.map(({ id, parent, service, namespace, name, kind, tags = {}, trace = 'aa', shared, remote }) => ({
      traceId: trace,
      id,
      ...(parent === undefined ? {} : { parentId: parent }),
      name,
      ...(kind === undefined || kind === 'internal' ? {} : { kind: kind.toUpperCase() }),
      localEndpoint: { serviceName: service },
      ...(remote === undefined ? {} : { remoteEndpoint: { serviceName: remote } }),
      tags: { ...tags, ...placeOf(namespace) },
      ...(shared === undefined ? {} : { shared }),
    })),
  );
}

/** The answer of /api/traces: the services stand behind the spans. */
export function jaegerText(spans: readonly TestSpan[]): string {
  const traces = new Map<string, TestSpan[]>();
  for (const span of spans) {
    const trace = span.trace ?? 'aa';
    traces.set(trace, [...(traces.get(trace) ?? []), span]);
  }
  return JSON.stringify({ data: [...traces].map(([trace, list]) => jaegerTrace(trace, list)), total: 0 });
}

function jaegerTrace(traceID: string, spans: readonly TestSpan[]): object {
  const keyOf = ({ service, namespace = '' }: TestSpan) => JSON.stringify([service, namespace]);
  const services = [...new Set(spans.map(keyOf))];
  return {
    traceID,
    spans: spans.map(({ id, parent, service, namespace = '', name, kind, tags = {}, follows }) => ({
      traceID,
      spanID: id,
      operationName: name,
      references:
        parent === undefined
          ? []
          : [{ refType: follows ? 'FOLLOWS_FROM' : 'CHILD_OF', traceID, spanID: parent }],
      tags: Object.entries({ ...(kind === undefined ? {} : { 'span.kind': kind }), ...tags }).map(
        ([key, value]) => ({
          key,
          type: 'string',
          value,
        }),
      ),
      processID: `p${services.indexOf(JSON.stringify([service, namespace]))}`,
    })),
    processes: Object.fromEntries(
      services.map((key, index) => {
        const [serviceName, namespace] = JSON.parse(key) as [string, string];
        const place = { key: 'service.namespace', type: 'string', value: namespace };
        return [`p${index}`, { serviceName, tags: namespace === '' ? [] : [place] }];
      }),
    ),
  };
}

export const textOf = { otlp: otlpText, zipkin: zipkinText, jaeger: jaegerText } as const;

/** Observes a text; call `removeScratch` in `after`. */
export function observeText(
  text: string,
  format: SourceFormat,
  options: ObserveOptions = {},
): Promise<Observation> {
  return observe([fileInput(scratchFile('export', text))], format, options);
}

export function observeSpans(
  spans: readonly TestSpan[],
  format: keyof typeof textOf = 'otlp',
  options: ObserveOptions = {},
): Promise<Observation> {
  return observeText(textOf[format](spans), format, options);
}

/** `caller operation -> callee operation kind count/runs`, the runs with any call to the callee; `(own)` for what a service does without a request. */
export function callsOf({ services }: Observation): readonly string[] {
  const lines: string[] = [];
  for (const { name, operations, own } of services.values()) {
    for (const [operation, { callees }] of [...operations, ['(own)', own] as const])
      for (const [callee, { runs, operations: called }] of callees)
        for (const [to, { count, kinds }] of called)
          lines.push(
            `${name} ${operation || '?'} -> ${callee} ${to || '?'} ${[...kinds].join('+')} ${count}/${runs}`,
          );
  }
  return lines.sort();
}

/** `service operation`, of what was requested from outside. */
export function requestsOf({ services }: Observation): readonly string[] {
  return [...services.values()].flatMap(({ name, operations }) =>
    [...operations].flatMap(([operation, { requested }]) =>
      requested > 0 ? [`${name} ${operation || '?'} ${requested}`] : [],
    ),
  );
}

export function warningsOf({ warnings }: Observation): Readonly<Record<string, number>> {
  return Object.fromEntries(warnings.map(({ code, count }) => [code, count]));
}
