/** The grammar of Envoy's `x-forwarded-client-cert`: elements with commas between, pairs with semicolons between. */

/** What one proxy says of its peer: values by key, in lower case, in their order. */
export type ForwardedElement = ReadonlyMap<string, readonly string[]>;

/** Proxies that wrote one after the other. */
const MAX_ELEMENTS = 32;

/** A pair and what follows it. A value that is not quoted has none of the characters that mean something. */
const PAIR = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;=\\\s]*))(;|,[ \t]*|$)/y;

/**
 * @returns undefined unless all of the text is elements, and can be read in one way. Envoy escapes quotes alone, so
 *   whether a backslash before a closing quote escapes it is not known.
 */
export function readForwardedElements(text: string): readonly ForwardedElement[] | undefined {
  const elements: Map<string, string[]>[] = [new Map<string, string[]>()];
  let end = 0;
  for (;;) {
    PAIR.lastIndex = end;
    const match = PAIR.exec(text);
    if (match === null) return undefined;
    const [, key = '', quoted, plain = '', separator = ''] = match;
    if (quoted?.endsWith('\\') === true) return undefined;
    const element = elements.at(-1);
    const name = key.toLowerCase();
    element?.set(name, [...(element.get(name) ?? []), quoted?.replaceAll('\\"', '"') ?? plain]);
    if (separator === '') return elements;
    if (separator.startsWith(',') && elements.push(new Map()) > MAX_ELEMENTS) return undefined;
    end = PAIR.lastIndex;
  }
}

/** The value of a key that may come once; undefined where it is missing or repeated. */
export function onlyValue(element: ForwardedElement, key: string): string | undefined {
  const [value, ...more] = element.get(key) ?? [];
  return more.length > 0 ? undefined : value;
}
