/** Streams files of one format through its reader into an observation. */
import { createReadStream, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { WaybillError, isWaybillError } from '../../errors.ts';
import { Observer, type Observation } from './observation.ts';
import { istio } from './sources/istio.ts';
import { jaeger } from './sources/jaeger.ts';
import { kiali } from './sources/kiali.ts';
import { otlp } from './sources/otlp.ts';
import type { Source, SourceContext, SourceReader } from './sources/source.ts';
import { yamlReader } from './sources/yaml-reader.ts';
import { zipkin } from './sources/zipkin.ts';
import { observeTrace } from './spans/pair-spans.ts';
import { SpanStore, type SpanStoreOptions } from './spans/span-store.ts';
import { untilAborted } from './until-aborted.ts';

interface Format {
  readonly source: Source;
  /** What the format contains, for messages: singular and plural. */
  readonly what: readonly [string, string];
}

const formats = {
  jaeger: { source: jaeger, what: ['span or row', 'spans and rows'] },
  zipkin: { source: zipkin, what: ['span or row', 'spans and rows'] },
  otlp: { source: otlp, what: ['span', 'spans'] },
  kiali: { source: kiali, what: ['edge', 'edges'] },
  istio: { source: istio, what: ['policy', 'policies'] },
} as const satisfies Readonly<Record<string, Format>>;

export type SourceFormat = keyof typeof formats;
export const SOURCE_FORMATS = Object.keys(formats) as readonly SourceFormat[];

/** A file, or any other source of bytes. */
export interface SourceInput {
  /** For messages. */
  readonly name: string;
  /** Bytes; absent if unknown. */
  readonly size?: number;
  readonly chunks: AsyncIterable<Buffer>;
}

export interface ObserveOptions extends SpanStoreOptions {
  /** Called with the number of bytes read from all inputs so far. */
  readonly progress?: (bytes: number) => void;
  /** Stops reading, also while it waits for input. */
  readonly signal?: AbortSignal;
}

const CHUNK = 256 * 1024;
const TRACES_IN_A_TURN = 1_000;

/** @throws WaybillError `source_unreadable`. */
export function fileInput(path: string): SourceInput {
  let size: number;
  try {
    const status = statSync(path);
    if (status.isDirectory())
      throw new WaybillError('source_unreadable', `${path} is a folder. Name its files.`);
    size = status.size;
  } catch (error) {
    throw isWaybillError(error) ? error : unreadable(path, error);
  }
  return { name: path, size, chunks: createReadStream(path, { highWaterMark: CHUNK }) };
}

/**
 * @throws WaybillError `source_unreadable`, `source_malformed`, `source_too_large`; `source_unsuitable` for a file of
 *   another format; `output_failed` if the disk has no room for spans; the reason of `signal`.
 */
export async function observe(
  inputs: readonly SourceInput[],
  format: SourceFormat,
  { progress, signal, ...storeOptions }: ObserveOptions = {},
): Promise<Observation> {
  const { source, what } = formats[format];
  const observer = new Observer();
  const spans = new SpanStore(storeOptions);
  try {
    let bytes = 0;
    for (const { name, chunks } of inputs) {
      const context: SourceContext = { file: name, observer, spans };
      bytes = await readInput(
        { name, chunks: untilAborted(chunks, signal) },
        source,
        context,
        bytes,
        progress,
      );
    }
    let traces = 0;
    for (const trace of spans.traces(observer.warnings)) {
      observeTrace(trace, observer);
      // An abort is noticed only when the thread is free.
      if (signal && ++traces % TRACES_IN_A_TURN === 0) await nextTurn();
      signal?.throwIfAborted();
    }
    const [one, many] = what;
    return observer.finish(format === 'istio' ? 'policy' : 'traffic', one, many);
  } finally {
    spans.close();
  }
}

async function readInput(
  { name, chunks }: SourceInput,
  source: Source,
  context: SourceContext,
  before: number,
  progress: ObserveOptions['progress'],
): Promise<number> {
  let reader: SourceReader | undefined;
  let bytes = before;
  try {
    for await (const chunk of chunks) {
      if (!reader) refuseGzip(name, chunk);
      reader ??= readerFor(chunk, source, context);
      reader.write(chunk);
      bytes += chunk.length;
      progress?.(bytes);
    }
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? unreadable(name, error) : error;
  }
  if (!reader) throw new WaybillError('source_malformed', `${name} is empty.`);
  reader.end();
  return bytes;
}

/** RFC 1952 section 2.3.1. */
function refuseGzip(name: string, first: Buffer): void {
  if (first[0] !== 0x1f || first[1] !== 0x8b) return;
  throw new WaybillError(
    'source_malformed',
    `${name} is compressed with gzip. Decompress it first: \`gunzip -c FILE | waybill import - …\`.`,
  );
}

/** Tests of the OpenTelemetry collector write the same OTLP data as YAML. */
function readerFor(first: Buffer, source: Source, context: SourceContext): SourceReader {
  const isText = /^\s*(?:#|---|[A-Za-z]+:)/.test(first.subarray(0, 200).toString('utf8'));
  if (source !== otlp || !isText) return source(context);
  const take = (documents: readonly unknown[]): void => {
    const reader = source(context);
    for (const document of documents) reader.write(Buffer.from(JSON.stringify(document ?? null)));
    reader.end();
  };
  return yamlReader(context.file, take, 0);
}

function unreadable(path: string, cause: unknown): WaybillError {
  const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
  return new WaybillError('source_unreadable', `${path} cannot be read (${reason}).`, { cause });
}
