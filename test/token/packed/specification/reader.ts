/**
 * A reader of packed tokens, written from `schemas/packed.md` alone: it shares no line with the one in `src`. Slow and
 * without bounds but those of the format; good for saying whether the page is right.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inflateRawSync } from 'node:zlib';

import { Predictor, audiencesBelow, counted, likeTheIssuer, type Revision, type Token } from './predictor.ts';

const PAGE = fileURLToPath(new URL('../../../../schemas/packed.md', import.meta.url));

const CLAIMS = 'iss aud sub client_id scope iat exp jti txn'.split(' ');

interface Shape {
  readonly names: readonly string[];
  readonly at: number | 'all';
}

const base64url = (text: string): string => Buffer.from(text, 'latin1').toString('base64url');

function refuse(when: boolean, why: string): void {
  if (when) throw new Error(why);
}

class Records {
  readonly #body: Uint8Array;
  #at = 0;
  readonly #pool: (count: number) => Uint8Array;
  readonly #predictor: Predictor;
  readonly #shapes: Shape[] = [
    { names: [], at: 'all' },
    { names: CLAIMS, at: 'all' },
    { names: [...CLAIMS, 'act'], at: 'all' },
  ];
  readonly #headers: { text: string; signature: number }[] = [];
  #header: { text: string; signature: number } | undefined;
  readonly #words: string[] = [];
  #place = 0;

  constructor(body: Uint8Array, pool: (count: number) => Uint8Array, revision: Revision) {
    this.#predictor = new Predictor(revision);
    this.#body = body;
    this.#pool = pool;
  }

  root(): string {
    const token = this.#record('', undefined, 1);
    refuse(this.#at < this.#body.length, 'the body is too long');
    return token;
  }

  #record(name: string, parent: Token | undefined, level: number): string {
    refuse(level > 64, 'more than 64 levels');
    const tag = this.#number();
    const form = Math.floor(tag / 8);
    const hasChildren = (tag & 2) > 0;
    refuse((tag & 4) > 0 && (!hasChildren || parent === undefined), 'a mark where none can be');
    refuse(parent === undefined && (form < 2 || !hasChildren), 'a root without children');
    if (form === 0) {
      refuse(tag !== 0, 'bits of an opaque string');
      return this.#dotted();
    }
    if ((tag & 1) > 0) this.#newHeader();
    if (!this.#header) throw new Error('no header');
    const { text: header, signature: length } = this.#header;
    const shape = form === 1 ? undefined : form === 2 ? this.#newShape() : this.#shapes[form - 3];
    refuse(form > 1 && !shape, 'no such shape');
    refuse(hasChildren ? form === 1 : shape !== undefined && shape.at !== 'all', 'children');
    const signature = Buffer.from(this.#pool(length)).toString('base64url');
    const payload = shape
      ? base64url(
          this.#payload(
            shape,
            hasChildren,
            { name, parent, names: shape.names, values: [], sibling: undefined },
            level,
          ),
        )
      : Buffer.from(this.#pool(this.#number())).toString('base64url');
    return `${base64url(header)}.${payload}.${signature}`;
  }

  #newHeader(): void {
    const code = this.#number();
    if (code >= 5) {
      this.#header = this.#headers[code - 5];
      return;
    }
    const alg = ['ES256', 'Ed25519', 'PS256', 'RS256'][code - 1];
    const text = code === 0 ? this.#text() : `{"alg":"${alg}","typ":"at+jwt","kid":"${this.#part()}"}`;
    this.#header = { text, signature: this.#number() };
    this.#headers.push(this.#header);
  }

  #newShape(): Shape {
    const base = this.#shapes[this.#number()];
    if (!base) throw new Error('no such base');
    const count = this.#number();
    refuse(base.names.length + count > 64, 'too many members');
    const names = [...base.names];
    for (let i = 0; i < count; i += 1) names.push(this.#text());
    refuse(new Set(names).size < names.length, 'a name twice');
    const at = this.#number();
    refuse(at > names.length, 'children behind the members');
    const shape: Shape = { names, at: at === 0 ? 'all' : at - 1 };
    this.#shapes.push(shape);
    return shape;
  }

  #payload({ names, at }: Shape, hasChildren: boolean, token: Token, level: number): string {
    const mask = this.#mask(names.length);
    const members = names.map((name, i) => {
      const value = mask[i] === 1 ? this.#chosen(token, name) : this.#predictor.predict(token, name)[0];
      if (value === undefined) throw new Error('no such value');
      this.#predictor.learn(token, name, value, mask[i] !== 1);
      return `"${name}":${value}`;
    });
    if (hasChildren) {
      const children: string[] = [];
      for (let left = this.#number() + 1; left > 0; left -= 1) {
        const name = this.#word();
        children.push(`"${name}":"${this.#record(name, token, level + 1)}"`);
      }
      members.splice(at === 'all' ? names.length : at, 0, `"embedded":{${children.join(',')}}`);
    }
    return `{${members.join(',')}}`;
  }

  #mask(members: number): number[] {
    const mask: number[] = [];
    for (let group = 0, more = true; more; group += 1) {
      refuse(group === 10, 'more than ten groups');
      const byte = this.#byte();
      refuse(byte === 0 && group > 0, 'an empty group');
      for (let i = 0; i < 7; i += 1) mask.push((byte >> i) & 1);
      more = byte >= 128;
    }
    refuse(mask.slice(members).includes(1), 'a bit too many');
    return mask;
  }

  #chosen(token: Token, name: string): string | undefined {
    const { parent } = token;
    const choice = this.#number();
    if (choice >= 10) return `"${this.#times(choice - 9, () => this.#word()).join(' ')}"`;
    if (choice >= 7) return this.#predictor.predict(token, name)[choice - 6];
    if (choice === 0) return `"${this.#text()}"`;
    if (choice === 1) return String(this.#number());
    if (choice === 2) return `"${this.#dotted()}"`;
    if (choice === 3) return this.#text();
    if (choice === 4) return counted(token, name, this.#number());
    const word = (): string => this.#word();
    if (choice === 5) return parent ? audiencesBelow(parent, word())[0] : likeTheIssuer(token, word());
    const entries = this.#times(this.#number() + 1, () => {
      const callee = this.#word();
      return `"${callee}":${audiencesBelow(token, callee)[0]!}`;
    });
    return `{${entries.join(',')}}`;
  }

  #times(count: number, read: () => string): string[] {
    const items: string[] = [];
    for (let i = 0; i < count; i += 1) items.push(read());
    return items;
  }

  #word(): string {
    const n = this.#words.length;
    let distance: number | 'new' = 'new';
    if (this.#at < this.#body.length && this.#body[this.#at]! <= 31) {
      distance = this.#byte();
      if (distance === 31) {
        const c = this.#number();
        distance = c === 0 ? 'new' : 30 + c;
      }
    }
    if (distance === 'new') this.#words.push(this.#text());
    else refuse(distance >= n, 'no such word');
    const index = distance === 'new' ? n : (this.#place + distance) % n;
    this.#place = index + 1;
    return this.#words[index]!;
  }

  #dotted(): string {
    return this.#times(this.#number() + 1, () => this.#part()).join('.');
  }

  #part(): string {
    const code = this.#number();
    return code === 0 ? this.#text() : Buffer.from(this.#pool(code - 1)).toString('base64url');
  }

  #text(): string {
    let text = '';
    for (let byte = this.#byte(); byte !== 0; byte = this.#byte()) text += String.fromCharCode(byte);
    return text;
  }

  #number(): number {
    return varint(() => this.#byte());
  }

  #byte(): number {
    refuse(this.#at === this.#body.length, 'the body is too short');
    this.#at += 1;
    return this.#body[this.#at - 1]!;
  }
}

function varint(next: () => number): number {
  let value = 0;
  for (let place = 0; place < 7; place += 1) {
    const byte = next();
    value += (byte % 128) * 128 ** place;
    refuse(byte === 0 && place > 0, 'a zero group');
    if (byte < 128) return value;
  }
  throw new Error('a number too long');
}

function dictionary(): Buffer {
  const page = readFileSync(PAGE, 'utf8');
  const [, lines = ''] = /```text\n((?:[\w-]+\n)+)```/.exec(page) ?? [];
  return Buffer.from(lines.replaceAll('\n', ''), 'base64url');
}

const DICTIONARY = dictionary();

/** One byte less must not do: that is how this tells whether anything stands behind the stream. */
function inflate(deflated: Uint8Array): Uint8Array {
  const options = { dictionary: DICTIONARY, maxOutputLength: 32768 };
  const body = inflateRawSync(deflated, options);
  let shorter: Uint8Array | undefined;
  try {
    shorter = inflateRawSync(deflated.subarray(0, -1), options);
  } catch {
    return body;
  }
  throw new Error(`bytes behind a stream of ${shorter.length}`);
}

/** The nested token; throws for what the page refuses. */
/** @param revision of the page. Default: the present one. */
export function readFromThePage(packed: string, revision: Revision = '1.1'): string {
  refuse(!packed.startsWith('wb1~'), 'the prefix');
  const bundle = Buffer.from(packed.slice(4), 'base64url');
  refuse(bundle.toString('base64url') !== packed.slice(4), 'base64url');
  let at = 0;
  const head = varint(() => {
    refuse(at >= bundle.length, 'no head');
    at += 1;
    return bundle[at - 1]!;
  });
  const length = Math.floor(head / 2);
  refuse(length > bundle.length - at, 'a short body');
  const body = bundle.subarray(at, at + length);
  at += length;
  const pool = (count: number): Uint8Array => {
    refuse(count > bundle.length - at, 'a short pool');
    at += count;
    return bundle.subarray(at - count, at);
  };
  const nested = new Records(head % 2 === 1 ? inflate(body) : body, pool, revision).root();
  refuse(at !== bundle.length, 'a long pool');
  return nested;
}
