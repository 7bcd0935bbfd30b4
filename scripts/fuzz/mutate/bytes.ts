/** Edits of bytes, whatever they mean. */
import type { Dice } from '../dice.ts';

/** Largest input: larger ones are refused for their size everywhere, so they test nothing more. */
const MAX_BYTES = 192 * 1024;

/** Bytes on which readers differ: controls, quotes, separators, the edges of UTF-8 and of a varint. */
const EDGES = [0, 1, 7, 9, 10, 13, 31, 32, 34, 37, 44, 46, 58, 59, 61, 92, 126, 127, 128, 192, 254, 255];

/** Numbers as a varint of up to nine groups: the least, the most, and around each power of 128. */
const NUMBERS = [0, 1, 63, 64, 126, 127, 128, 16_383, 16_384, 65_536, 2 ** 21, 2 ** 31, 2 ** 48, 2 ** 53];

type Edit = (bytes: Buffer, others: readonly Buffer[], dice: Dice) => Buffer;

const edits: readonly Edit[] = [
  function flipBit(bytes, _others, dice) {
    const at = dice.below(bytes.length);
    return replaced(bytes, at, 1, Buffer.from([(bytes[at] ?? 0) ^ (1 << dice.below(8))]));
  },
  function setEdge(bytes, _others, dice) {
    return replaced(bytes, dice.below(bytes.length), 1, Buffer.from([dice.pick(EDGES)]));
  },
  function insert(bytes, _others, dice) {
    const more = dice.oneIn(2) ? Buffer.from([dice.pick(EDGES)]) : dice.bytes(1 + dice.below(6));
    return replaced(bytes, dice.below(bytes.length + 1), 0, more);
  },
  function takeOut(bytes, _others, dice) {
    const { at, length } = range(bytes, dice);
    return replaced(bytes, at, length, Buffer.alloc(0));
  },
  function truncate(bytes, _others, dice) {
    return bytes.subarray(0, dice.below(bytes.length + 1));
  },
  function duplicate(bytes, _others, dice) {
    const { at, length } = range(bytes, dice);
    const times = dice.oneIn(8) ? 1 + dice.below(2_000) : 1;
    const piece = bytes.subarray(at, at + length);
    const most = Math.max(1, Math.floor((MAX_BYTES - bytes.length) / Math.max(1, length)));
    return replaced(bytes, at, 0, Buffer.concat(Array.from({ length: Math.min(times, most) }, () => piece)));
  },
  function splice(bytes, others, dice) {
    const other = dice.pick(others);
    return Buffer.concat([
      bytes.subarray(0, dice.below(bytes.length + 1)),
      other.subarray(dice.below(other.length + 1)),
    ]);
  },
  function transplant(bytes, others, dice) {
    const other = dice.pick(others);
    const from = range(other, dice);
    const to = range(bytes, dice);
    return replaced(bytes, to.at, to.length, other.subarray(from.at, from.at + from.length));
  },
  function setLength(bytes, _others, dice) {
    return replaced(bytes, dice.below(bytes.length), 1, varint(dice.pick(NUMBERS)));
  },
];

/** @param others valid inputs of the same kind, to splice with. */
export function editBytes(bytes: Buffer, others: readonly Buffer[], dice: Dice): Buffer {
  if (bytes.length === 0) return dice.bytes(1 + dice.below(8));
  return dice
    .pick(edits)(bytes, others.length > 0 ? others : [bytes], dice)
    .subarray(0, MAX_BYTES);
}

/** Text in, text out; each character is a byte where it can be one. */
export function editText(text: string, others: readonly string[], dice: Dice): string {
  const bytes = (one: string): Buffer => Buffer.from(one, 'latin1');
  return editBytes(bytes(text), others.map(bytes), dice).toString('latin1');
}

export function varint(value: number): Buffer {
  const groups: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) groups.push((rest % 128) + 128);
  return Buffer.from([...groups, rest]);
}

function range(bytes: Buffer, dice: Dice): { readonly at: number; readonly length: number } {
  const at = dice.below(bytes.length + 1);
  return { at, length: Math.min(bytes.length - at, 1 + dice.below(dice.oneIn(4) ? 400 : 12)) };
}

function replaced(bytes: Buffer, at: number, length: number, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + length)]);
}
