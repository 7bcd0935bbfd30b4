/** Findings of `waybill check`, each with a link to its place in the graph. */
import type { JSX } from 'preact';
import type { FindingView } from '../../view-data.ts';

export interface FindingListProps {
  /** Accepted findings have a reason and an end. */
  readonly findings: readonly (FindingView & { readonly reason?: string; readonly until?: string })[];
  /** Shows what a finding is about; absent if that is shown already. */
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
