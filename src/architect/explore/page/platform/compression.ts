/** DEFLATE in JavaScript: browsers can inflate raw DEFLATE, but not with a dictionary. */
import {
  Deflate,
  ZStream,
  Z_FINISH,
  Z_OK,
  Z_STREAM_END,
  zlibInflate,
  zlibInflateInit2,
  zlibInflateSetDictionary,
} from 'pako';
import type { CompressionFactory } from '../../../../token/index.ts';

/** The largest window, and a stream without header and checksum. */
const RAW_WINDOW = -15;

export const compression: CompressionFactory = ({ dictionary, maxBytes }) => ({
  deflate(body) {
    const stream = new Deflate({ raw: true, dictionary, level: 9 });
    stream.push(body, true);
    return bufferOf(stream.result);
  },
  inflate(bytes) {
    const stream = new ZStream();
    const isReady =
      zlibInflateInit2(stream, RAW_WINDOW) === Z_OK && zlibInflateSetDictionary(stream, dictionary) === Z_OK;
    if (!isReady) return undefined;
    // The buffer holds the longest body and no more, which bounds the work.
    const output = new Uint8Array(maxBytes);
    stream.input = bytes;
    stream.next_in = 0;
    stream.avail_in = bytes.length;
    stream.output = output;
    stream.next_out = 0;
    stream.avail_out = output.length;
    if (zlibInflate(stream, Z_FINISH) !== Z_STREAM_END) return undefined;
    return { body: bufferOf(output.subarray(0, stream.next_out)), read: stream.next_in };
  },
});

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
