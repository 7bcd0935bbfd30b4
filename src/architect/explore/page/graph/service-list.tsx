/** A searchable list of all services and clients, which the keyboard uses instead of the canvas. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Plan } from '../../../../graph/index.ts';

export interface ServiceListProps {
  readonly plan: Plan;
  readonly reached: ReadonlySet<string>;
  readonly selected: string;
  readonly findings: ReadonlyMap<string, 'error' | 'warning'>;
  readonly onSelect: (name: string) => void;
}

/** Entries listed without a search. */
const SHOWN = 60;

export function ServiceList({ plan, reached, selected, findings, onSelect }: ServiceListProps): JSX.Element {
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const all = [...plan.services.values(), ...plan.clients.values()];
  const found = all.filter((party) =>
    [party.name, 'zone' in party ? party.zone : '', 'owner' in party ? party.owner : ''].some((text) =>
      text?.toLowerCase().includes(wanted),
    ),
  );
  const ordered = [
    ...found.filter(({ name }) => reached.has(name)),
    ...found.filter(({ name }) => !reached.has(name)),
  ];
  return (
    <section class="panel grows" aria-labelledby="services-title">
      <h2 id="services-title">Services</h2>
      <input
        type="search"
        placeholder={`Search ${all.length} names, zones…`}
        aria-label="Search services and clients by name, zone or owner"
        value={search}
        onInput={({ currentTarget }) => setSearch(currentTarget.value)}
      />
      <ul class="services">
        {ordered.slice(0, SHOWN).map((party) => (
          <li key={party.name}>
            <button
              type="button"
              class={reached.has(party.name) ? 'reached' : ''}
              aria-current={selected === party.name ? 'true' : undefined}
              onClick={() => onSelect(party.name)}
            >
              <span class="name" title={party.name}>
                {party.name}
              </span>
              {findings.has(party.name) && <Mark severity={findings.get(party.name)} />}
              <small class="muted">{'scopes' in party ? (party.zone ?? party.owner ?? '') : 'client'}</small>
            </button>
          </li>
        ))}
      </ul>
      {ordered.length > SHOWN && <p class="hint">and {ordered.length - SHOWN} more</p>}
      {ordered.length === 0 && <p class="hint">No match.</p>}
    </section>
  );
}

function Mark({ severity }: { severity: 'error' | 'warning' | undefined }): JSX.Element {
  return (
    <span class={`tag ${severity}`} title={severity}>
      <span aria-hidden="true">!</span>
      <span class="unseen">{severity}</span>
    </span>
  );
}
