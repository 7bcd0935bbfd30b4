/** Packed tokens that a reader must refuse, each wrong in one way, and made by hand from a bundle that is right. */
import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { DICTIONARY } from '../../../src/token/packed/dictionary.ts';

export interface Refusal {
  readonly name: string;
  readonly packed: string;
  readonly code: 'token_packed' | 'token_too_large' | 'token_tree_too_large';
  /** In the words of `UnpackLimits`. */
  readonly limits?: Readonly<Record<string, number>>;
}

type Part = number | string | readonly Part[];

/** Bytes; a text stands for its characters and the zero that ends it. */
function bytes(...parts: Part[]): number[] {
  return parts.flatMap((part) =>
    typeof part === 'number' ? [part] : typeof part === 'string' ? [...Buffer.from(part), 0] : bytes(...part),
  );
}

function bundle(deflated: 0 | 1, body: readonly number[], pool: readonly number[] = []): string {
  return text([...varint(2 * body.length + deflated), ...body, ...pool]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

function text(content: readonly number[]): string {
  return `wb1~${Buffer.from(content).toString('base64url')}`;
}

// A root with the header `{}`, no signature, no members but the children; one child, `a`, the opaque string `xy`.
const HEADER = [0, '{}', 0];
const EMPTY_SHAPE = [0, 0, 0];
const OPAQUE = [0, 0, 0, 'xy'];
const CHILD = ['a', OPAQUE];
const ROOT: Part = [19, HEADER, EMPTY_SHAPE, 0, 0];
export const SMALLEST = bundle(0, bytes(ROOT, CHILD));

const stored = (...parts: Part[]): string => bundle(0, bytes(...parts));
const root = (shape: Part, mask: Part, ...values: Part[]): Part => [19, HEADER, shape, mask, values, 0];
const oneMember: Part = [0, 1, 'm', 0];
const child = (record: Part): Part => [ROOT, 'a', record];

const deflate = (content: readonly number[]): number[] => [
  ...deflateRawSync(Uint8Array.from(content), { dictionary: DICTIONARY }),
];

/** @param deflated a packed token whose body is deflated, and its nested form. */
export function refusals(deflated: string, nested: string): Refusal[] {
  return [...outside(), ...records(), ...overBounds(deflated, nested)];
}

const packed = (name: string, token: string): Refusal => ({ name, packed: token, code: 'token_packed' });

function outside(): Refusal[] {
  const outer = SMALLEST.slice(4);
  const smallest = bytes(ROOT, CHILD);
  const stream = deflate(smallest);
  return [
    packed('nothing behind the prefix', 'wb1~'),
    packed('padding', `${SMALLEST}=`),
    packed('a character of another alphabet', `wb1~${outer.slice(0, -1)}+`),
    packed('a blank', `wb1~ ${outer}`),
    packed('bits behind the last byte', withBitsBehind(SMALLEST)),
    packed('a head with a zero at its end', text([0x80 + 2 * smallest.length, 0, ...smallest])),
    packed('a head that does not end', text([0x80, 0x80])),
    packed('a head of eight bytes', text([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1])),
    packed('a body shorter than its length', text([80, ...smallest])),
    packed('a stored body that ends inside a record', stored(ROOT, 'a', 0)),
    packed('a stored body that goes on', stored(ROOT, CHILD, 0)),
    packed('bytes behind the pool', bundle(0, smallest, [0])),
    packed(
      'a pool that is too short',
      bundle(0, bytes(19, 0, '{}', 64, EMPTY_SHAPE, 0, 0, CHILD), Array<number>(63).fill(1)),
    ),
    packed('a deflated body of nothing', bundle(1, [])),
    packed('a deflated body that does not end', bundle(1, stream.slice(0, -1))),
    packed('a byte behind the deflated body', bundle(1, [...stream, 0])),
    packed('a second stream behind the deflated body', bundle(1, [...stream, ...stream])),
    packed('a deflated body that goes on behind its record', bundle(1, deflate([...smallest, 0]))),
    packed('a block of DEFLATE that does not exist', bundle(1, [7])),
    packed('a deflated body with a zlib header', bundle(1, [0x78, 0xda, ...stream])),
    packed('a match from before the dictionary', bundle(1, farMatch())),
    packed(
      'a deflated body of over 32768 bytes',
      bundle(1, deflate(bytes(ROOT, 'a', [0, 0, 0, 'x'.repeat(32_757)]))),
    ),
  ];
}

function records(): Refusal[] {
  return [
    packed('a token without children', stored(17, HEADER, EMPTY_SHAPE, 0)),
    packed('an opaque string as root', stored(OPAQUE)),
    packed('a raw payload as root', stored(9, HEADER, 0)),
    packed('a root that must travel nested', stored(23, HEADER, EMPTY_SHAPE, 0, 0, CHILD)),
    packed('a token without children that must travel nested', stored(child([20, EMPTY_SHAPE, 0]))),
    packed('an opaque string with flags', stored(child([1, 0, 0, 'x']))),
    packed('an opaque string that must travel nested', stored(child([4, 0, 0, 'x']))),
    packed('a raw payload with children', stored(child([10, 0, 0]))),
    packed('a raw payload that must travel nested', stored(child([12, 0, 0]))),
    packed('no header yet', stored(18, EMPTY_SHAPE, 0, 0, CHILD)),
    packed('a header that there is not', stored(19, 5, EMPTY_SHAPE, 0, 0, CHILD)),
    packed('a shape that there is not', stored(51, HEADER, 0, 0, CHILD)),
    packed('a new shape from one that there is not', stored(19, HEADER, [3, 0, 0], 0, 0, CHILD)),
    packed('a shape of 65 members', stored(19, HEADER, [0, 65], 0, 0, CHILD)),
    packed(
      'a shape that has a member twice',
      stored(root([0, 2, 'm', 'm', 0], 3, [3, '1'], [3, '1']), CHILD),
    ),
    packed('children behind the last member', stored(root([0, 1, 'm', 3], 1, 3, '1'), CHILD)),
    packed('a place for children that are not there', stored(child([16, [0, 1, 'm', 1], 1, 3, '1']))),
    packed('a mask with a group of nothing at its end', stored(root(oneMember, [0x81, 0], 3, '1'), CHILD)),
    packed('a mask for more members than there are', stored(root(oneMember, 2), CHILD)),
    packed('a prediction where there is none', stored(root(oneMember, 0), CHILD)),
    packed('a prediction of a rank that does not exist', stored(root(oneMember, 1, 7), CHILD)),
    packed('an offset where nothing is counted', stored(root(oneMember, 1, 4, 1), CHILD)),
    packed('a word that there is not', stored(ROOT, 1, OPAQUE)),
    packed('a word that there is not, by number', stored(ROOT, [31, 1], OPAQUE)),
    packed('a number with a zero at its end', stored(ROOT, 'a', [0, [0x80, 0], 0, 'x'])),
    packed('a number of eight bytes', stored(ROOT, 'a', [0, Array<number>(8).fill(0xff), 1])),
  ];
}

function overBounds(deflated: string, nested: string): Refusal[] {
  return [
    {
      name: 'more packed bytes than allowed',
      packed: deflated,
      code: 'token_too_large',
      limits: { maxPackedBytes: deflated.length - 1 },
    },
    {
      name: 'more nested bytes than allowed',
      packed: deflated,
      code: 'token_tree_too_large',
      limits: { maxNestedBytes: nested.length - 1 },
    },
    {
      name: 'more tokens than allowed',
      packed: deflated,
      code: 'token_tree_too_large',
      limits: { maxTokens: 11 },
    },
    {
      name: 'more levels than allowed',
      packed: deflated,
      code: 'token_tree_too_large',
      limits: { maxDepth: 2 },
    },
    { name: 'more levels than the coding has', packed: stored(...levels(65)), code: 'token_tree_too_large' },
    {
      name: 'a word of 300 letters a thousand times',
      packed: stored(
        root([0, 1, 'scope', 0], 1, [0xf1, 0x07], 'w'.repeat(300), Array<number>(999).fill(0)),
        CHILD,
      ),
      code: 'token_tree_too_large',
    },
  ];
}

/** A match 5000 bytes back: the dictionary has not so many. */
function farMatch(): number[] {
  const far = Buffer.concat(
    Array.from({ length: 160 }, (_, i) => createHash('sha256').update(`${i}`).digest()),
  );
  return [...deflateRawSync(far.subarray(0, 100), { dictionary: far })];
}

/** A chain of so many tokens; the last is opaque. */
function levels(count: number): Part[] {
  const between = Array.from({ length: count - 2 }, (_, i): Part => [i === 0 ? 'a' : 0, 26, 0, 0]);
  return [ROOT, ...between, 0, OPAQUE];
}

function withBitsBehind(packed: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(packed.at(-1)!);
  const changed = packed.slice(0, -1) + alphabet[last + 1]!;
  if (Buffer.from(changed.slice(4), 'base64url').compare(Buffer.from(packed.slice(4), 'base64url')) !== 0) {
    throw new Error('the smallest bundle has no bits to spare');
  }
  return changed;
}
