/**
 * Numbers as written, and as JSON readers keep them: in an IEEE double (RFC 8259 section 6), which turns 9007199254740993
 * into 9007199254740992 and cannot hold 1e400.
 */

/** A number in parsed JSON that a double would change. It has no members, and equals only itself. */
export class WrittenNumber {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** As the JSON text has it. */
  toString(): string {
    return this.#text;
  }
}

/**
 * Whether every reader of JSON sees the number that was written: it lies between -(2^53-1) and 2^53-1, and a double
 * prints its digits again. 15 significant digits always hold. `1.0` and `1` are one number.
 *
 * @param text a number of JSON or YAML.
 * @param value what the text was read as.
 */
export function isExactNumber(text: string, value = Number(text)): boolean {
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  if (/^[-+]?0[xo]/i.test(text)) return true; // whole, and small enough
  return decimalOf(text) === decimalOf(String(value));
}

/** Digits without zeros at either end, and the power of ten of the last one: equal for texts of one number. */
function decimalOf(text: string): string {
  const [mantissa = '', power = '0'] = text.toLowerCase().split('e');
  const unsigned = mantissa.replace(/^[-+]/, '');
  const [whole = '', fraction = ''] = unsigned.split('.');
  const digits = whole + fraction;
  const start = digits.search(/[1-9]/);
  if (start < 0) return '0';
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  const exponent = Number(power) - fraction.length + (digits.length - end);
  return `${mantissa.startsWith('-') ? '-' : ''}${digits.slice(start, end)}e${exponent}`;
}

/** Strings, which are skipped whole, and numbers; each matches in one way only, even in text that is not JSON. */
const TOKENS = /"(?:[^"\\]|\\[^]?)*"?|-?\d[-+.\dEe]*/g;

function replaceInexact(json: string, replace: (number: string) => string): string {
  return json.replace(TOKENS, (token) =>
    token.startsWith('"') || isExactNumber(token) ? token : replace(token),
  );
}

/**
 * Parses JSON like `JSON.parse`, with a `WrittenNumber` for each number that a double would change. Takes time linear
 * in the text.
 *
 * @throws SyntaxError as `JSON.parse`.
 */
export function parseExactly(json: string): unknown {
  const mark = newMark();
  const marked = replaceInexact(json, (number) => `"${mark}${number}"`);
  if (marked === json) return JSON.parse(json);
  const holder = [JSON.parse(marked) as unknown];
  unmark(holder, mark);
  return holder[0];
}

/** Goes through what was parsed without recursion, since a text can be nested deeper than the stack is. */
function unmark(root: object, mark: string): void {
  const open = [root];
  for (let container = open.pop(); container; container = open.pop()) {
    for (const [key, value] of Object.entries(container)) {
      if (typeof value === 'object' && value !== null) open.push(value as object);
      else if (typeof value === 'string' && value.startsWith(mark))
        (container as Record<string, unknown>)[key] = new WrittenNumber(value.slice(mark.length));
    }
  }
}

/** As JSON, with each `WrittenNumber` as it was written. */
export function stringifyExactly(value: unknown, space?: number): string {
  const mark = newMark();
  const marked = JSON.stringify(
    value,
    (_, part: unknown) => (part instanceof WrittenNumber ? `${mark}${String(part)}` : part),
    space,
  );
  const [before = '', ...rest] = marked.split(`"${mark}`);
  return before + rest.map((part) => part.replace('"', '')).join(''); // the first quote ends the number
}

/** Whether a value, or any part of it, is a number that a double would change. */
export function hasWrittenNumber(value: unknown): boolean {
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (next instanceof WrittenNumber) return true;
    if (typeof next !== 'object' || next === null) continue;
    for (const part of Object.values(next) as unknown[]) open.push(part);
  }
  return false;
}

/** 128 random bits, which no author of a text can guess. */
function newMark(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-');
}
