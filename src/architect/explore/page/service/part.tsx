/** What the details of a client and of a service are made of. */
import type { ComponentChildren, JSX } from 'preact';
import type { FindingView } from '../../view-data.ts';
import { FindingList } from '../findings/finding-list.tsx';

export function Part({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

export interface PanelProps {
  readonly name: string;
  /** One without a value is left out. */
  readonly facts: Readonly<Record<string, string | undefined>>;
  readonly findings: readonly FindingView[];
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Panel({ name, facts, findings, onClose, children }: PanelProps): JSX.Element {
  return (
    <>
      <header class="service-head">
        <h2>{name}</h2>
        <button type="button" class="close" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </header>
      <dl class="facts">
        {Object.entries(facts).map(([fact, value]) =>
          value ? (
            <div key={fact}>
              <dt>{fact}</dt>
              <dd>{value}</dd>
            </div>
          ) : null,
        )}
      </dl>
      {children}
      {findings.length > 0 && (
        <Part title="Findings">
          <FindingList findings={findings} />
        </Part>
      )}
    </>
  );
}
