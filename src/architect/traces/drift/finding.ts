/** Findings of a comparison between a graph and what was seen. */
import type { Place } from '../../../graph/index.ts';

export const driftCodes = {
  /** Seen (or allowed by a policy) but not declared: once tokens are enforced, this fails. */
  'undeclared-call': 'error',
  'undeclared-request': 'error',
  /** The same for calls without a token: messages, stores, plain TCP. */
  'undeclared-link': 'note',
  /** Declared but never seen although the caller ran: a permission that can be removed. */
  'unseen-call': 'warning',
  'unseen-request': 'warning',
  /** Declared for a scope but used by some of its operations only: the others have more permissions than they need. */
  'coarse-caller': 'warning',
  'coarse-callee': 'warning',
  /** Made more or less often than declared. */
  probability: 'warning',
  /** Declared by a scope that did not run, so nothing is known. */
  'not-exercised': 'note',
} as const;

export type DriftCode = keyof typeof driftCodes;
export type DriftSeverity = (typeof driftCodes)[DriftCode];

/** One end of a call: a client or service, with its scope as the graph has it and its operation as the source has it. */
export interface DriftSide {
  readonly name: string;
  readonly scope?: string;
  readonly operations?: readonly string[];
}

export interface DriftFinding {
  readonly code: DriftCode;
  readonly severity: DriftSeverity;
  /** Location in the graph; empty and 0 if the graph has no such party. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Absent for requests from an unnamed client outside. */
  readonly caller?: DriftSide;
  readonly callee: DriftSide;
  readonly count: number;
  /** Runs of the caller. */
  readonly runs: number;
  /** Share of the runs that make the call, as declared and as seen. */
  readonly declared?: number;
  readonly seen?: number;
  readonly message: string;
}

export type Unplaced = Omit<DriftFinding, 'severity' | 'file' | 'line' | 'column'>;

export function finding(place: Place | undefined, rest: Unplaced): DriftFinding {
  const { line, column } = place ? place.source.locate(place.offset) : { line: 0, column: 0 };
  const file = place?.source.file ?? '';
  return { ...rest, severity: driftCodes[rest.code], file, line, column };
}

/** The most severe first, then in the order of the graph. */
export function sortBySeverity(findings: readonly DriftFinding[]): readonly DriftFinding[] {
  const codes = Object.keys(driftCodes);
  return [...findings].sort(
    (a, b) =>
      codes.indexOf(a.code) - codes.indexOf(b.code) ||
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
      a.line - b.line ||
      a.column - b.column,
  );
}
