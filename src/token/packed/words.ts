/**
 * Names and scopes share one list of words, so that each is written once. A repeated word is written as its distance from
 * the position after the last word: a repeated sequence is zeros.
 */

import { numberText, type ByteReader } from './bytes.ts';
import { refused } from './refusal.ts';

/** A first byte below is how far a word lies behind; above, the first of a text; this one, a number follows. */
const NUMBER = 31;

export class WordReader {
  readonly #body: ByteReader;
  readonly #words: string[] = [];
  #place = 0;

  constructor(body: ByteReader) {
    this.#body = body;
  }

  read(): string {
    const count = this.#words.length;
    let behind: number | undefined;
    if (this.#body.next <= NUMBER) {
      const first = this.#body.byte();
      const code = first === NUMBER ? this.#body.number() : undefined;
      behind = code === undefined ? first : code === 0 ? undefined : NUMBER - 1 + code;
    }
    if (behind === undefined) this.#words.push(this.#body.text());
    else if (behind >= count) throw refused('a word index is out of range');
    const index = behind === undefined ? count : (this.#place + behind) % count;
    this.#place = index + 1;
    return this.#words[index]!;
  }
}

export class WordWriter {
  readonly #words = new Map<string, number>();
  #place = 0;

  write(word: string): string {
    const count = this.#words.size;
    const index = this.#words.get(word) ?? count;
    const behind = (index - this.#place + count) % count;
    this.#place = index + 1;
    if (index < count) {
      return behind < NUMBER
        ? String.fromCharCode(behind)
        : String.fromCharCode(NUMBER) + numberText(behind - NUMBER + 1);
    }
    this.#words.set(word, count);
    return newWord(word);
  }
}

/** The most bytes that a word can take, whatever stood before it: few words are spelled in less than a number. */
export function wordBound(word: string): number {
  return Math.max(newWord(word).length, 4);
}

function newWord(word: string): string {
  return word.charCodeAt(0) > NUMBER ? `${word}\0` : `${String.fromCharCode(NUMBER)}\0${word}\0`;
}
