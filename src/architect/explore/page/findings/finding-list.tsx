/** Findings of `waybill check`, each with a link to its place in the graph. */
import type { JSX } from 'preact';
import type { FindingView, PlaceView } from '../../view-data.ts';

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
        (
          { code, severity, file, line, column, message, hint, excerpt, about, places, reason, until },
          index,
        ) => (
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
            {places.length > 0 && <FurtherPlaces places={places} onShow={onShow} />}
          </li>
        ),
      )}
    </ul>
  );
}

const SHOWN_PLACES = 20;

interface FurtherPlacesProps {
  readonly places: readonly PlaceView[];
  readonly onShow: ((name: string) => void) | undefined;
}

/** Where else the same cause shows. */
function FurtherPlaces({ places, onShow }: FurtherPlacesProps): JSX.Element {
  const more = places.length - SHOWN_PLACES;
  return (
    <>
      <p class="place">Also at</p>
      <ul class="places">
        {places.slice(0, SHOWN_PLACES).map(({ file, line, column, about }, index) => (
          <li key={index} class="place">
            {file}:{line}:{column}{' '}
            {onShow && about && (
              <button type="button" class="link" onClick={() => onShow(about.name)}>
                show {about.name}
              </button>
            )}
          </li>
        ))}
        {more > 0 && <li class="place">and {more} more</li>}
      </ul>
    </>
  );
}
