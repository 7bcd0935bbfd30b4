/**
 * Lays out a client's own tree in one buffer: its tokens have the same lengths each time, and most of their bytes are the
 * same. Times, ids, `cnf` and signatures are written in place, and only the bytes that they touch are encoded again, on
 * every level.
 *
 * Each payload is in the buffer once; the token made of it is inside the payload of its parent, where it is signed. The
 * buffer serves one tree at a time: nothing is awaited between the first byte and the last.
 */
import { base64urlLength } from '../../protocol.ts';
import type { TemplatePositions } from '../../token/index.ts';

/** One token, whose gaps are filled with any text of the right length. */
export interface TemplateToken {
  readonly payload: string;
  readonly places: TemplatePositions;
  readonly children: readonly TemplateToken[];
}

/** What differs from tree to tree: JSON texts, each of constant length. */
export interface TokenGaps {
  readonly iat: string;
  readonly exp: string;
  readonly jti: string;
  readonly txn: string;
  readonly cnf: string | undefined;
}

const GAPS = ['iat', 'exp', 'jti', 'txn', 'cnf'] as const;

/** Bytes of the buffer, from `start` up to `end`. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** A range, and the offset of its base64url. */
interface Span extends Range {
  readonly to: number;
}

interface Laid {
  readonly gaps: readonly (Range & { readonly name: keyof TokenGaps })[];
  /** What is encoded again. The length of each, except the last of a payload, is a multiple of three. */
  readonly spans: readonly Span[];
  /** Header and payload. */
  readonly input: Uint8Array;
  /** The offset of the signature. */
  readonly signature: number;
  readonly children: readonly Laid[];
}

/** Spans with fewer bytes between them are merged. */
const NEAR = 12;

export class TreeTemplate {
  readonly #buffer: Buffer;
  readonly #root: Laid;
  /** Characters of the root token. */
  readonly #length: number;

  /**
   * @param prefix of every token: its header and a dot.
   * @param signatureBytes of each signature.
   */
  constructor(root: TemplateToken, prefix: string, signatureBytes: number) {
    const layout = new Layout(root, prefix, signatureBytes);
    this.#buffer = layout.buffer;
    this.#root = layout.root;
    this.#length = layout.length;
  }

  /** Size of the buffer. */
  get bytes(): number {
    return this.#buffer.length;
  }

  /**
   * Fills in, encodes and signs, leaves first.
   *
   * @param gapsOf the gaps of a token by its number in pre-order.
   * @param sign must not keep its argument.
   * @param signed is called with each token's number and signature.
   * @returns the root token.
   */
  write(
    gapsOf: (n: number) => TokenGaps,
    sign: (input: Uint8Array) => Uint8Array,
    signed: (n: number, signature: Uint8Array) => void,
  ): string {
    let next = 0;
    const write = (token: Laid): void => {
      const n = next++;
      for (const child of token.children) write(child);
      const gaps = gapsOf(n);
      for (const { name, start } of token.gaps) put(this.#buffer, gaps[name] ?? '', start);
      for (const { start, end, to } of token.spans) encode(this.#buffer, start, end, this.#buffer, to);
      const signature = sign(token.input);
      encode(signature, 0, signature.length, this.#buffer, token.signature);
      signed(n, signature);
    };
    write(this.#root);
    return this.#buffer.toString('latin1', 0, this.#length);
  }
}

/** Places every payload, from the root down, and finds what changes, from the leaves up. */
class Layout {
  readonly buffer: Buffer;
  readonly root: Laid;
  readonly length: number;
  readonly #prefix: string;
  readonly #signatureBytes: number;
  #free: number;

  constructor(root: TemplateToken, prefix: string, signatureBytes: number) {
    this.#prefix = prefix;
    this.#signatureBytes = signatureBytes;
    this.length = this.#charsOf(root);
    this.#free = this.length;
    this.buffer = Buffer.alloc(this.length + payloadBytes(root));
    this.root = this.#lay(root, 0).laid;
  }

  #charsOf({ payload }: TemplateToken): number {
    return this.#prefix.length + base64urlLength(payload.length) + 1 + base64urlLength(this.#signatureBytes);
  }

  /** @param at the offset of the token. @returns the token, and the ranges of it that change each time. */
  #lay(token: TemplateToken, at: number): { readonly laid: Laid; readonly changes: readonly Range[] } {
    const { buffer } = this;
    const start = this.#free;
    const end = start + token.payload.length;
    this.#free = end;
    buffer.write(token.payload, start, 'latin1');
    buffer.write(this.#prefix, at, 'latin1');
    const gaps = GAPS.flatMap((name) => {
      const place = token.places.slots.get(name);
      return place === undefined ? [] : [{ name, start: start + place.start, end: start + place.end }];
    });
    const below = token.children.map((child, index) => this.#lay(child, start + token.places.tokens[index]!));
    const to = at + this.#prefix.length;
    const dot = to + base64urlLength(token.payload.length);
    const changed = merged([...gaps, ...below.flatMap(({ changes }) => changes)], start, end);
    const spans = changed.map((span) => ({ ...span, to: to + ((span.start - start) / 3) * 4 }));
    encode(buffer, start, end, buffer, to);
    buffer.write('.', dot, 'latin1');
    const signature = { start: dot + 1, end: dot + 1 + base64urlLength(this.#signatureBytes) };
    return {
      laid: {
        gaps,
        spans,
        input: buffer.subarray(at, dot),
        signature: signature.start,
        children: below.map(({ laid }) => laid),
      },
      changes: [
        ...spans.map((span) => ({ start: span.to, end: span.to + base64urlLength(span.end - span.start) })),
        signature,
      ],
    };
  }
}

/** Extends ranges to multiples of three from `from` on, or to `to`, and merges those that are near. */
function merged(ranges: readonly Range[], from: number, to: number): Range[] {
  const found: { start: number; end: number }[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const range = {
      start: start - ((start - from) % 3),
      end: Math.min(to, from + Math.ceil((end - from) / 3) * 3),
    };
    const last = found.at(-1);
    if (last && range.start - last.end < NEAR) last.end = Math.max(last.end, range.end);
    else found.push(range);
  }
  return found;
}

function payloadBytes({ payload, children }: TemplateToken): number {
  return children.reduce((sum, child) => sum + payloadBytes(child), payload.length);
}

function put(buffer: Uint8Array, ascii: string, at: number): void {
  for (let i = 0; i < ascii.length; i += 1) buffer[at + i] = ascii.charCodeAt(i);
}

const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'latin1');

/** Encodes base64url (RFC 4648 section 5) in place: Node's encoder makes a string, which would have to be copied. */
function encode(bytes: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  let from = start;
  let place = at;
  for (; from + 2 < end; from += 3, place += 4) {
    const three = (bytes[from]! << 16) | (bytes[from + 1]! << 8) | bytes[from + 2]!;
    to[place] = ALPHABET[three >> 18]!;
    to[place + 1] = ALPHABET[(three >> 12) & 63]!;
    to[place + 2] = ALPHABET[(three >> 6) & 63]!;
    to[place + 3] = ALPHABET[three & 63]!;
  }
  if (from === end) return;
  const one = bytes[from]!;
  const two = from + 1 < end ? bytes[from + 1]! : undefined;
  to[place] = ALPHABET[one >> 2]!;
  to[place + 1] = ALPHABET[((one & 3) << 4) | ((two ?? 0) >> 4)]!;
  if (two !== undefined) to[place + 2] = ALPHABET[(two & 15) << 2]!;
}
