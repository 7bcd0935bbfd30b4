/**
 * Reads text and JSON from outside: files that people and tools write, documents that servers publish.
 *
 * Skips a byte order mark (RFC 8259 section 8.1), which Windows puts before UTF-8. The error for another encoding names
 * it, so that nobody looks for the mistake in the content: PowerShell's `>` writes UTF-16.
 *
 * Not for signed text: a token with such a mark is malformed.
 */

/** Why input cannot be read. The message is a clause with `it`, and contains nothing of the input. */
export class InputFault extends Error {
  override readonly name = 'InputFault';
}

const NOT_JSON = 'it is not JSON';
const UTF_16 = 'it is UTF-16, not UTF-8; save it as UTF-8';
const NOT_UTF_8 = 'it is not UTF-8 text; save it as UTF-8';

const MARK = '\ufeff';

/** @returns the text without a byte order mark. @throws InputFault */
export function decodeInput(bytes: Uint8Array): string {
  if (isUtf16(bytes)) throw new InputFault(UTF_16);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InputFault(NOT_UTF_8);
  }
}

/**
 * @param input bytes, or a text that was decoded already.
 * @throws InputFault
 */
export function parseJsonInput(input: Uint8Array | string): unknown {
  const text = typeof input === 'string' ? withoutMark(input) : decodeInput(input);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the content, which may be a key.
    throw new InputFault(NOT_JSON);
  }
}

function withoutMark(text: string): string {
  return text.startsWith(MARK) ? text.slice(MARK.length) : text;
}

/** Recognised by its mark, or by the zero byte of the first character: JSON, YAML and tokens begin with visible ASCII. */
function isUtf16([first, second]: Uint8Array): boolean {
  if (first === undefined || second === undefined) return false;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  const [low, high] = [Math.min(first, second), Math.max(first, second)];
  return low === 0 && high >= 0x20 && high < 0x7f;
}
