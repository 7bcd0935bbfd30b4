/**
 * Finds a word in a text in a number of steps that is linear in both lengths (Knuth, Morris and Pratt 1977). An attacker
 * may have written both. For some inputs `indexOf` and `lastIndexOf` of V8 take time in the product of the lengths.
 */

import { countSteps } from './work.ts';

/** For each prefix of the word, by its length: the longest shorter prefix of the word with which it ends. */
let borders = new Uint32Array(64);

/** @returns the first position of the word at or after `from`; -1 if there is none, and for an empty word. */
export function firstIndexOf(text: string, word: string, from: number): number {
  return search(text, word, from, false);
}

/** @returns the last position of the word; -1 if there is none, and for an empty word. */
export function lastIndexOf(text: string, word: string): number {
  return search(text, word, 0, true);
}

function search(text: string, word: string, from: number, last: boolean): number {
  const size = word.length;
  if (size === 0 || size > text.length - from) return -1;
  findBorders(word);
  // Both loops below go back at most as often as they went on.
  countSteps(2 * (size + text.length - from));
  let found = -1;
  let matched = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    while (matched > 0 && (matched === size || word.charCodeAt(matched) !== char))
      matched = borders[matched]!;
    if (word.charCodeAt(matched) === char) matched += 1;
    if (matched < size) continue;
    found = at - size + 1;
    if (!last) break;
  }
  return found;
}

function findBorders(word: string): void {
  if (borders.length <= word.length) borders = new Uint32Array(2 * word.length);
  borders[1] = 0;
  let length = 0;
  for (let at = 1; at < word.length; at += 1) {
    const char = word.charCodeAt(at);
    while (length > 0 && word.charCodeAt(length) !== char) length = borders[length]!;
    if (word.charCodeAt(length) === char) length += 1;
    borders[at + 1] = length;
  }
}
