/** Spans as a test writes them, and the same spans in each format that tools write. */
import { scratchFile } from './files.ts';
import { fileInput, observe, type Observation, type SourceFormat } from '../../src/architect/traces/index.ts';

export type Kind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

export interface TestSpan {
  readonly id: string;
  readonly parent?: string;
  readonly service: string;
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

const attributes = (tags: Readonly<Record<string, string>>) =>
  Object.entries(tags).map(([key, value]) => ({ key, value: { stringValue: value } }));

/** One object a span and line, as the collector writes them, in any order. */
export function otlpText(spans: readonly TestSpan[]): string {
  return spans.map((span) => `${JSON.stringify(otlpObject(span))}\n`).join('');
}

function otlpObject({ id, parent = '', service, name, kind, tags = {}, trace = 'aa' }: TestSpan): object {
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
      { resource: { attributes: attributes({ 'service.name': service }) }, scopeSpans: [{ spans: [span] }] },
    ],
  };
}

export function zipkinText(spans: readonly TestSpan[]): string {
  return JSON.stringify(
    spans.map(({ id, parent, service, name, kind, tags = {}, trace = 'aa', shared, remote }) => ({
      traceId: trace,
      id,
      ...(parent === undefined ? {} : { parentId: parent }),
      name,
      ...(kind === undefined || kind === 'internal' ? {} : { kind: kind.toUpperCase() }),
      localEndpoint: { serviceName: service },
      ...(remote === undefined ? {} : { remoteEndpoint: { serviceName: remote } }),
      tags,
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
  const services = [...new Set(spans.map(({ service }) => service))];
  return {
    traceID,
    spans: spans.map(({ id, parent, service, name, kind, tags = {}, follows }) => ({
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
      processID: `p${services.indexOf(service)}`,
    })),
    processes: Object.fromEntries(
      services.map((serviceName, index) => [`p${index}`, { serviceName, tags: [] }]),
    ),
  };
}

export const textOf = { otlp: otlpText, zipkin: zipkinText, jaeger: jaegerText } as const;

/** Observes a text; call `removeScratch` in `after`. */
export function observeText(text: string, format: SourceFormat, kept?: number): Promise<Observation> {
  return observe([fileInput(scratchFile('export', text))], format, kept === undefined ? {} : { kept });
}

export function observeSpans(
  spans: readonly TestSpan[],
  format: keyof typeof textOf = 'otlp',
): Promise<Observation> {
  return observeText(textOf[format](spans), format);
}

/** `caller operation -> callee operation kind count/runs`; `(own)` for what a service does without a request. */
export function callsOf({ services }: Observation): readonly string[] {
  const lines: string[] = [];
  for (const { name, operations, own } of services.values()) {
    for (const [operation, { callees }] of [...operations, ['(own)', own] as const])
      for (const [callee, { operations: called }] of callees)
        for (const [to, { count, runs, kinds }] of called)
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
