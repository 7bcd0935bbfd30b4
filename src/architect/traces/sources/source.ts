/** The interface of every format: a reader that adds the bytes of one file to an observation. */
import type { Observer } from '../observation.ts';
import type { SpanStore } from '../spans/span-store.ts';

export interface SourceContext {
  /** For messages. */
  readonly file: string;
  readonly observer: Observer;
  /** For formats with spans, which become calls after all files are read. */
  readonly spans: SpanStore;
}

export interface SourceReader {
  /** @throws WaybillError `source_malformed`, `source_too_large` or `source_unsuitable`. */
  write(chunk: Buffer): void;
  end(): void;
}

export type Source = (context: SourceContext) => SourceReader;
