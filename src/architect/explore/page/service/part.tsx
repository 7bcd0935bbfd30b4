/** What the details of a client and of a service are made of. */
import type { ComponentChildren, JSX } from 'preact';

export function Part({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

export function PanelHead({ name, onClose }: { name: string; onClose: () => void }): JSX.Element {
  return (
    <header class="service-head">
      <h2>{name}</h2>
      <button type="button" class="close" aria-label="Close" onClick={onClose}>
        ×
      </button>
    </header>
  );
}

/** A fact without a value is left out. */
export function Facts({ facts }: { facts: Readonly<Record<string, string | undefined>> }): JSX.Element {
  return (
    <dl class="facts">
      {Object.entries(facts).map(([name, value]) =>
        value ? (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}
