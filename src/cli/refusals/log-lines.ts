/** Reads logs line by line, whatever their size: lines that are no JSON, or too long, are counted and passed over. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { usageError } from '../../errors.ts';

/** Bytes. A line of the issuer or of a service has a few hundred. */
const LONGEST_LINE = 64 * 1024;

export interface LogLine {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly value: Readonly<Record<string, unknown>>;
}

export class LogReader {
  lines = 0;
  /** Lines that are no JSON object. */
  others = 0;
  /** Lines over 64 KiB. */
  tooLong = 0;

  /**
   * @param file `-` stands for standard input.
   * @throws WaybillError `usage` if it cannot be read.
   */
  async *read(file: string): AsyncGenerator<LogLine> {
    try {
      yield* this.#objects(file, file === '-' ? process.stdin : createReadStream(file));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) throw error;
      throw usageError(`${file} cannot be read (${code}). Name a log file, or - for standard input.`);
    }
  }

  async *#objects(file: string, stream: Readable): AsyncGenerator<LogLine> {
    let line = 0;
    for await (const text of this.#texts(stream)) {
      line++;
      this.lines++;
      const value = text === undefined ? undefined : readObject(text);
      if (value) yield { file, line, value };
      else if (text !== undefined && text.trim() !== '') this.others++;
    }
  }

  /** Yields undefined for a line that is too long; what is kept of one is bounded while it is read. */
  async *#texts(stream: Readable): AsyncGenerator<string | undefined> {
    let parts: Buffer[] = [];
    let bytes = 0;
    const take = (): string | undefined => {
      const text = bytes > LONGEST_LINE ? undefined : Buffer.concat(parts).toString('utf8');
      if (text === undefined) this.tooLong++;
      [parts, bytes] = [[], 0];
      return text;
    };
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        bytes += end - start;
        if (bytes <= LONGEST_LINE) parts.push(chunk.subarray(start, end));
        yield take();
        start = end + 1;
      }
      bytes += chunk.length - start;
      if (bytes <= LONGEST_LINE) parts.push(chunk.subarray(start));
      else parts = [];
    }
    if (bytes > 0) yield take();
  }
}

function readObject(text: string): LogLine['value'] | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as LogLine['value']) : undefined;
  } catch {
    return undefined;
  }
}
