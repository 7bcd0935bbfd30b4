/** What `token/packed/deflate.ts` uses of Node's zlib, in JavaScript: with a dictionary, and never over its bounds. */
import { Deflate, Inflate } from 'pako';

interface WriteOptions {
  readonly dictionary: Uint8Array;
  readonly level: number;
  readonly windowBits: number;
  readonly memLevel: number;
}

interface ReadOptions {
  readonly dictionary: Uint8Array;
  /** Bytes; more is an error, and is not made. */
  readonly maxOutputLength: number;
  readonly chunkSize: number;
}

export function deflateRawSync(bytes: Uint8Array, options: WriteOptions): Uint8Array {
  const { dictionary, level, windowBits, memLevel } = options;
  const stream = new Deflate({ raw: true, dictionary, level, windowBits, memLevel });
  stream.push(bytes, true);
  return stream.result;
}

class Overlong extends Error {}

/** @throws for what is no DEFLATE stream, ends early, or is longer than it may be. */
export function inflateRawSync(
  bytes: Uint8Array,
  { dictionary, maxOutputLength, chunkSize }: ReadOptions,
): { buffer: Uint8Array; engine: { bytesWritten: number } } {
  const stream = new Inflate({ raw: true, dictionary, chunkSize });
  const chunks: Uint8Array[] = [];
  let length = 0;
  stream.onData = (chunk) => {
    length += chunk.length;
    if (length > maxOutputLength) throw new Overlong();
    chunks.push(chunk);
  };
  stream.push(bytes, true);
  if (stream.err !== 0 || !stream.ended) throw new TypeError('not a DEFLATE stream');
  const { total_in: bytesWritten } = (stream as unknown as { strm: { total_in: number } }).strm;
  return { buffer: Buffer.concat(chunks), engine: { bytesWritten } };
}
