/** Just enough DER (X.690) for what Node does not tell of a certificate. Strict, bounded by its input, without copies. */

export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
}

/** @returns the values that stand one after the other; undefined where the bytes are not DER throughout. */
export function readDer(bytes: Buffer): readonly DerValue[] | undefined {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0;
    const length = readLength(bytes, at + 1);
    // A tag of several bytes stands nowhere in a certificate.
    if ((tag & 0x1f) === 0x1f || length === undefined) return undefined;
    const end = length.start + length.value;
    if (end > bytes.length) return undefined;
    values.push({ tag, content: bytes.subarray(length.start, end) });
    at = end;
  }
  return values;
}

/** The values inside a value of this kind. */
export function readInside(value: DerValue | undefined, tag: number): readonly DerValue[] | undefined {
  return value?.tag === tag ? readDer(value.content) : undefined;
}

/** X.690 section 10.1: a length of definite form, in as few bytes as it takes. */
function readLength(bytes: Buffer, at: number): { value: number; start: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80) return { value: first, start: at + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 3 || at + 1 + count > bytes.length) return undefined;
  const value = bytes.readUIntBE(at + 1, count);
  return value < 0x80 || value < 2 ** (8 * (count - 1)) ? undefined : { value, start: at + 1 + count };
}
