/** Escapes texts of a graph, so that none is read as part of the picture's language. */

/** Control characters, line separators, marks that change the direction of text, and unpaired surrogates. */
const ILLEGIBLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]/gu;

/** Replaces characters that are invisible, or illegal in XML or in a line of DOT or Mermaid. */
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

export function escapeXml(text: string): string {
  return legible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
