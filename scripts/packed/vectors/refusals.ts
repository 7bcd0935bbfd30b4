/** Packed tokens that a reader must refuse, each wrong in one way, and made by hand from a bundle that is right. */
import { unsignedNode } from '../../../src/token/index.ts';
import { BitCoder } from '../../../src/token/packed/bit-coder.ts';
import { BodyWriter, FIELD } from '../../../src/token/packed/body.ts';
import { readNested } from '../../../src/token/packed/nested.ts';
import { primedModel } from '../../../src/token/packed/priming.ts';
import { RecordWriter } from '../../../src/token/packed/record-writer.ts';

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

function bundle(coding: number, body: readonly number[], pool: readonly number[] = []): string {
  const length = body.length < 128 ? [body.length] : [(body.length % 128) + 128, body.length >> 7];
  return text([coding, ...length, ...body, ...pool]);
}

function text(content: readonly number[]): string {
  return `wb1~${Buffer.from(content).toString('base64url')}`;
}

// A root with the header `{}`, no signature, no members but the children; one child, `a`, the opaque string `xy`.
const HEADER = [0, '{}', 0];
const EMPTY_SHAPE = [0, 0, 0];
const OPAQUE = [0, 0, 0, 'xy'];
const CHILD = [0, 'a', OPAQUE];
const ROOT: Part = [11, HEADER, EMPTY_SHAPE, 0, 0];
export const SMALLEST = bundle(0, bytes(ROOT, CHILD));

const stored = (...parts: Part[]): string => bundle(0, bytes(...parts));
const root = (shape: Part, mask: Part, ...values: Part[]): Part => [11, HEADER, shape, mask, values, 0];
const oneMember: Part = [0, 1, 'm', 0];
const child = (record: Part): Part => [ROOT, 0, 'a', record];

/** @param modelled a packed token whose body is modelled, and its nested form. */
export function refusals(modelled: string, nested: string): Refusal[] {
  const outer = SMALLEST.slice(4);
  const inner = [...Buffer.from(modelled.slice(4), 'base64url')];
  const bodyLength = inner[1]! >= 128 ? (inner[1]! & 127) + inner[2]! * 128 : inner[1]!;
  const bodyAt = inner[1]! >= 128 ? 3 : 2;
  const body = inner.slice(bodyAt, bodyAt + bodyLength);
  const pool = inner.slice(bodyAt + bodyLength);
  const packed = (name: string, token: string): Refusal => ({ name, packed: token, code: 'token_packed' });
  return [
    packed('nothing behind the prefix', 'wb1~'),
    packed('padding', `${SMALLEST}=`),
    packed('a character of another alphabet', `wb1~${outer.slice(0, -1)}+`),
    packed('a blank', `wb1~ ${outer}`),
    packed('bits behind the last byte', withBitsBehind(SMALLEST)),
    packed('a coding that does not exist', bundle(2, bytes(ROOT, CHILD))),
    packed('no length of the body', text([0])),
    packed(
      'a length with a zero at its end',
      text([0, 0x80 + bytes(ROOT, CHILD).length, 0, ...bytes(ROOT, CHILD)]),
    ),
    packed('a length of six bytes', text([0, 0x80, 0x80, 0x80, 0x80, 0x80, 1])),
    packed('a body shorter than its length', text([0, 40, ...bytes(ROOT, CHILD)])),
    packed('a stored body that ends inside a record', stored(ROOT, 0, 'a', 0)),
    packed('a stored body that goes on', stored(ROOT, CHILD, 0)),
    packed('bytes behind the pool', bundle(0, bytes(ROOT, CHILD), [0])),
    packed(
      'a pool that is too short',
      bundle(0, bytes(11, 0, '{}', 64, EMPTY_SHAPE, 0, 0, CHILD), Array<number>(63).fill(1)),
    ),
    packed('a modelled body that goes on', bundle(1, [...body, 0], pool)),
    packed('a modelled body with a byte escaped that need not be', bundle(1, needlesslyEscaped())),
    packed('a modelled body of over 8192 bytes', bundle(1, tooLong())),
    packed('a modelled body of nothing', bundle(1, [])),
    packed('a token without children', stored(9, HEADER, EMPTY_SHAPE, 0)),
    packed('an opaque string as root', stored(OPAQUE)),
    packed('a raw payload as root', stored(5, HEADER, 0)),
    packed('an opaque string with flags', stored(child([1, 0, 0, 'x']))),
    packed('a raw payload with children', stored(child([6, 0, 0]))),
    packed('no header yet', stored(10, EMPTY_SHAPE, 0, 0, CHILD)),
    packed('a header that there is not', stored(11, 5, EMPTY_SHAPE, 0, 0, CHILD)),
    packed('a shape that there is not', stored(27, HEADER, 0, 0, CHILD)),
    packed('a new shape from one that there is not', stored(11, HEADER, [3, 0, 0], 0, 0, CHILD)),
    packed('a shape of 65 members', stored(11, HEADER, [0, 65], 0, 0, CHILD)),
    packed('children behind the last member', stored(root([0, 1, 'm', 3], 1, 4, '1'), CHILD)),
    packed('a place for children that are not there', stored(child([8, [0, 1, 'm', 1], 1, 4, '1']))),
    packed('a mask with a group of nothing at its end', stored(root(oneMember, [0x81, 0], 4, '1'), CHILD)),
    packed('a mask for more members than there are', stored(root(oneMember, 2), CHILD)),
    packed('a guess where there is none', stored(root(oneMember, 0), CHILD)),
    packed('a guess of a rank that there is not', stored(root(oneMember, 1, 8), CHILD)),
    packed('a choice that does not exist', stored(root(oneMember, 1, 11), CHILD)),
    packed('an offset where nothing is counted', stored(root(oneMember, 1, 5, 1), CHILD)),
    packed('a word that there is not', stored(ROOT, 1, OPAQUE)),
    packed('a number with a zero at its end', stored(ROOT, 0, 'a', [0, [0x80, 0], 0, 'x'])),
    packed('a number of eight bytes', stored(ROOT, 0, 'a', [0, Array<number>(8).fill(0xff), 1])),
    {
      name: 'more packed bytes than allowed',
      packed: modelled,
      code: 'token_too_large',
      limits: { maxPackedBytes: modelled.length - 1 },
    },
    {
      name: 'more nested bytes than allowed',
      packed: modelled,
      code: 'token_tree_too_large',
      limits: { maxNestedBytes: nested.length - 1 },
    },
    {
      name: 'more tokens than allowed',
      packed: modelled,
      code: 'token_tree_too_large',
      limits: { maxTokens: 11 },
    },
    {
      name: 'more levels than allowed',
      packed: modelled,
      code: 'token_tree_too_large',
      limits: { maxDepth: 2 },
    },
    { name: 'more levels than the coding has', packed: stored(...levels(65)), code: 'token_tree_too_large' },
    {
      name: 'a word of 300 letters a thousand times',
      packed: stored(
        root([0, 1, 'scope', 0], 1, 1, [0xe7, 0x07], [0, 'w'.repeat(300)], Array<number>(999).fill(1)),
        CHILD,
      ),
      code: 'token_tree_too_large',
    },
  ];
}

/** A chain of so many tokens; the last is opaque. */
function levels(count: number): Part[] {
  const between = Array.from({ length: count - 2 }, (_, i): Part => [i === 0 ? [0, 'a'] : 1, 26, 0, 0]);
  return [ROOT, ...between, 1, OPAQUE];
}

/** The first byte of `SMALLEST`, 11, in its long form. */
function needlesslyEscaped(): number[] {
  const coder = new BitCoder(primedModel());
  coder.begin(FIELD.tag, 0, 0, 0);
  coder.bits(5, 31);
  coder.bits(8, 11);
  return [...coder.finish()];
}

/** A child that is one long string. */
function tooLong(): number[] {
  const body = new BodyWriter();
  const node = readNested('x'.repeat(9000));
  new RecordWriter(body).root(unsignedNode({}, {}, [['a', node]], 0));
  return [...body.modelled(primedModel())];
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
