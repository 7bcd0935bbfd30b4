/**
 * All spans of a run, by trace, in bounded memory. The spans of one trace may stand anywhere in the files, so they are
 * parted by their trace's id; what does not fit in memory goes to a file per part, and the parts are read back one by
 * one. In: spans in any order. Out: whole traces.
 */
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { WaybillError } from '../../../errors.ts';
import type { ImportWarnings } from '../import-warnings.ts';
import { MAX_KEPT, MAX_PART, MAX_TRACE_SPANS } from '../limits.ts';
import { UnlinkedFiles } from './unlinked-files.ts';
import { SPAN_KINDS, type Peer, type Span } from './span.ts';

const PARTS = 64;

/** A span as it is kept: an array is shorter than an object with names. */
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
  /** Characters in memory before all parts are written out; the default suits any machine. */
  readonly kept?: number;
  /** The folder on whose disk the parts are. */
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

  /** Each trace once, its spans in the order in which they came. The store is empty afterwards. */
  *traces(warnings: ImportWarnings): Generator<readonly Span[]> {
    for (let part = 0; part < PARTS; part++) {
      for (const spans of this.#readBack(part, warnings).values()) yield spans;
    }
  }

  /** Takes the files away; call it whatever happens. */
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

  #readBack(part: number, warnings: ImportWarnings): Map<string, Span[]> {
    const traces = new Map<string, Span[]>();
    const take = (text: string) => {
      const span = spanOf(JSON.parse(text) as Row);
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
        `A sixty-fourth of the traces takes ${size.toLocaleString('en')} bytes; ${MAX_PART.toLocaleString('en')} is the most. Import a shorter time.`,
      );
    return this.#files.take(part).split('\n').slice(0, -1);
  }
}

function partOf(trace: string): number {
  // A hash that nobody can steer cheaply: or all traces of a hostile file would be one part.
  return createHash('sha1').update(trace).digest()[0]! % PARTS;
}

function spanOf([trace, id, parent, service, operation, kind, flags, peer, peerKind]: Row): Span {
  return {
    trace,
    id,
    parent,
    service,
    operation,
    kind: SPAN_KINDS[kind]!,
    shared: (flags & SHARED) !== 0,
    follows: (flags & FOLLOWS) !== 0,
    folded: (flags & FOLDED) !== 0,
    peer: peer === undefined || peerKind === undefined ? undefined : { name: peer, kind: peerKind },
  };
}
