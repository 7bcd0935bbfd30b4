/** Copies a text, so that a cache that keeps it keeps no larger text in memory. */

/** A buffer for copying texts of the usual size; a longer one needs its own. */
const room = Buffer.allocUnsafeSlow(32 * 1024);

/**
 * In V8 a piece of a text (`slice`, `split`, a match) is a view of the whole, and joined texts are a tree of their parts:
 * a short key in a cache can keep a whole request in memory. So texts are copied before a cache or a store keeps them. A
 * look-up needs no copy.
 *
 * @returns the same text in memory of its own: a byte for each character where it is ASCII, else two.
 */
export function copyText(text: string): string {
  const isAscii = Buffer.byteLength(text) === text.length;
  if (!isAscii) return Buffer.from(text, 'utf16le').toString('utf16le');
  if (text.length > room.length) return Buffer.from(text, 'latin1').toString('latin1');
  return room.toString('latin1', 0, room.write(text, 'latin1'));
}
