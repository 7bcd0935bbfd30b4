/**
 * A reader of packed tokens, written from `schemas/packed.md` alone: it shares no line with the one in `src`. Slow and
 * without bounds but those of the format; good for saying whether the page is right.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { Model, ModelledBytes } from './model.ts';
import { Guesses, type Token } from './guesses.ts';

const PAGE = fileURLToPath(new URL('../../../../schemas/packed.md', import.meta.url));

const MEMBERS = 'iss aud sub client_id scope iat exp jti txn act on_demand held cnf'.split(' ');
const CLAIMS = MEMBERS.slice(0, 9);

interface Bytes {
  byte(field: number, hint: number): number;
  end(): void;
}

interface Shape {
  readonly names: readonly string[];
  readonly at: number | 'all';
}

const base64url = (text: string): string => Buffer.from(text, 'latin1').toString('base64url');

function refuse(when: boolean, why: string): void {
  if (when) throw new Error(why);
}

class StoredBytes implements Bytes {
  readonly #body: Uint8Array;
  #at = 0;
  constructor(body: Uint8Array) {
    this.#body = body;
  }
  byte(): number {
    refuse(this.#at === this.#body.length, 'the body is too short');
    this.#at += 1;
    return this.#body[this.#at - 1]!;
  }
  end(): void {
    refuse(this.#at < this.#body.length, 'the body is too long');
  }
}

class Records {
  readonly #bytes: Bytes;
  readonly #pool: (count: number) => Uint8Array;
  readonly #guesses = new Guesses();
  readonly #shapes: Shape[] = [
    { names: [], at: 'all' },
    { names: CLAIMS, at: 'all' },
    { names: [...CLAIMS, 'act'], at: 'all' },
  ];
  readonly #headers: { text: string; signature: number }[] = [];
  #header: { text: string; signature: number } | undefined;
  readonly #words: string[] = [];
  #place = 0;

  constructor(bytes: Bytes, pool: (count: number) => Uint8Array) {
    this.#bytes = bytes;
    this.#pool = pool;
  }

  root(): string {
    const token = this.#record('', undefined, 1);
    this.#bytes.end();
    return token;
  }

  #record(name: string, parent: Token | undefined, level: number): string {
    refuse(level > 64, 'more than 64 levels');
    const tag = this.#number(1, parent ? 1 : 0);
    const form = Math.floor(tag / 4);
    const hasChildren = (tag & 2) > 0;
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
      : Buffer.from(this.#pool(this.#number(6, 2))).toString('base64url');
    return `${base64url(header)}.${payload}.${signature}`;
  }

  #newHeader(): void {
    const code = this.#number(7, 0);
    if (code >= 5) {
      this.#header = this.#headers[code - 5];
      return;
    }
    const alg = ['ES256', 'Ed25519', 'PS256', 'RS256'][code - 1];
    const text = code === 0 ? this.#text(3) : `{"alg":"${alg}","typ":"at+jwt","kid":"${this.#part()}"}`;
    this.#header = { text, signature: this.#number(6, 0) };
    this.#headers.push(this.#header);
  }

  #newShape(): Shape {
    const base = this.#shapes[this.#number(8, 0)];
    if (!base) throw new Error('no such base');
    const count = this.#number(5, 3);
    refuse(base.names.length + count > 64, 'too many members');
    const names = [...base.names];
    for (let i = 0; i < count; i += 1) names.push(this.#text(4));
    const at = this.#number(8, 1);
    refuse(at > names.length, 'children behind the members');
    const shape: Shape = { names, at: at === 0 ? 'all' : at - 1 };
    this.#shapes.push(shape);
    return shape;
  }

  #payload({ names, at }: Shape, hasChildren: boolean, token: Token, level: number): string {
    const mask = this.#mask(names.length);
    const members = names.map((name, i) => {
      const value = mask[i] === 1 ? this.#chosen(token, name) : this.#guesses.of(token, name)[0];
      if (value === undefined) throw new Error('no such value');
      this.#guesses.learn(token, name, value, mask[i] !== 1);
      return `"${name}":${value}`;
    });
    if (hasChildren) {
      const children: string[] = [];
      for (let left = this.#number(5, 0) + 1; left > 0; left -= 1) {
        const name = this.#word(1);
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
      const byte = this.#bytes.byte(2, 16 * members + group);
      refuse(byte === 0 && group > 0, 'an empty group');
      for (let i = 0; i < 7; i += 1) mask.push((byte >> i) & 1);
      more = byte >= 128;
    }
    refuse(mask.slice(members).includes(1), 'a bit too many');
    return mask;
  }

  #chosen(token: Token, name: string): string | undefined {
    const m = MEMBERS.indexOf(name) + 1;
    const choice = this.#number(3, m);
    if (choice === 0) return `"${this.#text(16 + m)}"`;
    if (choice === 1) return `"${this.#times(this.#number(5, 1) + 1, () => this.#word(2)).join(' ')}"`;
    if (choice === 2) return String(this.#number(6, 16 + m));
    if (choice === 3) return `"${this.#dotted()}"`;
    if (choice === 4) return this.#text(16 + m);
    if (choice === 5) return this.#guesses.later(token, name, this.#number(6, 16 + m));
    if (choice === 6) return this.#guesses.audience(this.#word(1));
    if (choice === 7) {
      const entries = this.#times(this.#number(5, 4) + 1, () => {
        const callee = this.#word(1);
        return `"${callee}":${this.#guesses.audience(callee)}`;
      });
      return `{${entries.join(',')}}`;
    }
    refuse(choice > 10, 'no such choice');
    return this.#guesses.of(token, name)[choice - 7];
  }

  #times(count: number, read: () => string): string[] {
    const items: string[] = [];
    for (let i = 0; i < count; i += 1) items.push(read());
    return items;
  }

  #word(hint: number): string {
    const code = this.#number(4, hint);
    const n = this.#words.length;
    refuse(code > n, 'no such word');
    const index = code === 0 ? n : (this.#place + code - 1) % n;
    if (code === 0) this.#words.push(this.#text(hint));
    this.#place = index + 1;
    return this.#words[index]!;
  }

  #dotted(): string {
    return this.#times(this.#number(5, 2) + 1, () => this.#part()).join('.');
  }

  #part(): string {
    const code = this.#number(6, 1);
    return code === 0 ? this.#text(5) : Buffer.from(this.#pool(code - 1)).toString('base64url');
  }

  #text(hint: number): string {
    let text = '';
    for (let byte = this.#bytes.byte(0, hint); byte !== 0; byte = this.#bytes.byte(0, hint)) {
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #number(field: number, hint: number): number {
    return varint(7, (place) => this.#bytes.byte(field, hint + 256 * place));
  }
}

function varint(most: number, byteAt: (place: number) => number): number {
  let value = 0;
  for (let place = 0; place < most; place += 1) {
    const byte = byteAt(place);
    value += (byte % 128) * 128 ** place;
    refuse(byte === 0 && place > 0, 'a zero group');
    if (byte < 128) return value;
  }
  throw new Error('a number too long');
}

function primed(): Model {
  const page = readFileSync(PAGE, 'utf8');
  const bodies = /```text\n((?:[\w-]{100,}\n)+)```/.exec(page)?.[1]?.trim().split('\n') ?? [];
  const model = new Model();
  for (const body of bodies) {
    const bytes = new ModelledBytes(model, Buffer.from(body, 'base64url'));
    new Records(bytes, (count) => new Uint8Array(count)).root();
  }
  return model;
}

const PRIMED = primed();

/** The nested token; throws for what the page refuses. */
export function readFromThePage(packed: string): string {
  refuse(!packed.startsWith('wb1~'), 'the prefix');
  const bundle = Buffer.from(packed.slice(4), 'base64url');
  refuse(bundle.toString('base64url') !== packed.slice(4), 'base64url');
  refuse(bundle.length === 0 || bundle[0]! > 1, 'the coding');
  let at = 1;
  const length = varint(5, () => {
    refuse(at >= bundle.length, 'no length');
    at += 1;
    return bundle[at - 1]!;
  });
  refuse(length > bundle.length - at, 'a short body');
  const body = bundle.subarray(at, at + length);
  at += length;
  const pool = (count: number): Uint8Array => {
    refuse(count > bundle.length - at, 'a short pool');
    at += count;
    return bundle.subarray(at - count, at);
  };
  const bytes = bundle[0] === 0 ? new StoredBytes(body) : new ModelledBytes(PRIMED.copy(), body);
  const nested = new Records(bytes, pool).root();
  refuse(at !== bundle.length, 'a long pool');
  return nested;
}
