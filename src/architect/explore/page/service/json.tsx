/** Shows JSON with a copy button. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { stringifyExactly } from '../../../../input/exact-number.ts';

export function Json({ label, value }: { label: string; value: unknown }): JSX.Element {
  const text = stringifyExactly(value, 2);
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  };
  return (
    <figure class="json">
      <figcaption>
        {label}
        <button type="button" class="link" onClick={copy} aria-label={`Copy: ${label}`}>
          {copied ? 'copied' : 'copy'}
        </button>
      </figcaption>
      {/* It scrolls, so the keyboard must reach it. */}
      <pre tabIndex={0} aria-label={label}>
        {text
          .split(/^( *"(?:[^"\\]|\\.)*"(?=:))/m)
          .map((part, index) => (index % 2 === 1 ? <span class="key">{part}</span> : part))}
      </pre>
    </figure>
  );
}
