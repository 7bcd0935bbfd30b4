/** How much of a token a value takes, as the bounds of a graph count it. */

/** The quotes around a text in JSON, which no bound counts. */
export const QUOTES = '""'.length;

/**
 * Bytes of a value as `max_bytes` and `sub_max_bytes` count them: of a text what stands between its quotes in JSON, in UTF-8, with
 * escapes; of any other value its JSON.
 */
export function valueBytes(value: unknown): number {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  return typeof value === 'string' ? bytes - QUOTES : bytes;
}
