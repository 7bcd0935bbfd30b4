/** Edits of a packed token: its text, its bundle, the body inside, and the order of its pool. */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

import { DICTIONARY } from '../../../src/token/packed/dictionary.ts';
import type { Dice } from '../dice.ts';
import { editBytes, editText, varint } from './bytes.ts';
import { respell } from './jwt.ts';
import { recut, type Bundle } from './recut.ts';

const PREFIX = 'wb1~';
/** Many times what a body may have. */
const MAX_BODY = 2 ** 20;
const SIGNATURE = 64;

/** @param others packed tokens; @param nested tokens that have children. */
export function editPacked(
  packed: string,
  { others, nested }: { readonly others: readonly string[]; readonly nested: readonly string[] },
  dice: Dice,
): string {
  const edit = dice.below(10);
  if (edit === 0) return editText(packed, others, dice);
  if (edit === 1) return PREFIX + respell(packed.slice(PREFIX.length), dice);
  if (edit === 2) {
    return dice.pick([
      packed.slice(4),
      `wb1~${packed}`,
      `WB1~${packed.slice(4)}`,
      `wb2~${packed.slice(4)}`,
      'wb1~',
    ]);
  }
  if (edit === 3) return textOf(editBytes(bytesOf(packed), others.map(bytesOf), dice));
  const bundle = edit < 7 ? recut(dice.pick(nested), dice) : bundleOf(packed);
  if (bundle === undefined) return editText(packed, others, dice);
  if (dice.oneIn(2) && edit < 7) return closed(bundle, dice);
  const { body, pool } = bundle;
  const donor = bundleOf(dice.pick(others)) ?? bundle;
  switch (dice.below(5)) {
    case 0:
      return closed({ body, pool: editBytes(pool, [donor.pool], dice) }, dice);
    case 1:
      return closed({ body, pool: withSwapped(pool, dice) }, dice);
    case 2:
      return closed({ body: bomb(dice), pool: Buffer.alloc(0) }, dice);
    default:
      return closed({ body: editBytes(body, [donor.body], dice), pool }, dice);
  }
}

/** The bundle of a packed token; undefined where it cannot be opened. */
export function bundleOf(packed: string): Bundle | undefined {
  const bytes = bytesOf(packed);
  let head = 0;
  let at = 0;
  for (let unit = 1; at < bytes.length && at < 7; at += 1, unit *= 128) {
    head += (bytes[at]! % 128) * unit;
    if (bytes[at]! < 128) break;
  }
  const end = at + 1 + Math.floor(head / 2);
  const body = bytes.subarray(at + 1, end);
  try {
    const options = { dictionary: DICTIONARY, maxOutputLength: MAX_BODY };
    return { body: head % 2 === 1 ? inflateRawSync(body, options) : body, pool: bytes.subarray(end) };
  } catch {
    return undefined;
  }
}

const STRATEGIES = [
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_FIXED,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
  constants.Z_FILTERED,
];

/** Stored, or deflated with one of the strategies. */
export function closed({ body, pool }: Bundle, dice: Dice): string {
  const isStored = dice.oneIn(3);
  const options = { dictionary: DICTIONARY, level: 1 + dice.below(9), strategy: dice.pick(STRATEGIES) };
  const written = isStored ? body : deflateRawSync(body, options);
  const head = varint(2 * written.length + (isStored ? 0 : 1));
  return textOf(Buffer.concat([head, written, pool]));
}

function bytesOf(packed: string): Buffer {
  return Buffer.from(packed.slice(PREFIX.length), 'base64url');
}

function textOf(bundle: Buffer): string {
  return PREFIX + bundle.toString('base64url');
}

/** Swaps two signatures. */
function withSwapped(pool: Buffer, dice: Dice): Buffer {
  const count = Math.floor(pool.length / SIGNATURE);
  if (count < 2) return pool;
  const [one, other] = [dice.below(count) * SIGNATURE, dice.below(count) * SIGNATURE];
  const changed = Buffer.from(pool);
  pool.copy(changed, one, other, other + SIGNATURE);
  pool.copy(changed, other, one, one + SIGNATURE);
  return changed;
}

/** Headers of tokens that need not verify, because they are unpacked before that. */
const HEADER = '{"alg":"Ed25519","typ":"at+jwt","kid":"fuzz-issuer"}';

/**
 * Small bodies that cost much work: a root, a child with long values, and many grandchildren whose values are guessed from
 * those, by the first guess or a later one.
 */
function bomb(dice: Dice): Buffer {
  const text = (value: string): Buffer => Buffer.from(`${value}\0`, 'latin1');
  const long = (): string =>
    dice.pick(['a', '"', 'a"', ':', '://a', 'ab', '.']).repeat(dice.pick([50, 2_000, 7_000]));
  const letters = dice.oneIn(2) ? 'a' : 'ab';
  const [name, value] = [`${letters.repeat(3_500)}b`, letters.repeat(10_000)];
  const member = dice.pick(['act', 'act', 'aud', 'jti', 'scope', 'x']);
  const count = dice.pick([1, 60, 400, 1_000]);
  const isDeep = dice.oneIn(4);
  const record = (names: readonly string[], values: readonly string[]): Buffer[] => [
    Buffer.from([0, names.length]),
    ...names.map(text),
    Buffer.from([0, 2 ** names.length - 1]),
    ...values.map((one) => Buffer.concat([Buffer.from([0]), text(one)])),
  ];
  const root = [
    Buffer.from([2 * 8 + 3, 0]),
    text(HEADER),
    Buffer.from([0]),
    ...record(['aud'], [dice.oneIn(2) ? name : long()]),
    Buffer.from([0]),
    text('p'),
  ];
  const middle = [
    Buffer.from([2 * 8 + 2]),
    ...record([member], [dice.oneIn(2) ? value : long()]),
    varint(count - 1),
  ];
  const children = Array.from({ length: count }, (_, at) => [
    at === 0 ? text('c') : Buffer.from([0]),
    Buffer.from([(3 + 4) * 8 + (isDeep ? 2 : 0)]),
    at === 0 || dice.oneIn(8) ? Buffer.from([0]) : Buffer.from([1, 7 + (dice.oneIn(2_000) ? 1 : 0)]),
    ...(isDeep ? [Buffer.from([0])] : []),
  ]);
  return Buffer.concat([...root, ...middle, ...children.flat()]);
}
