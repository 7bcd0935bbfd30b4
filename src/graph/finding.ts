/**
 * What a check says: data, never text for one terminal. A finding is found once and shown in many ways
 * (people, JSON, annotations), so it holds its place and its hint apart from its message.
 */
import { explanations } from './explanations.ts';

export type Severity = 'error' | 'warning';

/** A stable name for one kind of finding; `waybill explain CODE` says more about it. */
export type FindingCode = keyof typeof explanations;

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

const MAX_FINDINGS = 1_000;

/** Collects the findings of one run; the rules only ever add to it. */
export class Findings {
  readonly #all: Finding[] = [];

  add(code: FindingCode, place: Place | undefined, message: string, hint = ''): void {
    if (this.#all.length >= MAX_FINDINGS) return this.#overflow();
    const { line, column } = place ? place.source.locate(place.offset) : { line: 1, column: 1 };
    const file = place ? place.source.file : '';
    this.#all.push({ code, severity: explanations[code].severity, file, line, column, message, hint });
  }

  #overflow(): void {
    if (this.#all.length > MAX_FINDINGS) return;
    const { severity } = explanations['too-many-findings'];
    const message = `There are more than ${MAX_FINDINGS} findings; the rest is not shown.`;
    this.#all.push({
      code: 'too-many-findings',
      severity,
      file: '',
      line: 1,
      column: 1,
      message,
      hint: 'Mend these first.',
    });
  }

  get hasErrors(): boolean {
    return this.#all.some((finding) => finding.severity === 'error');
  }

  /** All findings, by file and place, so that two runs over the same graph print the same. */
  sorted(): readonly Finding[] {
    return [...this.#all].sort(
      (a, b) =>
        compareText(a.file, b.file) || a.line - b.line || a.column - b.column || compareText(a.code, b.code),
    );
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
