/**
 * JSON objects out of a token, read defensively: strict UTF-8, an object at the top, bounded in depth, frozen.
 *
 * `JSON.parse` of V8 takes any depth, but `JSON.stringify` and every recursive reader behind it do not: an array
 * 15,000 deep fits in 30 kB and overflows their stack. So depth is bounded here, once, without recursion.
 */

import { isAscii } from 'node:buffer';

export type JsonObject = { readonly [key: string]: unknown };

/** Deeper nesting than any claim that Waybill issues or an author would write. */
const MAX_JSON_DEPTH = 64;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns the text, or undefined where the bytes are not UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  // Latin1 is ASCII with more characters, and read without looking at any.
  if (isAscii(bytes)) {
    const { buffer, byteOffset, byteLength } = bytes;
    return (bytes instanceof Buffer ? bytes : Buffer.from(buffer, byteOffset, byteLength)).toString('latin1');
  }
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** @returns the frozen object, or undefined where the text is not JSON, not an object or nested too deep. */
export function parseObject(text: string): JsonObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which is part of a token: it is dropped on purpose.
    return undefined;
  }
  return isJsonObject(value) ? frozenObject(value) : undefined;
}

/** @returns the object itself, frozen; undefined where it is nested too deep. */
export function frozenObject(object: JsonObject): JsonObject | undefined {
  return freezeWithin(object, MAX_JSON_DEPTH) ? object : undefined;
}

/**
 * Freezes everything that `root` reaches: a verified token is shared between requests by the cache, so no handler
 * may change its claims for the next one.
 *
 * @returns false where `root` is nested deeper than `maxDepth`.
 */
function freezeWithin(root: object, maxDepth: number): boolean {
  let level: object[] = [root];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > maxDepth) return false;
    const next: object[] = [];
    for (const value of level) {
      for (const inner of Object.values(value) as unknown[]) {
        if (typeof inner === 'object' && inner !== null) next.push(inner);
      }
      Object.freeze(value);
    }
    level = next;
  }
  return true;
}
