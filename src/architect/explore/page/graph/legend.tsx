/** Legends of lines and colours. */
import type { JSX } from 'preact';
import { MODE_NAMES } from '../text.ts';

export function LineLegend(): JSX.Element {
  return (
    <ul class="legend" aria-label="What the lines and colours of the graph mean">
      {Object.entries(MODE_NAMES).map(([line, title]) => (
        <li key={line}>
          <svg width="26" height="8" aria-hidden="true">
            <path class={`line ${line}`} d="M1,4 H25" />
          </svg>
          {title}
        </li>
      ))}
      <Dot state="warning" title="has a warning" />
      <Dot state="error" title="has an error" />
    </ul>
  );
}

export function BudgetLegend(): JSX.Element {
  return (
    <ul class="legend" aria-label="What the colours of the bars mean">
      <li>Worst-case bytes of the header budget:</li>
      <Dot state="fits" title="fits" />
      <Dot state="tight" title="over 80 %" />
      <Dot state="over" title="does not fit" />
    </ul>
  );
}

function Dot({ state, title }: { state: string; title: string }): JSX.Element {
  return (
    <li>
      <span class={`dot ${state}`} aria-hidden="true" />
      {title}
    </li>
  );
}
