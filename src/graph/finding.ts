/**
 * What a check says: data, never text for one terminal. A finding is found once and shown in many ways
 * (people, JSON, annotations), so it holds its place and its hint apart from its message.
 */
import { explanations, type FindingCode } from './explanations.ts';
import { mayFollow } from './follow-ups.ts';
import { Misread } from './misread.ts';
import { printable } from './printable.ts';

export type Severity = 'error' | 'warning';

/** Where a finding is. */
export interface FindingPlace {
  /** The file as it was named or found; empty where a finding has no file. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 code units, as editors count. */
  readonly column: number;
}

/** One result of checking a graph: one cause, and every place where it shows. */
export interface Finding extends FindingPlace {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** What to do about it; empty where the message says it all. */
  readonly hint: string;
  /** Further places with the same cause, by file and place; mostly none. */
  readonly places: readonly FindingPlace[];
}

/** Why a rule finds the same at several places, in words that differ. */
export interface Cause<Part = unknown> {
  /** Equal wherever the cause is the same, among findings of one code. */
  readonly key: string;
  /** What differs: mostly the name of a party. */
  readonly part: Part;
  /** Whether this only follows from another part of the same cause, whose place then is the first. Absent: no. */
  readonly follows?: boolean;
  /** The words for several. Absent hint: that of the first place. */
  words(parts: readonly Part[]): { readonly message: string; readonly hint?: string };
}

/** What was found at one place. */
export interface Found extends Omit<Finding, 'places'> {
  /** Equal for all that becomes one finding. */
  readonly group: string;
  readonly cause: Cause | undefined;
  /** What is said after the hint of this place; empty: nothing. */
  readonly note: string;
}

/** A place in a source file, cheap to keep: line and column are worked out only when a finding is made. */
export interface Place {
  readonly source: SourceText;
  /** Offset into the text, in UTF-16 code units. */
  readonly offset: number;
  /** What stands there, if it is a single value. */
  readonly value?: unknown;
}

/** A file's text with the starts of its lines. */
export class SourceText {
  readonly file: string;
  readonly text: string;
  #lineStarts: number[] | undefined;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** @returns 1-based line and column of an offset. */
  locate(offset: number): { line: number; column: number } {
    const starts = (this.#lineStarts ??= lineStarts(this.text));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** Causes of errors, and of warnings: a thousand warnings never hide an error. */
const MAX_FINDINGS = 1_000;
/** Further places, of all errors and of all warnings. */
const MAX_PLACES = 10_000;
/** After this many that are not listed, nothing more is looked for. */
const MAX_DROPPED = 90_000;

/** Each syntax error is another one, even in the same words. */
const NEVER_MERGED: ReadonlySet<FindingCode> = new Set<FindingCode>(['yaml-syntax']);

/** Collects the findings of one run; the rules only ever add to it. */
export class Findings {
  readonly #all: Found[] = [];
  readonly #codes = new Set<FindingCode>();
  /** Keeps out what several calls or tokens bring about in the same words at the same place. */
  readonly #known = new Set<string>();
  /** The hint of each cause where it was found first: another search would find the same. */
  readonly #hints = new Map<string, string>();
  readonly #counts = { error: 0, warning: 0 };
  readonly #places = { error: 0, warning: 0 };
  readonly #misread = new Misread();
  readonly #leftOut = new Set<FindingCode>();
  readonly #overflowed = new Set<string>();
  #dropped = 0;

  /**
   * @param hint a function if it costs something to find.
   * @param basis the parts of the graph that the answer was read from, as JSON pointers. If one of them is misread, the
   *   finding may only follow from that, and is left out.
   * @param cause where the words differ from place to place though the cause is one. Absent: what has the same words has
   *   the same cause.
   */
  add<Part>(
    code: FindingCode,
    place: Place | undefined,
    message: string,
    hint: string | (() => string) = '',
    basis: readonly string[] = [],
    cause?: Cause<Part>,
  ): void {
    if (this.#isUnfilled(code, place) || basis.some((part) => this.#misread.touches(part)))
      return this.leaveOut(code);
    const { severity } = explanations[code];
    const group = groupOf(code, place, message, hint, cause);
    const known = this.#hints.get(group);
    if (known === undefined && this.#counts[severity] >= MAX_FINDINGS)
      return this.tellOfMore(
        `There are more than ${MAX_FINDINGS} findings of a kind; the rest is not shown.`,
      );
    const { line, column } = place ? place.source.locate(place.offset) : { line: 1, column: 1 };
    const file = place ? place.source.file : '';
    const key = `${code} ${file}:${line}:${column} ${message}`;
    if (this.#known.has(key)) return;
    if (known !== undefined && this.#places[severity] >= MAX_PLACES) {
      if (severity === 'error') this.#dropped++;
      return this.tellOfMore(
        `The findings have more than ${MAX_PLACES.toLocaleString('en')} further places; the rest is not listed.`,
      );
    }
    this.#known.add(key);
    const counts = known === undefined ? this.#counts : this.#places;
    counts[severity]++;
    const advice = typeof hint === 'string' ? hint : (known ?? hint());
    if (known === undefined) this.#hints.set(group, advice);
    this.#push({ code, severity, file, line, column, message, hint: advice, group, cause, note: '' });
  }

  #push(found: Found): void {
    this.#codes.add(found.code);
    this.#all.push({ ...found, message: printable(found.message), hint: printable(found.hint) });
  }

  /** Notes that some findings are not shown. */
  tellOfMore(message: string): void {
    if (this.#overflowed.has(message)) return;
    this.#overflowed.add(message);
    const code = 'too-many-findings';
    const { severity } = explanations[code];
    const place = { file: '', line: 1, column: 1 };
    const hint = 'Mend these first.';
    this.#push({ code, severity, ...place, message, hint, group: message, cause: undefined, note: '' });
  }

  /** Whether another error would not be shown. */
  get isFull(): boolean {
    return (this.#counts.error >= MAX_FINDINGS && this.#overflowed.size > 0) || this.#dropped >= MAX_DROPPED;
  }

  get hasErrors(): boolean {
    return this.#counts.error > 0;
  }

  has(...codes: readonly FindingCode[]): boolean {
    return codes.some((code) => this.#codes.has(code));
  }

  /** Notes that a part of the graph, a JSON pointer, is in error, which has a finding. */
  markMisread(part: string): void {
    this.#misread.add(part);
  }

  /** Notes that findings of these kinds were not made, or not given, because of an error. */
  leaveOut(...codes: readonly FindingCode[]): void {
    for (const code of codes) this.#leftOut.add(code);
  }

  /** A text with a variable that has no value is another text; the variable has a finding of its own. */
  #isUnfilled(code: FindingCode, place: Place | undefined): boolean {
    if (code === 'undefined-variable' || typeof place?.value !== 'string') return false;
    return place.value.includes('${') && (this.#misread.touches('/vars') || this.has('undefined-variable'));
  }

  #follows({ code }: Found): boolean {
    return mayFollow(code, this.#misread.any, (...causes) => this.has(...causes));
  }

  /** The kinds that were left out until the errors are fixed, in the order of the explanations. */
  get leftOut(): readonly FindingCode[] {
    const codes = new Set(this.#leftOut);
    for (const found of this.#all) if (this.#follows(found)) codes.add(found.code);
    return (Object.keys(explanations) as FindingCode[]).filter((code) => codes.has(code));
  }

  /** All that stands, place by place, so that two runs over the same graph print the same. */
  sorted(): readonly Found[] {
    return this.#all
      .filter((found) => !this.#follows(found))
      .sort((a, b) => compareByPlace(a, b) || compareText(a.code, b.code));
  }
}

function groupOf(
  code: FindingCode,
  place: Place | undefined,
  message: string,
  hint: string | (() => string),
  cause: Cause | undefined,
): string {
  if (cause) return JSON.stringify([code, cause.key]);
  const words = [code, message, typeof hint === 'string' ? hint : ''];
  if (!NEVER_MERGED.has(code)) return JSON.stringify([...words, '']);
  return JSON.stringify([...words, place?.source.file, place?.offset]);
}

/** By file, line and column. */
export function compareByPlace(a: FindingPlace, b: FindingPlace): number {
  return compareText(a.file, b.file) || a.line - b.line || a.column - b.column;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
