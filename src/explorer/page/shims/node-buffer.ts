/** What the rooms use of `node:buffer` beside the global. */

export function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}
