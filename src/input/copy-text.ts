/** Copies a text, so that who keeps it keeps nothing else alive. */

/** Where texts of the usual size become bytes on their way; a longer one has to find its own room. */
const room = Buffer.allocUnsafeSlow(32 * 1024);

/**
 * V8 makes a piece of a text (`slice`, `split`, a match) a view of the whole, and texts that were joined a tree of their
 * parts: a short key that is kept can hold a whole request in memory. So whatever goes into a cache or a store passes
 * through here. A look-up needs no copy.
 *
 * @returns the same text in memory of its own: a byte for each character where it is ASCII, else two.
 */
export function ownText(text: string): string {
  const isAscii = Buffer.byteLength(text) === text.length;
  if (!isAscii) return Buffer.from(text, 'utf16le').toString('utf16le');
  if (text.length > room.length) return Buffer.from(text, 'latin1').toString('latin1');
  return room.toString('latin1', 0, room.write(text, 'latin1'));
}
