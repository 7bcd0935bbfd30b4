/**
 * Buffer for code written for Node: the library of that name, adapted to match Node in the encodings that this code
 * uses. `test/architect/explore/platform.test.ts` compares both; any other encoding is refused.
 */
import { Buffer as Library } from 'buffer/index.js';

/** All overloads of `from`, as far as this file needs them. */
type From = (value: never, ...rest: never[]) => Uint8Array;
type Write = (this: Uint8Array, text: string, ...rest: never[]) => number;
type ToText = (this: Uint8Array, encoding?: string, start?: number, end?: number) => string;

const from: From = Library.from.bind(Library);
/** The library's methods, before they are replaced below. */
const original: { readonly toString: ToText; readonly write: Write } = Object.assign({}, Library.prototype);

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Supported encodings. The library reads both base64 alphabets, and parses hexadecimal differently from Node. */
const READ_AS: ReadonlyMap<string, string> = new Map([
  ['utf8', 'utf8'],
  ['latin1', 'latin1'],
  ['base64', 'base64'],
  ['base64url', 'base64'],
]);

/** The only string among the arguments of a method is its encoding. */
function known(rest: readonly unknown[]): never[] {
  return rest.map((each) => (typeof each === 'string' ? encodingFor(each) : each)) as never[];
}

function encodingFor(name: string): string {
  const encoding = READ_AS.get(name);
  if (encoding === undefined) throw new TypeError(`the page's Buffer does not know the encoding ${name}`);
  return encoding;
}

const fromKnown: From = (value, ...rest) => from(value, ...known(rest));

const writeKnown: Write = function (text, ...rest) {
  return original.write.call(this, text, ...known(rest));
};

const toKnown: ToText = function (encoding = 'utf8', start, end) {
  // For invalid UTF-8 the library writes other replacement characters than Node.
  if (encoding === 'utf8') return utf8.decode(this.subarray(start, end));
  const text = original.toString.call(this, encoding === 'hex' ? 'hex' : encodingFor(encoding), start, end);
  if (encoding !== 'base64url') return text;
  return text
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/={1,2}$/, '');
};

Object.assign(Library, { from: fromKnown });
Object.assign(Library.prototype, { toString: toKnown, write: writeKnown });

export { Library as PageBuffer };
