/** What a comparison of a graph with reality finds. */
import type { Place } from '../../../graph/index.ts';

export const driftCodes = {
  /** Seen (or let through), and not declared: in force it would fail, or the graph is no longer true. */
  'undeclared-call': 'error',
  'undeclared-request': 'error',
  /** The same where no token goes along: messages, stores, plain TCP. */
  'undeclared-link': 'note',
  /** Declared, and never seen though the caller ran: authority to take away. */
  'unseen-call': 'warning',
  'unseen-request': 'warning',
  /** Declared for a scope, and seen for some of its operations only: the others have more than they use. */
  'coarse-caller': 'warning',
  'coarse-callee': 'warning',
  /** Made more or less often than declared. */
  probability: 'warning',
  /** Declared by a scope that did not run: nothing can be said. */
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
  /** Where in the graph; empty and 0 where the graph has no such party. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Absent for requests from outside whose client nobody names. */
  readonly caller?: DriftSide;
  readonly callee: DriftSide;
  /** Calls that were seen. */
  readonly count: number;
  /** Runs of the caller that were looked at. */
  readonly runs: number;
  /** How often the graph has it made, and how often it was, of all runs. */
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

/** The gravest first, then in the order of the graph. */
export function inOrder(findings: readonly DriftFinding[]): readonly DriftFinding[] {
  const codes = Object.keys(driftCodes);
  return [...findings].sort(
    (a, b) =>
      codes.indexOf(a.code) - codes.indexOf(b.code) ||
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
      a.line - b.line ||
      a.column - b.column,
  );
}
