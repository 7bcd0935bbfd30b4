/**
 * Groups spans by trace in bounded memory. The spans of one trace may be anywhere in the files, so spans are partitioned
 * by trace id; what does not fit in memory is written to one file per partition, and read back partition by partition.
 */
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { WaybillError } from '../../../errors.ts';
import { getOrAdd } from '../../../get-or-add.ts';
import type { ImportWarnings } from '../import-warnings.ts';
import { MAX_KEPT, MAX_PART, MAX_TRACE_SPANS } from '../limits.ts';
import { UnlinkedFiles } from './unlinked-files.ts';
import { isShort, shortTraceId, SPAN_KINDS, type Peer, type Span } from './span.ts';

const PARTS = 64;

/** A stored span: an array is shorter than an object with names. */
type Row = readonly [
  trace: string,
  id: string,
  parent: string,
  service: string,
  operation: string,
  kind: number,
  flags: number,
  peer?: string,
  peerKind?: Peer['kind'],
];

const SHARED = 1;
const FOLLOWS = 2;
const FOLDED = 4;

export interface SpanStoreOptions {
  /** Characters in memory before the partitions are written out. Default: `MAX_KEPT`. */
  readonly kept?: number;
  /** The folder for the files. Default: the system's temporary folder. */
  readonly folder?: string;
}

export class SpanStore {
  readonly #parts: string[][] = Array.from({ length: PARTS }, () => []);
  readonly #bound: number;
  readonly #parent: string;
  #characters = 0;
  #files: UnlinkedFiles | undefined;

  constructor({ kept = MAX_KEPT, folder = tmpdir() }: SpanStoreOptions = {}) {
    this.#bound = kept;
    this.#parent = folder;
  }

  add(span: Span): void {
    const { trace, id, parent, service, operation, kind, peer } = span;
    const flags = (span.shared ? SHARED : 0) | (span.follows ? FOLLOWS : 0) | (span.folded ? FOLDED : 0);
    const row: Row = [trace, id, parent, service, operation, SPAN_KINDS.indexOf(kind), flags];
    const text = JSON.stringify(peer ? [...row, peer.name, peer.kind] : row);
    this.#parts[partOf(trace)]!.push(text);
    this.#characters += text.length;
    if (this.#characters > this.#bound) this.#writeOut();
  }

  /**
   * Yields each trace once, its spans in the order of arrival, and empties the store.
   *
   * @param nameOf the name of a service, by its key.
   */
  *traces(
    warnings: ImportWarnings,
    nameOf: (key: string) => string = (key) => key,
  ): Generator<readonly Span[]> {
    for (let part = 0; part < PARTS; part++) {
      const traces = this.#readBack(part, warnings, nameOf);
      joinCutTraces(traces, warnings);
      for (const spans of traces.values()) yield spans;
    }
  }

  /** Removes the files; always call it. */
  close(): void {
    this.#files?.close();
    this.#files = undefined;
  }

  #writeOut(): void {
    this.#files ??= new UnlinkedFiles(this.#parent, PARTS);
    for (const [part, rows] of this.#parts.entries()) {
      if (rows.length === 0) continue;
      this.#files.append(part, `${rows.join('\n')}\n`);
      this.#parts[part] = [];
    }
    this.#characters = 0;
  }

  #readBack(part: number, warnings: ImportWarnings, nameOf: (key: string) => string): Map<string, Span[]> {
    const traces = new Map<string, Span[]>();
    const take = (text: string) => {
      const span = spanOf(JSON.parse(text) as Row, nameOf);
      const spans = traces.get(span.trace);
      if (!spans) traces.set(span.trace, [span]);
      else if (spans.length < MAX_TRACE_SPANS) spans.push(span);
      else warnings.add('many-spans');
    };
    for (const text of this.#written(part)) take(text);
    for (const text of this.#parts[part]!) take(text);
    this.#parts[part] = [];
    return traces;
  }

  #written(part: number): readonly string[] {
    const size = this.#files?.size(part) ?? 0;
    if (!this.#files || size === 0) return [];
    if (size > MAX_PART)
      throw new WaybillError(
        'source_too_large',
        `The traces are too large: one of ${PARTS} partitions has ${size.toLocaleString('en')} bytes, the limit is ${MAX_PART.toLocaleString('en')}. Import a shorter period.`,
      );
    return this.#files.take(part).split('\n').slice(0, -1);
  }
}

/** Both ids of a trace that one service cut are in one partition. */
function partOf(trace: string): number {
  // A cryptographic hash, or a hostile file could put all its traces into one partition.
  return createHash('sha1').update(shortTraceId(trace)).digest()[0]! % PARTS;
}

/** Adds the spans with an id of 64 bits to the trace whose longer id ends with it, if there is one such trace only. */
function joinCutTraces(traces: Map<string, Span[]>, warnings: ImportWarnings): void {
  const longIds = new Map<string, string[]>();
  for (const id of traces.keys()) if (!isShort(id)) getOrAdd(longIds, shortTraceId(id), () => []).push(id);
  for (const [short, [id = '', ...others]] of longIds) {
    const [spans, cut] = [traces.get(id), traces.get(short)];
    if (short === id || !spans || !cut) continue;
    if (others.length > 0) {
      warnings.add('unclear-trace-id');
      continue;
    }
    warnings.add('cut-trace-id');
    traces.delete(short);
    const left = MAX_TRACE_SPANS - spans.length;
    if (cut.length > left) warnings.add('many-spans', cut.length - left);
    for (const span of cut.slice(0, left)) spans.push(span);
  }
}

function spanOf(
  [trace, id, parent, service, operation, kind, flags, peer, peerKind]: Row,
  nameOf: (key: string) => string,
): Span {
  return {
    trace,
    id,
    parent,
    service: nameOf(service),
    operation,
    kind: SPAN_KINDS[kind]!,
    shared: (flags & SHARED) !== 0,
    follows: (flags & FOLLOWS) !== 0,
    folded: (flags & FOLDED) !== 0,
    peer: peer === undefined || peerKind === undefined ? undefined : { name: peer, kind: peerKind },
  };
}
