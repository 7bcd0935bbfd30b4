/**
 * Reads JSON objects that are flat: each member is a text, a whole number, true, false or a list of texts. Strict where
 * `JSON.parse` is not: no name stands twice (the last would win in silence), and no number has a fraction or an exponent.
 *
 * Takes time linear in the text and does not recurse, so that a bound of its length bounds everything.
 */

export type FlatValue = string | number | boolean | readonly string[];

/** Why a text cannot be read. The message is a clause with `it`, and contains nothing of the text. */
export class FlatJsonFault extends Error {
  override readonly name = 'FlatJsonFault';
}

const NOT_FLAT =
  'it must be a JSON object whose members are texts, whole numbers without fraction and exponent, true, false, or lists of texts';
const REPEATED = 'it has a member twice';

/** Blanks, then a text, a whole number, a word or a mark: RFC 8259 sections 2, 3, 6 and 7. */
const TOKEN =
  /[\x20\t\n\r]*(?:(?<text>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(?<int>-?(?:0|[1-9]\d*)(?![\d.eE]))|(?<word>true|false)|(?<mark>[[\]{},:]))/y;
const BLANKS = /^[\x20\t\n\r]*$/;

type Token = { readonly mark: string } | { readonly value: string | number | boolean };

/** @throws FlatJsonFault */
export function parseFlatObject(json: string): ReadonlyMap<string, FlatValue> {
  const reader = new Reader(json);
  reader.take('{');
  const members = reader.members();
  reader.end();
  return members;
}

/**
 * A list with one such object.
 *
 * @throws FlatJsonFault
 */
export function parseOneFlatObject(json: string): ReadonlyMap<string, FlatValue> {
  const reader = new Reader(json);
  reader.take('[');
  reader.take('{');
  const members = reader.members();
  if (reader.mark() !== ']') throw new FlatJsonFault('it must be a list of one object');
  reader.end();
  return members;
}

class Reader {
  readonly #json: string;
  #at = 0;

  constructor(json: string) {
    this.#json = json;
  }

  /** The members of an object, whose brace has been taken. */
  members(): ReadonlyMap<string, FlatValue> {
    const members = new Map<string, FlatValue>();
    let token = this.#next();
    if (isMark(token, '}')) return members;
    for (;;) {
      const name = textOf(token);
      this.take(':');
      if (members.has(name)) throw new FlatJsonFault(REPEATED);
      members.set(name, this.#value());
      const mark = this.mark();
      if (mark === '}') return members;
      if (mark !== ',') throw new FlatJsonFault(NOT_FLAT);
      token = this.#next();
    }
  }

  take(mark: string): void {
    if (!isMark(this.#next(), mark)) throw new FlatJsonFault(NOT_FLAT);
  }

  mark(): string {
    const token = this.#next();
    if (!('mark' in token)) throw new FlatJsonFault(NOT_FLAT);
    return token.mark;
  }

  end(): void {
    if (!BLANKS.test(this.#json.slice(this.#at))) throw new FlatJsonFault(NOT_FLAT);
  }

  #value(): FlatValue {
    const token = this.#next();
    if ('value' in token) return token.value;
    if (token.mark !== '[') throw new FlatJsonFault(NOT_FLAT);
    return this.#texts();
  }

  #texts(): readonly string[] {
    const texts: string[] = [];
    let token = this.#next();
    if (isMark(token, ']')) return texts;
    for (;;) {
      texts.push(textOf(token));
      const mark = this.mark();
      if (mark === ']') return texts;
      if (mark !== ',') throw new FlatJsonFault(NOT_FLAT);
      token = this.#next();
    }
  }

  #next(): Token {
    TOKEN.lastIndex = this.#at;
    const found = TOKEN.exec(this.#json)?.groups;
    if (!found) throw new FlatJsonFault(NOT_FLAT);
    this.#at = TOKEN.lastIndex;
    const { text, int, word, mark } = found;
    if (mark !== undefined) return { mark };
    if (text !== undefined) return { value: JSON.parse(text) as string };
    // JSON knows -0, and readers of a whole number do not expect it.
    return { value: int === undefined ? word === 'true' : Number(int) + 0 };
  }
}

function isMark(token: Token, mark: string): boolean {
  return 'mark' in token && token.mark === mark;
}

function textOf(token: Token): string {
  if ('value' in token && typeof token.value === 'string') return token.value;
  throw new FlatJsonFault(NOT_FLAT);
}
