/** A titled section of the details. */
import type { ComponentChildren, JSX } from 'preact';

export function Part({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}
