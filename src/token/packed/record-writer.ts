/** Writes the record of a token, and behind it those of the tokens that it embeds. */

import { byteText, numberText } from './bytes.ts';
import { Predictor } from './predictor.ts';
import { PartialToken, valueAt } from './partial-token.ts';
import { CHOICE, FORM, HEADER, MAX_PREDICTIONS, TAG, framed, randomBytes } from './format.ts';
import { hasChildren, type MembersPayload, type SignedNode, type TokenNode } from './node.ts';
import { FIRST_SHAPES, longestBase, shapeAt, shapeOf, type Shape } from './shapes.ts';
import { spelled } from './spelling.ts';
import { WordWriter } from './words.ts';

export class RecordWriter {
  readonly #predictor = new Predictor();
  readonly #shapes: Shape[] = [...FIRST_SHAPES];
  readonly #headers: SignedNode[] = [];
  #header = -1;
  readonly #words = new WordWriter();
  #pool = '';

  /** Signatures, and other bytes that look random, of what has been written: one character for each byte. */
  get pool(): string {
    return this.#pool;
  }

  /** @returns the body: its bytes as characters. */
  root(node: SignedNode): string {
    return this.#record('', node, undefined);
  }

  #record(name: string, node: TokenNode, parent: PartialToken | undefined): string {
    if (node.kind === 'opaque') return numberText(FORM.opaque) + this.#dotted(node.text);
    const { payload, signature } = node;
    const before = this.#header;
    const header = this.#writeHeader(node);
    const flags =
      (this.#header === before ? 0 : TAG.otherHeader) +
      (hasChildren(node) ? TAG.children + (node.travelsNested ? TAG.travelsNested : 0) : 0);
    if (payload.kind === 'raw') {
      this.#pool += signature + payload.bytes;
      return numberText(FORM.raw * TAG.form + flags) + header + numberText(payload.bytes.length);
    }
    const at =
      payload.children.length === 0 || payload.childrenAt === payload.names.length
        ? undefined
        : payload.childrenAt;
    const index = shapeAt(this.#shapes, payload.names, at);
    const form = index < 0 ? FORM.newShape : FORM.shaped + index;
    const newShape = index < 0 ? this.#newShape(shapeOf(payload.names, at)) : '';
    // At -1 stands the new one, which is the last.
    const shape = this.#shapes.at(index)!;
    this.#pool += signature;
    const members = this.#members(payload, new PartialToken(name, parent, shape), shape.inherited);
    return numberText(form * TAG.form + flags) + header + newShape + members;
  }

  #members(
    { names, values, children }: MembersPayload,
    token: PartialToken,
    inherited: readonly boolean[],
  ): string {
    let literals = '';
    let masks = '';
    let mask = 0;
    for (let i = 0; i < names.length; i += 1) {
      const name = names[i]!;
      const value = values[i]!;
      if (inherited[i]! && valueAt(token.parent, i, name) === value) {
        token.values.push(value);
        continue;
      }
      const literal = this.#value(token, i, name, value);
      this.#predictor.learn(token, name, value, literal === undefined);
      if (literal === undefined) continue;
      literals += literal;
      // A group of seven ends when there is a bit in a later one.
      for (const group = Math.floor(i / 7); masks.length < group; mask = 0) masks += byteText(mask | 0x80);
      mask |= 1 << (i % 7);
    }
    let text = masks + byteText(mask) + literals;
    if (children.length === 0) return text;
    text += numberText(children.length - 1);
    for (const { name, node } of children) text += this.#words.write(name) + this.#record(name, node, token);
    return text;
  }

  /** The value in its first possible form; undefined if the best prediction is right. */
  #value(token: PartialToken, index: number, name: string, value: string): string | undefined {
    for (let rank = 0; rank < MAX_PREDICTIONS; rank += 1) {
      const isRight = this.#predictor.isPrediction(token, index, rank, value);
      if (isRight === undefined) break;
      if (isRight) return rank === 0 ? undefined : numberText(CHOICE.prediction + rank - 1);
    }
    const { bytes, words = [], dotted } = spelled(token, name, value);
    let spelledOut = '';
    for (const word of words) spelledOut += this.#words.write(word);
    return bytes + spelledOut + (dotted === undefined ? '' : this.#dotted(dotted));
  }

  #dotted(text: string): string {
    const parts = text.split('.');
    return numberText(parts.length - 1) + parts.map((part) => this.#part(part)).join('');
  }

  #part(part: string): string {
    const bytes = randomBytes(part);
    if (bytes === undefined) return `${numberText(0)}${part}\0`;
    this.#pool += bytes;
    return numberText(bytes.length + 1);
  }

  #newShape(shape: Shape): string {
    const base = longestBase(this.#shapes, shape.names);
    const added = shape.names.slice(this.#shapes[base]!.names.length);
    this.#shapes.push(shape);
    return [
      numberText(base),
      numberText(added.length),
      ...added.map((name) => `${name}\0`),
      numberText(shape.childrenAt === undefined ? 0 : shape.childrenAt + 1),
    ].join('');
  }

  /** Nothing where the header is that of the record before. */
  #writeHeader(node: SignedNode): string {
    const { header, signature } = node;
    const same = (other: SignedNode | undefined): boolean =>
      other?.header === header && other.signature.length === signature.length;
    if (same(this.#headers[this.#header])) return '';
    const known = this.#headers.findIndex(same);
    this.#header = known < 0 ? this.#headers.length : known;
    if (known >= 0) return numberText(HEADER.known + known);
    this.#headers.push(node);
    const frame = framed(header);
    const text = frame
      ? numberText(HEADER.frame + frame.index) + this.#part(frame.kid)
      : `${numberText(HEADER.text)}${header}\0`;
    return text + numberText(signature.length);
  }
}
