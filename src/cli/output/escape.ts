/**
 * Text from outside on its way to a terminal: file names, options, names of graphs and traces, claims. Nothing in it moves
 * the cursor, colours the terminal, turns its text around or hides in it; whatever would is written as `\u001b`.
 */

/**
 * Control characters (C0, DEL, C1), format characters (marks that turn the direction of text, characters without width),
 * other ends of a line, and halves of characters.
 */
const inValue = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;
const inJson = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** Each UTF-16 code unit as `\uXXXX`, which JSON and JavaScript read as the same character. */
export function escaped(characters: string): string {
  return [...Array(characters.length).keys()]
    .map((at) => `\\u${characters.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}

/** A value that stands inside a line: ends of lines and tabs in it are escaped too. */
export function plain(value: string): string {
  return value.replace(inValue, escaped);
}

/** JSON leaves most of these as they are; written as escapes they mean the same. Ends of lines stand between members. */
export function safeJson(json: string): string {
  return json.replace(inJson, escaped);
}
