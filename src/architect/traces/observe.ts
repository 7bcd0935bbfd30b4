/** Streams files of one format through its reader into an observation. */
import { createReadStream, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { WaybillError, isWaybillError, usageError } from '../../errors.ts';
import { Observer, type Basis, type Observation, type ObserverOptions } from './observation.ts';
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
  /** For messages. */
  readonly records: string;
  /** What the format contains, for messages: singular and plural. */
  readonly what: readonly [string, string];
}

const formats = {
  jaeger: { source: jaeger, records: 'spans or rows of Jaeger', what: ['span or row', 'spans and rows'] },
  zipkin: { source: zipkin, records: 'spans or rows of Zipkin v2', what: ['span or row', 'spans and rows'] },
  otlp: { source: otlp, records: 'spans of OTLP', what: ['span', 'spans'] },
  kiali: { source: kiali, records: 'graph of Kiali', what: ['edge', 'edges'] },
  istio: { source: istio, records: 'policies of Istio', what: ['policy', 'policies'] },
} as const satisfies Readonly<Record<string, Format>>;

export type SourceFormat = keyof typeof formats;
export const SOURCE_FORMATS = Object.keys(formats) as readonly SourceFormat[];

/** A file, or any other source of bytes. */
export interface SourceInput {
  /** Default: the format of all inputs. */
  readonly format?: SourceFormat;
  /** For messages. */
  readonly name: string;
  /** Bytes; absent if unknown. */
  readonly size?: number;
  readonly chunks: AsyncIterable<Buffer>;
}

export interface ObserveOptions extends SpanStoreOptions, ObserverOptions {
  /** Called with the number of bytes read from all inputs so far. */
  readonly progress?: (bytes: number) => void;
  /** Stops reading, also while it waits for input. */
  readonly signal?: AbortSignal;
}

const CHUNK = 256 * 1024;
const TRACES_IN_A_TURN = 1_000;
/** Files that one message names. */
const MAX_EMPTY = 5;

/** @throws WaybillError `source_unreadable`. */
export function fileInput(path: string, format?: SourceFormat): SourceInput {
  let size: number;
  try {
    const status = statSync(path);
    if (status.isDirectory())
      throw new WaybillError('source_unreadable', `${path} is a folder. Name its files.`);
    size = status.size;
  } catch (error) {
    throw isWaybillError(error) ? error : unreadable(path, error);
  }
  return {
    ...(format && { format }),
    name: path,
    size,
    chunks: createReadStream(path, { highWaterMark: CHUNK }),
  };
}

/**
 * @throws WaybillError `source_unreadable`, `source_malformed`, `source_too_large`; `source_unsuitable` for a file of
 *   another format, and if no file has a record; `output_failed` if the disk has no room for spans; the reason of `signal`.
 */
export async function observe(
  inputs: readonly SourceInput[],
  format: SourceFormat,
  { progress, signal, renames, withProbes, ...storeOptions }: ObserveOptions = {},
): Promise<Observation> {
  const bases = new Set(inputs.map((input) => basisOf(input.format ?? format)));
  if (bases.size > 1)
    throw usageError('Policies say what is allowed and traces what happens: read one of them.');
  const observer = new Observer({
    ...(renames && { renames }),
    ...(withProbes !== undefined && { withProbes }),
  });
  const spans = new SpanStore(storeOptions);
  const delayed: (() => void)[] = [];
  const empty: string[] = [];
  try {
    let bytes = 0;
    for (const { name, chunks, format: own = format } of inputs) {
      const context: SourceContext = { file: name, observer, spans, later: (act) => void delayed.push(act) };
      const input = { name, chunks: untilAborted(chunks, signal) };
      const before = observer.count;
      const { reader, read } = await readInput(input, formats[own].source, context, (read) =>
        progress?.(bytes + read),
      );
      bytes += read;
      if (observer.count > before) continue;
      const { isOfFormat, says } = reader.holding();
      if (!isOfFormat) throw unsuitable(`${name} has no ${formats[own].records}: ${says}.`);
      empty.push(`${name}: ${says}.`);
    }
    // A gate that compares nothing would always be open.
    if (observer.count === 0) throw unsuitable(empty.slice(0, MAX_EMPTY).join(' '));
    for (const act of delayed) act();
    let traces = 0;
    for (const trace of spans.traces(observer.warnings, (key) => observer.names.nameOf(key))) {
      observeTrace(trace, observer);
      // An abort is noticed only when the thread is free.
      if (signal && ++traces % TRACES_IN_A_TURN === 0) await nextTurn();
      signal?.throwIfAborted();
    }
    return observer.finish(basisOf(inputs[0]?.format ?? format), ...whatOf(inputs, format));
  } finally {
    spans.close();
  }
}

function basisOf(format: SourceFormat): Basis {
  return format === 'istio' ? 'policy' : 'traffic';
}

/** What was read, in the singular and in the plural. */
function whatOf(inputs: readonly SourceInput[], format: SourceFormat): readonly [string, string] {
  const read = new Set(inputs.map((input) => input.format ?? format));
  const [only = format] = read;
  return read.size > 1 ? ['record', 'records'] : formats[only].what;
}

/** @param progress receives the bytes read from this input. @returns the reader, at its end. */
async function readInput(
  { name, chunks }: SourceInput,
  source: Source,
  context: SourceContext,
  progress: (bytes: number) => void,
): Promise<{ readonly reader: SourceReader; readonly read: number }> {
  let reader: SourceReader | undefined;
  let read = 0;
  try {
    for await (const chunk of chunks) {
      if (!reader) refuseOther(name, chunk);
      reader ??= readerFor(chunk, source, context);
      reader.write(chunk);
      read += chunk.length;
      progress(read);
    }
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? unreadable(name, error) : error;
  }
  if (!reader) throw new WaybillError('source_malformed', `${name} is empty.`);
  reader.end();
  return { reader, read };
}

function unsuitable(message: string): WaybillError {
  return new WaybillError('source_unsuitable', message);
}

function refuseOther(name: string, first: Buffer): void {
  // RFC 1952 section 2.3.1.
  if (first[0] === 0x1f && first[1] === 0x8b)
    throw new WaybillError(
      'source_malformed',
      `${name} is compressed with gzip. Decompress it first: \`gunzip -c FILE | waybill import - …\`.`,
    );
  if (/^\uFEFF?waybill:/m.test(first.toString('utf8')))
    throw unsuitable(`${name} is a graph of Waybill. Name all files of a graph with --graph.`);
}

/** Tests of the OpenTelemetry collector write the same OTLP data as YAML. */
function readerFor(first: Buffer, source: Source, context: SourceContext): SourceReader {
  const isText = /^\s*(?:#|---|[A-Za-z]+:)/.test(first.subarray(0, 200).toString('utf8'));
  if (source !== otlp || !isText) return source(context);
  const reader = source(context);
  const take = (documents: readonly unknown[]): void => {
    for (const document of documents) reader.write(Buffer.from(JSON.stringify(document ?? null)));
    reader.end();
  };
  return { ...yamlReader(context.file, take, 0), holding: () => reader.holding() };
}

function unreadable(path: string, cause: unknown): WaybillError {
  const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
  return new WaybillError('source_unreadable', `${path} cannot be read (${reason}).`, { cause });
}
