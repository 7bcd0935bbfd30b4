/** Texts of a graph, so that none is read as part of the language that a picture is written in. */

/** Control characters, other ends of a line, marks that turn the direction of text, and halves of characters. */
const ILLEGIBLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]/gu;

/** XML can't hold some of these, a line of DOT or Mermaid others, and none of them is to be seen. */
export function legible(text: string): string {
  return text.replace(ILLEGIBLE, '\ufffd');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For the content of an element and for an attribute. */
export function escapeXml(text: string): string {
  return legible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
