/** Buffer for code that is written for Node: the library of that name, which lacks only base64url. */
import { Buffer as Library } from 'buffer/index.js';

/** What a Buffer is made from: the overloads of Node's, of which the code here needs no more than this. */
type From = (value: never, ...rest: never[]) => Uint8Array;
type ToText = (this: Uint8Array, encoding?: string, start?: number, end?: number) => string;

const from: From = Library.from.bind(Library);
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this` below
const toText = Library.prototype.toString;

const withBase64url: From = (value, ...rest) =>
  // The library reads both alphabets of base64.
  from(value, ...(((rest as unknown[])[0] === 'base64url' ? ['base64'] : rest) as never[]));

const toTextWithBase64url: ToText = function (encoding, start, end) {
  if (encoding !== 'base64url') return toText.call(this, encoding, start, end);
  const text = toText.call(this, 'base64', start, end);
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
};

Object.assign(Library, { from: withBase64url });
Object.assign(Library.prototype, { toString: toTextWithBase64url });
Object.assign(globalThis, { Buffer: Library });
