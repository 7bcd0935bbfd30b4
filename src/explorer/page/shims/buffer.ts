/** Buffer for code that is written for Node: the library of that name, which lacks only base64url. */
import { Buffer as Library } from 'buffer/index.js';

/** What a Buffer is made from: the overloads of Node's, of which the code here needs no more than this. */
type From = (value: never, ...rest: never[]) => Uint8Array;
type Write = (this: Uint8Array, text: string, ...rest: never[]) => number;
type ToText = (this: Uint8Array, encoding?: string, start?: number, end?: number) => string;

const from: From = Library.from.bind(Library);
/** The methods as they are before two of them are replaced below. */
const original: { readonly toString: ToText; readonly write: Write } = Object.assign({}, Library.prototype);

/** The library reads both alphabets of base64. */
function asBase64(rest: readonly unknown[]): never[] {
  return rest.map((each) => (each === 'base64url' ? 'base64' : each)) as never[];
}

const withBase64url: From = (value, ...rest) => from(value, ...asBase64(rest));

const writeWithBase64url: Write = function (text, ...rest) {
  return original.write.call(this, text, ...asBase64(rest));
};

const toTextWithBase64url: ToText = function (encoding, start, end) {
  if (encoding !== 'base64url') return original.toString.call(this, encoding, start, end);
  const text = original.toString.call(this, 'base64', start, end);
  return text
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/={1,2}$/, '');
};

Object.assign(Library, { from: withBase64url });
Object.assign(Library.prototype, { toString: toTextWithBase64url, write: writeWithBase64url });
Object.assign(globalThis, { Buffer: Library });
