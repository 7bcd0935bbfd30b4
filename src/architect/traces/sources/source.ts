/** The interface of every format: a reader that adds the bytes of one file to an observation. */
import type { Observer } from '../observation.ts';
import type { SpanStore } from '../spans/span-store.ts';

export interface SourceContext {
  /** For messages. */
  readonly file: string;
  readonly observer: Observer;
  /** For formats with spans, which become calls after all files are read. */
  readonly spans: SpanStore;
  /** Runs `observe` when all files are read, and so the names of all services are known. */
  readonly later: (observe: () => void) => void;
}

/** What a file holds in which no record of its format was found. */
export interface Holding {
  /** Whether it has the form of the format, and only lacks records. */
  readonly isOfFormat: boolean;
  /** A clause for messages, such as `it has no spans`. */
  readonly says: string;
}

export interface SourceReader {
  /** @throws WaybillError `source_malformed`, `source_too_large` or `source_unsuitable`. */
  write(chunk: Buffer): void;
  end(): void;
  /** Asked after the end, if the file had no record. */
  holding(): Holding;
}

export type Source = (context: SourceContext) => SourceReader;
