/**
 * Escapes text from outside for a terminal: file names, options, names of graphs and traces, claims. Characters that move
 * the cursor, set colours, change the text direction or are invisible are written as `\u001b`.
 */

/**
 * Control characters (C0, DEL, C1), format characters (text direction, zero width), line separators and unpaired
 * surrogates.
 */
const inValue = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;
const inJson = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** Each UTF-16 code unit as `\uXXXX`, which JSON and JavaScript read as the same character. */
export function escaped(characters: string): string {
  return [...Array(characters.length).keys()]
    .map((at) => `\\u${characters.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}

/** For a value inside a line: line ends and tabs are escaped too. */
export function plain(value: string): string {
  return value.replace(inValue, escaped);
}

/** For JSON text, whose meaning stays the same. Line ends between members stay. */
export function safeJson(json: string): string {
  return json.replace(inJson, escaped);
}
