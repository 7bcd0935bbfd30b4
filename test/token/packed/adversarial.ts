/**
 * Packed tokens that are made to cost work: nobody has signed them, and most of them can be read. They have long texts
 * that few bytes stand for, names that begin alike, many children that ask the same of their parent, and every choice of
 * a value.
 */

import { deflateRawSync } from 'node:zlib';

import { DICTIONARY } from '../../../src/token/packed/dictionary.ts';
import { varint } from '../../support/packed/varint.ts';

const CLAIMS = [
  'iss',
  'aud',
  'sub',
  'client_id',
  'scope',
  'iat',
  'exp',
  'jti',
  'txn',
  'act',
  'on_demand',
  'email',
];

const MAX_BODY = 32_768;
const MAX_DEPTH = 64;

/** What `schemas/packed.md` calls by these numbers. */
const NEW_SHAPE = 2;
const TEXT = 0;
const NAMED = 5;
const AUDIENCES = 6;
const SECOND_PREDICTION = 7;
const THIRD_PREDICTION = 8;

interface Written {
  readonly names: readonly string[];
}

/** @returns a packed token whose body has at most 32,768 bytes. */
export function adversarialToken(random: (below: number) => number): string {
  const body = new AdversarialBody(random);
  const bytes = Buffer.from(body.text(), 'latin1');
  // One byte too few now and then.
  const pool = Buffer.alloc(Math.max(0, body.poolBytes - (random(50) === 0 ? 1 : 0)), random(256));
  const isStored = random(6) === 0;
  const written = isStored ? bytes : deflateRawSync(bytes, { dictionary: DICTIONARY, level: 6 });
  const head = varint(2 * written.length + (isStored ? 0 : 1));
  return `wb1~${Buffer.concat([Buffer.from(head, 'latin1'), written, pool]).toString('base64url')}`;
}

/** Tokens of few bytes, each of which asks one costly question about a long text again and again. */
export function costlyQuestions(): ReadonlyMap<string, string> {
  const a = (count: number): string => 'a'.repeat(count);
  return new Map([
    [
      'the name of a long caller is searched in a long actor, for each of 1,000 children',
      deflatedToken(
        questions({ aud: `${a(5_000)}b`, act: a(18_000), prediction: SECOND_PREDICTION, children: 1_000 }),
      ),
    ],
    [
      'a long audience is taken for a SPIFFE domain, for each of 1,000 children',
      deflatedToken(
        questions({
          aud: 'x',
          childAud: `https://x.${a(20_000)}`,
          act: 'y',
          prediction: THIRD_PREDICTION,
          children: 1_000,
        }),
      ),
    ],
    [
      'a long actor is the history of each of 1,000 children, more than the nested token may have',
      deflatedToken(questions({ aud: 'x', act: a(18_000), prediction: THIRD_PREDICTION, children: 1_000 })),
    ],
    ['a long issuer is taken apart for each member of a root', deflatedToken(namedMembers(60))],
    [
      'names that begin alike are looked for among those of the parent, for each of 300 children',
      deflatedToken(strangers(300)),
    ],
    [
      'a list has 400 audiences around which a long text stands, more than the nested token may have',
      deflatedToken(audiences(5_000, 400)),
    ],
    ['a list has 40 such audiences, which it may have', deflatedToken(audiences(5_000, 40))],
  ]);
}

/** A root, its child with `act`, and children of that one, each of which names its actor by a prediction that is not the first. */
function questions(asked: {
  aud: string;
  childAud?: string;
  act: string;
  prediction: number;
  children: number;
}): string {
  const members = asked.childAud === undefined ? ['act'] : ['aud', 'act'];
  const root = `${varint(8 * NEW_SHAPE + 3)}${varint(0)}{}\0${varint(0)}${shape(0, ['aud'])}\x01${text(asked.aud)}`;
  const values = (asked.childAud === undefined ? '' : text(asked.childAud)) + text(asked.act);
  const mask = members.length === 1 ? '\x01' : '\x03';
  const child = `${varint(8 * NEW_SHAPE + 2)}${shape(0, members)}${mask}${values}`;
  // The shape of the grandchildren has `act` alone, and is the one after those of root and child.
  const first = `${varint(8 * NEW_SHAPE)}${shape(0, ['act', 'x'])}\x03${text('first')}${text('')}`;
  const again = `\0${varint(8 * 8)}\x03${varint(asked.prediction)}${text('')}`;
  return `${root}${varint(0)}p\0${child}${varint(asked.children - 1)}\0${first}${again.repeat(asked.children - 1)}`;
}

/** A root with a long issuer that is no URL, and members whose values are audiences like it. */
function namedMembers(count: number): string {
  const names = Array.from({ length: count }, (_, i) => `m${i}`);
  const bits = count + 1;
  const mask = '\xff'.repeat(Math.floor(bits / 7)) + String.fromCharCode((1 << (bits % 7)) - 1);
  const root = `${varint(8 * NEW_SHAPE + 3)}${varint(0)}{}\0${varint(0)}${shape(0, ['iss', ...names])}${mask}`;
  const values = `${varint(NAMED)}w\0${`${varint(NAMED)}\0`.repeat(count - 1)}`;
  return `${root}${text('a'.repeat(30_000))}${values}${varint(0)}c\0${varint(8 * 3)}\0`;
}

/** A root with a long audience, whose second audience is a list of those that its children would have. */
function audiences(size: number, count: number): string {
  const root = `${varint(8 * NEW_SHAPE + 3)}${varint(0)}{}\0${varint(0)}${shape(0, ['aud', 'auds'])}\x03`;
  const list = `${varint(AUDIENCES)}${varint(count - 1)}w\0${'\0'.repeat(count - 1)}`;
  return `${root}${text(`https://r.${'a'.repeat(size)}`)}${list}${varint(0)}c\0${varint(8 * 3)}\0`;
}

/** Children with 30 names of 500 letters, of which their parent has none, and 30 others that differ at their end. */
function strangers(children: number): string {
  const named = (mark: string): string[] =>
    Array.from({ length: 30 }, (_, i) => `${'n'.repeat(450)}${mark}${String(i + 10)}`);
  const mask = '\xff\xff\xff\xff\x03';
  const root = `${varint(8 * NEW_SHAPE + 3)}${varint(0)}{}\0${varint(0)}${shape(0, named('a'))}${mask}`;
  const first = `${varint(8 * NEW_SHAPE)}${shape(0, named('b'))}${mask}${text('').repeat(30)}`;
  const again = `\0${varint(8 * 7)}\0`;
  return `${root}${text('').repeat(30)}${varint(children - 1)}p\0${first}${again.repeat(children - 1)}`;
}

function shape(base: number, names: readonly string[]): string {
  return `${varint(base)}${varint(names.length)}${names.map((name) => `${name}\0`).join('')}${varint(0)}`;
}

function text(value: string): string {
  return `${varint(TEXT)}${value}\0`;
}

function deflatedToken(body: string): string {
  const deflated = deflateRawSync(Buffer.from(body, 'latin1'), { dictionary: DICTIONARY, level: 9 });
  const head = Buffer.from(varint(2 * deflated.length + 1), 'latin1');
  return `wb1~${Buffer.concat([head, deflated]).toString('base64url')}`;
}

class AdversarialBody {
  readonly #random: (below: number) => number;
  readonly #shapes: (readonly string[])[] = [[], CLAIMS.slice(0, 9), CLAIMS.slice(0, 10)];
  /** Members that had a value that was no prediction. */
  readonly #last = new Set<string>();
  #words = 0;
  #size = 0;
  #tokens = 0;
  /** Bytes of each signature. */
  readonly #signature: number;
  /** Bytes that the body takes of the pool. */
  poolBytes = 0;
  #isLastIdNumbered = false;
  /** How long texts may be in this body. */
  readonly #longest: number;

  constructor(random: (below: number) => number) {
    this.#random = random;
    this.#longest = [20, 20, 60, 300, 300, 1_000, 3_000, 15_000][random(8)]!;
    this.#signature = [0, 1, 64][random(3)]!;
  }

  text(): string {
    return this.#record(undefined, 1, true);
  }

  #record(parent: Written | undefined, depth: number, isFirst = false): string {
    const random = this.#random;
    const kind = isFirst ? 9 : random(24);
    if (kind === 0) return varint(0) + this.#dotted();
    this.poolBytes += this.#signature;
    if (kind === 1) return varint(8) + varint(0);
    this.#tokens += 1;
    const isFull = depth >= MAX_DEPTH - 1 || this.#size > MAX_BODY / 2 || this.#tokens > 300;
    const hasChildren = isFirst || (!isFull && random(3) > 0);
    const isNew = isFirst || random(4) === 0;
    let head = '';
    let names: readonly string[];
    if (isNew) {
      const base = random(this.#shapes.length);
      const added = this.#newNames(this.#shapes[base]!);
      names = [...this.#shapes[base]!, ...added];
      this.#shapes.push(names);
      head = varint(base) + varint(added.length) + added.map((name) => `${name}\0`).join('') + varint(0);
    } else {
      names = this.#shapes[random(3) > 0 ? this.#shapes.length - 1 : random(this.#shapes.length)]!;
    }
    const form = isNew ? 2 : 3 + this.#shapes.lastIndexOf(names);
    const header = isFirst ? varint(0) + this.#someText() + '\0' + varint(this.#signature) : '';
    this.#size += head.length + 20;
    const text = varint(8 * form + (hasChildren ? 2 : 0) + (isFirst ? 1 : 0)) + header + head;
    const written = { names };
    return text + this.#values(names, parent) + (hasChildren ? this.#children(written, depth) : '');
  }

  #newNames(base: readonly string[]): string[] {
    const random = this.#random;
    const room = 64 - base.length;
    const count = Math.min(room, [1, 2, 5, 60][random(4)]!);
    const prefix = 'n'.repeat(random(Math.min(400, this.#longest)));
    const names: string[] = [];
    for (let i = 0; i < count; i += 1) {
      const name = random(2) === 0 ? CLAIMS[random(CLAIMS.length)]! : `${prefix}${String(i + 10)}`;
      if (!base.includes(name) && !names.includes(name)) names.push(name);
    }
    return names;
  }

  #values(names: readonly string[], parent: Written | undefined): string {
    const isPredicted = names.map((name) => this.#random(5) > 1 && this.#hasPrediction(name, parent));
    let text = '';
    const groups = Math.max(1, Math.ceil((isPredicted.lastIndexOf(false) + 1) / 7));
    for (let group = 0; group < groups; group += 1) {
      let bits = group < groups - 1 ? 0x80 : 0;
      for (let i = 0; i < 7; i += 1) if (isPredicted[7 * group + i] === false) bits |= 1 << i;
      text += String.fromCharCode(bits);
    }
    names.forEach((name, i) => {
      if (isPredicted[i] === true) return;
      text += this.#value(name, parent);
      this.#last.add(name);
    });
    this.#size += 2 * names.length;
    return text;
  }

  #hasPrediction(name: string, parent: Written | undefined): boolean {
    if (name === 'aud' || name === 'act') return parent !== undefined;
    if (name === 'jti') return this.#isLastIdNumbered;
    return parent?.names.includes(name) === true || (!CLAIMS.includes(name) && this.#last.has(name));
  }

  #value(name: string, parent: Written | undefined): string {
    const random = this.#random;
    if ((name === 'aud' || name === 'act') && parent !== undefined && random(8) === 0) return varint(7);
    if (name === 'jti') {
      this.#isLastIdNumbered = random(4) > 0;
      return `${varint(0)}${this.#someText()}${this.#isLastIdNumbered ? '.1' : '.'}\0`;
    }
    switch (random(8)) {
      case 0:
        return varint(1) + varint(random(1_000_000_000));
      case 1:
        return varint(2) + this.#dotted();
      case 2:
        return `${varint(3)}${this.#json()}\0`;
      case 3:
        return varint(5) + this.#word();
      case 4: {
        const count = random(4) === 0 ? random(60) : random(3);
        return varint(6) + varint(count) + this.#wordsOf(count + 1);
      }
      case 5: {
        const count = random(4) === 0 ? random(60) : random(3);
        return varint(10 + count) + this.#wordsOf(count + 1);
      }
      default:
        return `${varint(0)}${this.#someText()}\0`;
    }
  }

  #json(): string {
    const text = this.#someText();
    return ['1e9', `{"sub":"${text}"}`, `["${text}"]`, `"${text}`, `{"${text}":`, text][this.#random(6)]!;
  }

  /** Few different letters, so that a search that restarts at each of them goes far. */
  #someText(): string {
    const random = this.#random;
    const size = random(3) === 0 ? random(this.#longest) : random(12);
    const run = 'ab'.charAt(random(2)).repeat(size);
    const ends = ['', 'b', '.', '://', '/', '"', 'https://', '.1', 'a.b', ' '];
    const text = ends[random(ends.length)]! + run + ends[random(ends.length)]!;
    if (this.#size + text.length > MAX_BODY - 4_000) return 'a';
    this.#size += text.length;
    return text;
  }

  #dotted(): string {
    const count = this.#random(4);
    let text = varint(count);
    for (let i = 0; i <= count; i += 1) {
      const bytes = this.#random(12);
      const isText = this.#random(2) === 0;
      text += isText ? `${varint(0)}${this.#someText()}\0` : varint(bytes + 1);
      if (!isText) this.poolBytes += bytes;
    }
    return text;
  }

  #wordsOf(count: number): string {
    let text = '';
    for (let i = 0; i < count; i += 1) text += this.#word();
    return text;
  }

  #word(): string {
    const random = this.#random;
    if (this.#words > 0 && random(4) > 0) return String.fromCharCode(random(Math.min(30, this.#words)));
    this.#words += 1;
    return `w${this.#someText()}\0`;
  }

  #children(parent: Written, depth: number): string {
    const random = this.#random;
    const isBomb = random(3) === 0;
    if (!isBomb) {
      const count = random(5);
      let text = varint(count);
      for (let i = 0; i <= count; i += 1) text += this.#word() + this.#record(parent, depth + 1);
      return text;
    }
    // One child, and then the same bytes again and again.
    const first = this.#word() + this.#record(parent, depth + 1);
    const before = this.poolBytes;
    const again = `${this.#words > 0 ? '\0' : 'x\0'}${this.#leaf(parent)}`;
    const room = Math.max(0, MAX_BODY - this.#size - 2_000);
    const most = random(4) === 0 ? 600 : random(100);
    const count = Math.max(1, Math.min(most, Math.floor(room / again.length)));
    this.poolBytes += (this.poolBytes - before) * (count - 1);
    this.#tokens += count;
    this.#size += again.length * count;
    return varint(count) + first + again.repeat(count);
  }

  /** A token of a known shape, all of whose values are predicted where they can be. */
  #leaf(parent: Written): string {
    const names = this.#shapes[this.#shapes.length - 1 - this.#random(Math.min(3, this.#shapes.length))]!;
    this.poolBytes += this.#signature;
    return varint(8 * (3 + this.#shapes.lastIndexOf(names))) + this.#values(names, parent);
  }
}
