/** As much of the wire format of protocol buffers as the messages of a check need. */

/** A field of a message: its number, and its bytes, or its number as a varint. */
export type Field = readonly [number: number, value: Buffer | number];

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];
/** No message of a check has as many. */
const MAX_FIELDS = 10_000;

/**
 * Fields in their order. Fixed ones are left out: the messages have none that counts.
 *
 * @throws RangeError for bytes that are no message.
 */
export function readFields(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('the message ends too early');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number is too long');
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, type] = [Math.floor(tag / 8), tag % 8];
    if (type === VARINT) fields.push([number, varint()]);
    else {
      const length = type === BYTES ? varint() : type === FIXED64 ? 8 : type === FIXED32 ? 4 : Infinity;
      const end = at + length;
      if (!(end <= bytes.length)) throw new RangeError('a field is longer than its message');
      if (type === BYTES) fields.push([number, bytes.subarray(at, end)]);
      at = end;
    }
    if (fields.length > MAX_FIELDS) throw new RangeError('the message has too many fields');
  }
  return fields;
}

/** All messages or texts of a field. */
export function bytesOf(fields: readonly Field[], number: number): Buffer[] {
  return fields.flatMap(([found, value]) => (found === number && typeof value !== 'number' ? [value] : []));
}

/** The last one counts, as in every decoder. */
export function lastOf(fields: readonly Field[], number: number): Buffer {
  return bytesOf(fields, number).at(-1) ?? Buffer.alloc(0);
}

export function textOf(fields: readonly Field[], number: number): string {
  return lastOf(fields, number).toString('utf8');
}

/** A message of these fields; a text is written as UTF-8. */
export function message(
  ...fields: readonly (readonly [number: number, value: Buffer | string | number])[]
): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === 'number') return [varintOf(number * 8 + VARINT), varintOf(value)];
      const bytes = Buffer.from(value);
      return [varintOf(number * 8 + BYTES), varintOf(bytes.length), bytes];
    }),
  );
}

/** @param value below 2^31. */
function varintOf(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Buffer.from([...bytes, rest]);
}
