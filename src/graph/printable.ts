/** Texts of findings hold names from files that others wrote. */

const MAX_TEXT = 2_000;

/** No control character and no change of direction reaches a terminal, and no text is longer than people read. */
export function printable(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return short.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
