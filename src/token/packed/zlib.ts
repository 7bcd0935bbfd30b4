/** Compression by Node's own zlib. In the explorer's page a library replaces this module. */

import { deflateRawSync, inflateRawSync } from 'node:zlib';

import type { CompressionFactory } from '../platform.ts';

/** The result of `inflateRawSync` with `info`, which its types lack. */
interface InflatedWithInfo {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

export const compression: CompressionFactory = ({ dictionary, maxBytes }) => {
  const writing = { dictionary, level: 9 };
  const reading = { dictionary, maxOutputLength: maxBytes, info: true };
  return {
    deflate: (body) => deflateRawSync(body, writing),
    inflate(bytes) {
      try {
        const { buffer, engine } = inflateRawSync(bytes, reading) as unknown as InflatedWithInfo;
        return { body: buffer, read: engine.bytesWritten };
      } catch {
        return undefined;
      }
    },
  };
};
