/**
 * What a check says: data, never text for one terminal. A finding is found once and shown in many ways
 * (people, JSON, annotations), so it holds its place and its hint apart from its message.
 */
import { explanations, type FindingCode } from './explanations.ts';
import { mayFollow } from './follow-ups.ts';
import { Misread } from './misread.ts';

export type Severity = 'error' | 'warning';

/** One result of checking a graph. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** The file as it was named or found; empty where a finding has no file. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 code units, as editors count. */
  readonly column: number;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** What to do about it; empty where the message says it all. */
  readonly hint: string;
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

/** Of errors, and of warnings: a thousand warnings never hide an error. */
const MAX_FINDINGS = 1_000;
const MAX_TEXT = 2_000;

/** Collects the findings of one run; the rules only ever add to it. */
export class Findings {
  readonly #all: Finding[] = [];
  /** Keeps out what several calls or tokens bring about in the same words at the same place. */
  readonly #known = new Set<string>();
  readonly #counts = { error: 0, warning: 0 };
  readonly #misread = new Misread();
  readonly #leftOut = new Set<FindingCode>();
  #overflowed = false;

  /**
   * @param hint a function if it costs something to find.
   * @param basis the parts of the graph that the answer was read from, as JSON pointers. If one of them is misread, the
   *   finding may only follow from that, and is left out.
   */
  add(
    code: FindingCode,
    place: Place | undefined,
    message: string,
    hint: string | (() => string) = '',
    basis: readonly string[] = [],
  ): void {
    if (this.#isUnfilled(code, place) || basis.some((part) => this.#misread.touches(part)))
      return this.leaveOut(code);
    const { severity } = explanations[code];
    if (this.#counts[severity] >= MAX_FINDINGS) return this.#overflow();
    const { line, column } = place ? place.source.locate(place.offset) : { line: 1, column: 1 };
    const file = place ? place.source.file : '';
    const key = `${code} ${file}:${line}:${column} ${message}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.#counts[severity]++;
    const advice = typeof hint === 'string' ? hint : hint();
    this.#push({ code, severity, file, line, column, message, hint: advice });
  }

  #push(finding: Finding): void {
    this.#all.push({ ...finding, message: printable(finding.message), hint: printable(finding.hint) });
  }

  #overflow(): void {
    if (this.#overflowed) return;
    this.#overflowed = true;
    const { severity } = explanations['too-many-findings'];
    const message = `There are more than ${MAX_FINDINGS} findings of a kind; the rest is not shown.`;
    const hint = 'Mend these first.';
    this.#push({ code: 'too-many-findings', severity, file: '', line: 1, column: 1, message, hint });
  }

  /** Whether another error would not be shown. */
  get isFull(): boolean {
    return this.#counts.error >= MAX_FINDINGS && this.#overflowed;
  }

  get hasErrors(): boolean {
    return this.#counts.error > 0;
  }

  has(...codes: readonly FindingCode[]): boolean {
    return this.#all.some((finding) => codes.includes(finding.code));
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

  #follows({ code }: Finding): boolean {
    return mayFollow(code, this.#misread.any, (...causes) => this.has(...causes));
  }

  /** The kinds that were left out until the errors are fixed, in the order of the explanations. */
  get leftOut(): readonly FindingCode[] {
    const codes = new Set(this.#leftOut);
    for (const finding of this.#all) if (this.#follows(finding)) codes.add(finding.code);
    return (Object.keys(explanations) as FindingCode[]).filter((code) => codes.has(code));
  }

  /** The findings that stand, by file and place, so that two runs over the same graph print the same. */
  sorted(): readonly Finding[] {
    return this.#all
      .filter((finding) => !this.#follows(finding))
      .sort(
        (a, b) =>
          compareText(a.file, b.file) ||
          a.line - b.line ||
          a.column - b.column ||
          compareText(a.code, b.code),
      );
  }
}

/** Names come from files that others wrote: no control character or change of direction reaches a terminal. */
function printable(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return short.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
