/** The part of `node:buffer` that tokens import. */
import type { AsciiCheck } from '../../../../token/index.ts';

export const isAscii: AsciiCheck = (input) => {
  const bytes = ArrayBuffer.isView(input)
    ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
    : new Uint8Array(input);
  return bytes.every((byte) => byte < 0x80);
};
