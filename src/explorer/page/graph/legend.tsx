/** What the lines and colours mean. */
import type { JSX } from 'preact';

const LINES = [
  ['embed', 'embedded'],
  ['exchange', 'on demand'],
  ['forward', 'forwarded'],
  ['none', 'no token'],
] as const;

export function Legend(): JSX.Element {
  return (
    <ul class="legend" aria-label="Legend">
      {LINES.map(([line, title]) => (
        <li key={line}>
          <svg width="26" height="8" aria-hidden="true">
            <path class={`line ${line}`} d="M1,4 H25" />
          </svg>
          {title}
        </li>
      ))}
      {(['fits', 'tight', 'over'] as const).map((state) => (
        <li key={state}>
          <span class={`dot ${state}`} aria-hidden="true" />
          {{ fits: 'fits', tight: 'over 80 %', over: 'does not fit' }[state]}
        </li>
      ))}
    </ul>
  );
}
