/** Findings as `waybill check` has them, each with a way to its place in the graph. */
import type { JSX } from 'preact';
import type { FindingView } from '../../view-data.ts';

export interface FindingListProps {
  /** Those that are accepted say why, and until when. */
  readonly findings: readonly (FindingView & { readonly reason?: string; readonly until?: string })[];
  /** Goes to what a finding is about; absent: that is what is looked at. */
  readonly onShow?: (name: string) => void;
}

export function FindingList({ findings, onShow }: FindingListProps): JSX.Element {
  return (
    <ul class="findings">
      {findings.map(
        ({ code, severity, file, line, column, message, hint, excerpt, about, reason, until }, index) => (
          <li key={index} class={severity}>
            <p class="finding-head">
              <span class={`tag ${severity}`}>{severity}</span> <code>{code}</code>
              {onShow && about && (
                <button type="button" class="link" onClick={() => onShow(about.name)}>
                  show {about.name}
                </button>
              )}
            </p>
            <p>{message}</p>
            {hint !== '' && <p class="hint">{hint}</p>}
            {reason && (
              <p>
                Accepted until {until}: {reason}
              </p>
            )}
            {file !== '' && (
              <p class="place">
                {file}:{line}:{column}
              </p>
            )}
            {excerpt && (
              <pre tabIndex={0} aria-label={`Line ${line} of ${file}`}>
                {excerpt}
              </pre>
            )}
          </li>
        ),
      )}
    </ul>
  );
}
