/**
 * A path of the graph's `operations` as every target understands it. Texts are as sent: escaped where RFC 3986 section
 * 2.1 asks for it, with upper-case hex digits, and unreserved characters unescaped (section 6.2.2).
 */

/** A parameter of a route: any text without a slash, or digits alone. */
export interface Parameter {
  readonly parameter: 'any' | 'digits';
}

export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  /** One whole segment that is not empty. */
  | { readonly kind: 'one'; readonly parameter: Parameter['parameter'] }
  /** Texts and parameters side by side: `{id}.json`, `v{n}`. */
  | { readonly kind: 'partial'; readonly parts: readonly (string | Parameter)[] }
  /** Everything from here on, slashes included, also nothing; begins with `prefix`. Stands at the end only. */
  | { readonly kind: 'rest'; readonly prefix: string };

/** The texts and parameters of a segment; of a rest, those that it begins with. */
export function partsOf(segment: Segment): readonly (string | Parameter)[] {
  switch (segment.kind) {
    case 'literal':
      return [segment.text];
    case 'one':
      return [segment];
    case 'partial':
      return segment.parts;
    case 'rest':
      return [segment.prefix];
  }
}

/** What stands after each slash. `/` is one empty literal, and so is the end of `/orders/`. */
export type PathPattern = readonly Segment[];

/** An operation that is HTTP, in one form: an operation with optional parts has several. */
export interface HttpOperation {
  /** Upper case; undefined: any. */
  readonly method: string | undefined;
  readonly path: PathPattern;
  /** As the graph writes it, for messages. */
  readonly text: string;
}

/** Servers answer HEAD where they answer GET (RFC 9110 section 9.3.2). */
export function answeredMethods(method: string): readonly string[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method];
}
