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
  const values: Buffer[] = [];
  for (const [found, value] of fields) if (found === number && typeof value !== 'number') values.push(value);
  return values;
}

const EMPTY = Buffer.alloc(0);

/** The last one counts, as in every decoder. */
export function lastOf(fields: readonly Field[], number: number): Buffer {
  for (let index = fields.length - 1; index >= 0; index -= 1) {
    const [found, value] = fields[index]!;
    if (found === number && typeof value !== 'number') return value;
  }
  return EMPTY;
}

export function textOf(fields: readonly Field[], number: number): string {
  return lastOf(fields, number).toString('utf8');
}

/** A message of these fields; a text is written as UTF-8. Values below 2^31. */
export function message(
  ...fields: readonly (readonly [number: number, value: Buffer | string | number])[]
): Buffer {
  let size = 0;
  for (const [number, value] of fields) {
    const length = lengthOf(value);
    size += varintLength(number * 8) + varintLength(length) + (typeof value === 'number' ? 0 : length);
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [number, value] of fields) {
    at = writeVarint(bytes, at, number * 8 + (typeof value === 'number' ? VARINT : BYTES));
    at = writeVarint(bytes, at, lengthOf(value));
    if (typeof value === 'string') at += bytes.write(value, at);
    else if (typeof value !== 'number') at += value.copy(bytes, at);
  }
  return bytes;
}

/** Of a number itself: it stands where the others have their length. */
function lengthOf(value: Buffer | string | number): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) length += 1;
  return length;
}

/** @returns where the next byte goes. */
function writeVarint(bytes: Buffer, start: number, value: number): number {
  let [at, rest] = [start, value];
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}
