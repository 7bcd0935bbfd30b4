/** How a value is spelled that no prediction covers: which choice, and what follows it. The reader takes whatever was chosen. */

import { numberText } from './bytes.ts';
import { audienceEnd, offsetFrom, rootName } from './predictor.ts';
import type { PartialToken } from './partial-token.ts';
import { CHOICE, INTEGER, dottedBytes } from './format.ts';

/** Bytes, then words, then a dotted string, as far as there are any. */
export interface Spelling {
  readonly bytes: string;
  readonly words?: readonly string[];
  readonly dotted?: string;
}

/**
 * The first possible choice; it depends only on the token and its ancestors. Any text can be spelled, even one that is not
 * JSON: the holder of a token can write its bundle again with members that are cut elsewhere, and the same nested token
 * comes out.
 */
export function spelled(token: PartialToken, name: string, value: string): Spelling {
  const offset = offsetOf(token, name, value);
  if (offset !== undefined) return { bytes: numberText(CHOICE.offset) + numberText(offset) };
  return isQuoted(value) ? spelledString(token, name, value) : spelledJson(token, value);
}

/** Whether a text begins and ends with a quote; anything may be between. */
function isQuoted(value: string): boolean {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"');
}

function spelledJson(token: PartialToken, value: string): Spelling {
  if (INTEGER.test(value)) return { bytes: numberText(CHOICE.integer) + numberText(Number(value)) };
  const words = audiencesIn(token, value);
  return words
    ? { bytes: numberText(CHOICE.audiences) + numberText(words.length - 1), words }
    : { bytes: `${numberText(CHOICE.json)}${value}\0` };
}

function spelledString(token: PartialToken, name: string, value: string): Spelling {
  const named = name === 'aud' && token.parent === undefined ? rootName(token, value) : undefined;
  if (named !== undefined) return { bytes: numberText(CHOICE.named), words: [named] };
  const text = value.slice(1, -1);
  if (name === 'scope') {
    const scopes = text.includes(' ') ? text.split(' ') : [text];
    return { bytes: numberText(CHOICE.words + scopes.length - 1), words: scopes };
  }
  return dottedBytes(text) < text.length + 1
    ? { bytes: numberText(CHOICE.dotted), dotted: text }
    : { bytes: `${numberText(CHOICE.text)}${text}\0` };
}

/** How far the value lies behind what it counts from. */
function offsetOf(token: PartialToken, name: string, value: string): number | undefined {
  if (name !== 'exp' && name !== 'jti') return undefined;
  const zero = offsetFrom(token, name, 0);
  if (zero === undefined) return undefined;
  const offset = lastNumber(value) - lastNumber(zero);
  return offset >= 0 && offset < 2 ** 31 && offsetFrom(token, name, offset) === value ? offset : undefined;
}

/** The digits that end a JSON number, or a JSON string. */
function lastNumber(value: string): number {
  return Number(/([0-9]{1,14})"?$/.exec(value)?.[1] ?? Number.NaN);
}

/** The names in a map from names to the audiences that children would have; undefined for any other value. */
function audiencesIn(token: PartialToken, value: string): string[] | undefined {
  if (!value.startsWith('{"')) return undefined;
  const names: string[] = [];
  for (let at = 1; ; at += 1) {
    const end = value.indexOf('":', at + 1);
    if (value.charAt(at) !== '"' || end < 0) return undefined;
    const name = value.slice(at + 1, end);
    const next = audienceEnd(token, name, value, end + 2);
    if (next === undefined) return undefined;
    names.push(name);
    at = next;
    if (value.charAt(at) !== ',') return at === value.length - 1 && value.endsWith('}') ? names : undefined;
  }
}
