/** The three access matrices (rule 8), of a whole request or of one service's tokens. */
import type { JSX } from 'preact';
import type { RequestAccess } from '../../../../planning/index.ts';
import { Matrix } from './matrix.tsx';
import { MARKS_LEGEND, claimRows, readerRows, presenterRows } from './rows.ts';

export interface AccessMatrixProps {
  /** Its claims and tokens become the rows. */
  readonly holders: RequestAccess;
  readonly caption: string;
  /** Shown instead of a matrix without rows. */
  readonly empty: string;
}

export function ClaimsMatrix({ holders, ...text }: AccessMatrixProps): JSX.Element {
  return <Matrix what="Claim" columns={holders.parties} rows={claimRows(holders)} {...text} />;
}

export function ReadersMatrix({ holders, ...text }: AccessMatrixProps): JSX.Element {
  return <Matrix what="Token" columns={holders.parties} rows={readerRows(holders.tokens)} {...text} />;
}

export function PresentersMatrix({ holders, ...text }: AccessMatrixProps): JSX.Element {
  return <Matrix what="Token" columns={holders.parties} rows={presenterRows(holders.tokens)} {...text} />;
}

export function MarksLegend(): JSX.Element {
  return (
    <p class="hint">
      {MARKS_LEGEND.map(([mark, word]) => (
        <span key={mark} class="mark-word">
          <b>{mark}</b> {word}
        </span>
      ))}
    </p>
  );
}
