/**
 * Escapes text from outside before it is written to a terminal: file names, options, names of graphs and traces, claims.
 * Characters that would move the cursor, colour the terminal, reverse or hide text are written as `\u001b`.
 */

/**
 * Control characters (C0, DEL, C1), format characters (marks that turn the direction of text, characters without width),
 * other line breaks, and lone surrogates.
 */
const inValue = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;
const inJson = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** Each UTF-16 code unit as `\uXXXX`, which JSON and JavaScript read as the same character. */
export function escaped(characters: string): string {
  return [...Array(characters.length).keys()]
    .map((at) => `\\u${characters.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}

/** A value inside a line: its line breaks and tabs are escaped too. */
export function plain(value: string): string {
  return value.replace(inValue, escaped);
}

/** JSON does not escape most of these; as escapes they mean the same. Line breaks between members stay. */
export function safeJson(json: string): string {
  return json.replace(inJson, escaped);
}
