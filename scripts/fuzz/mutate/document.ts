/** Edits of JSON and YAML, member by member. `yaml` says where each value stands, in both languages. */
import { isMap, isPair, isSeq, parseDocument, visit } from 'yaml';

import type { Dice } from '../dice.ts';
import { editText } from './bytes.ts';

/** Offsets into the text: from, and up to. */
type Span = readonly [start: number, end: number];

interface Place {
  readonly value: Span;
  /** Absent for an item of a list. */
  readonly key?: Span;
  /** Whether it stands between `{}` or `[]`. */
  readonly inFlow: boolean;
}

/** Values on which readers differ, written as JSON, which YAML reads too. */
const ODD_VALUES = [
  ...['null', 'true', 'false', '{}', '[]', '""', '0', '-0', '-1', '1.5', '1e400', '-1e400', '1e-400'],
  ...['9007199254740993', '12345678901234567890', '99999999999999999999999999999999', '2147483648', '.5'],
  ...['"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\u2028"', '"\\u0041"', '"\\/"', '"\\u007f\\u009b"'],
  ...['"__proto__"', '"constructor"', '"toString"', '{"__proto__":{"a":1}}', '[null]', '[[],[]]', '{"":""}'],
  ...['"https://"', '"https://user:secret@x.example"', '"http://127.0.0.1:1"', '"urn:x"', '"../.."', '"%00"'],
  ...['"*"', '" "', '"a b"', '"a,b"', '"\ufeff"', '"caf\u00e9"', '"\u{1f600}"', '01', 'NaN', 'undefined'],
];

const ODD_NAMES = [
  ...['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', 'then', '', ' ', '0', '-1'],
  ...['embedded', 'on_demand', 'aud', 'act', 'cnf', 'keys', 'kid', 'alg', 'spans', 'data', 'calls', 'scopes'],
  ...['\\u0000', '\\u005f_proto__', 'x-own', 'caf\u00e9', '<<', '*', 'a:b', 'a.b'],
];

const DEPTHS = [3, 33, 63, 64, 65, 127, 129, 2_000, 20_000];

type Edit = (text: string, places: readonly Place[], dice: Dice) => string;

const edits: readonly Edit[] = [
  function oddValue(text, places, dice) {
    return put(text, dice.pick(places).value, dice.pick(ODD_VALUES));
  },
  function valueOfAnother(text, places, dice) {
    return put(text, dice.pick(places).value, text.slice(...dice.pick(places).value));
  },
  function oddName(text, places, dice) {
    const { key } = dice.pick(places);
    return key === undefined
      ? text
      : put(text, key, JSON.stringify(dice.pick(ODD_NAMES)).replace('\\\\u', '\\u'));
  },
  function nameOfAnother(text, places, dice) {
    const [to, from] = [dice.pick(places).key, dice.pick(places).key];
    return to === undefined || from === undefined ? text : put(text, to, text.slice(...from));
  },
  function twice(text, places, dice) {
    const place = dice.pick(places);
    const whole = wholeOf(text, place);
    const copy = text.slice(...whole);
    const other = dice.oneIn(2) ? copy : copy.replace(text.slice(...place.value), dice.pick(ODD_VALUES));
    const between = place.inFlow ? ',' : '\n';
    return put(text, [whole[1], whole[1]], between + other);
  },
  function takeOut(text, places, dice) {
    const [start, end] = wholeOf(text, dice.pick(places));
    const comma = /^\s*,/.exec(text.slice(end, end + 20))?.[0].length ?? 0;
    return put(text, [start, end + comma], '');
  },
  function nestDeep(text, places, dice) {
    const { value } = dice.pick(places);
    const depth = dice.pick(DEPTHS);
    const [open, close] = dice.pick([
      ['[', ']'],
      ['{"a":', '}'],
    ] as const);
    return put(text, value, open.repeat(depth) + text.slice(...value) + close.repeat(depth));
  },
  function longText(text, places, dice) {
    const unit = dice.pick(['a', '.', ' ', '-', 'a b', 'a.', '%', '/', '\\\\', '\u00e9']);
    const length = dice.oneIn(12) ? 40_000 : dice.pick([100, 300, 5_000]);
    return put(text, dice.pick(places).value, `"${unit.repeat(Math.ceil(length / unit.length))}"`);
  },
  function insideText(text, places, dice) {
    const [start, end] = dice.pick(places).value;
    const piece = dice.pick([
      '"',
      '\\',
      '.',
      ':',
      '/',
      '*',
      '{name}',
      '${x}',
      '\\ud800',
      ' ',
      '#',
      ',',
      '\n',
    ]);
    const at = start + dice.below(end - start + 1);
    return put(text, [at, at], piece);
  },
  function firstBytes(text, _places, dice) {
    return dice.pick(['\ufeff', '\ufeff\ufeff', '\u0000', ' ', '\n', '//x\n', '%YAML 9.9\n', '--- ']) + text;
  },
  function lastBytes(text, _places, dice) {
    return text + dice.pick(['\ufeff', '\u0000', ' ', '\n\n', '{}', ']', '\n---\n{}\n', ',']);
  },
];

/** @param others documents of the same kind, to splice with. */
export function editDocument(text: string, others: readonly string[], dice: Dice): string {
  const places = text.length > MAX_READ ? [] : placesOf(text);
  return places.length === 0 || dice.oneIn(10)
    ? editText(text, others, dice)
    : dice.pick(edits)(text, places, dice);
}

/** Characters of a document that is read to be edited; one that an edit made longer is edited as bytes. */
const MAX_READ = 16 * 1024;

/** A cache: there are few different documents. */
const known = new Map<string, readonly Place[]>();
const MAX_KNOWN = 300;

function placesOf(text: string): readonly Place[] {
  let places = known.get(text);
  if (places === undefined) {
    places = readPlaces(text);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(text, places);
  }
  return places;
}

function readPlaces(text: string): Place[] {
  const places: Place[] = [];
  try {
    // An alias is one value; it is not resolved, so that an alias bomb does no harm here.
    const document = parseDocument(text, { uniqueKeys: false, schema: 'failsafe', logLevel: 'silent' });
    visit(document, {
      Collection(_key, node) {
        const inFlow = node.flow === true;
        for (const item of node.items) {
          if (isMap(node) && isPair(item)) {
            const [key, value] = [spanOf(item.key), spanOf(item.value)];
            if (key && value) places.push({ key, value, inFlow });
          } else if (isSeq(node)) {
            const value = spanOf(item);
            if (value) places.push({ value, inFlow });
          }
        }
      },
    });
  } catch {
    return places; // no document any more: it is edited as bytes
  }
  return places;
}

function spanOf(node: unknown): Span | undefined {
  const { range } = (node ?? {}) as { range?: readonly [number, number, number] | null };
  return range ? [range[0], range[1]] : undefined;
}

/** The member or item. Between no brackets it is its lines, and the first may have the dash of a list. */
function wholeOf(text: string, { key, value, inFlow }: Place): Span {
  const start = key?.[0] ?? value[0];
  return [inFlow ? start : text.lastIndexOf('\n', start - 1) + 1, value[1]];
}

function put(text: string, [start, end]: Span, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}
