/** Controls for the request, and for changes to try. */
import type { JSX } from 'preact';
import { termTexts, termsOf, type CallPlan, type Plan } from '../../../../graph/index.ts';
import { entriesOf, type Choice, type Entry } from '../choice.ts';
import { NO_FACTS } from '../facts/request-facts.ts';
import { ENCODINGS, SIGNING_ALGORITHMS } from '../../../../token/index.ts';
import { MODE_NAMES } from '../text.ts';
import { NO_CHANGES, countChanges } from '../what-if.ts';

export interface RequestPanelProps {
  /** The graph as declared. */
  readonly plan: Plan;
  readonly choice: Choice;
  readonly onChoose: (change: Partial<Choice>) => void;
}

export function RequestPanel({ plan, choice, onChoose }: RequestPanelProps): JSX.Element {
  const client = plan.clients.get(choice.client);
  const entries = client ? entriesOf(client) : [];
  return (
    <section class="panel" aria-labelledby="request-title">
      <h2 id="request-title">Request</h2>
      <label class="field">
        <span>Client</span>
        <select
          value={choice.client}
          onChange={({ currentTarget }) =>
            onChoose({ client: currentTarget.value, entry: '', scopes: [], path: '', facts: NO_FACTS })
          }
        >
          {[...plan.clients.keys()].map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {entries.length > 1 && (
        <label class="field">
          <span>Asks</span>
          <select
            value={choice.entry}
            onChange={({ currentTarget }) => onChoose({ entry: currentTarget.value, scopes: [], path: '' })}
          >
            {entries.map(({ service }) => (
              <option key={service.name} value={service.name}>
                {service.name}
              </option>
            ))}
          </select>
        </label>
      )}
      {entries.map((entry) =>
        entry.service.name === choice.entry ? (
          <Scopes
            key={entry.service.name}
            calls={client?.calls.filter(({ service }) => service === entry.service) ?? []}
            {...{ entry, choice, onChoose }}
          />
        ) : null,
      )}
    </section>
  );
}

type ScopesProps = Pick<RequestPanelProps, 'choice' | 'onChoose'> & {
  readonly entry: Entry;
  readonly calls: readonly CallPlan[];
};

function Scopes({ entry: { service, scopes }, calls, choice, onChoose }: ScopesProps): JSX.Element {
  const termsFor = (name: string): readonly string[] => {
    const scope = service.scopes.get(name);
    const own = calls.filter((call) => scope && call.scopes.includes(scope));
    return scope ? termTexts(termsOf(own, [scope]), 1) : [];
  };
  const toggle = (scope: string, on: boolean): void => {
    const next = scopes.filter((each) => (each === scope ? on : choice.scopes.includes(each)));
    // A request without scopes would mean the default scopes.
    if (next.length > 0) onChoose({ scopes: next });
  };
  return (
    <fieldset class="scope-list">
      <legend>
        Scopes of {service.name}
        {scopes.length > 1 && (
          <button type="button" class="link" onClick={() => onChoose({ scopes })}>
            all
          </button>
        )}
      </legend>
      {scopes.map((scope) => (
        <label key={scope} class="check" title={service.scopes.get(scope)?.description}>
          <input
            type="checkbox"
            checked={choice.scopes.includes(scope)}
            onChange={({ currentTarget }) => {
              toggle(scope, currentTarget.checked);
              // The last scope stays chosen, so undo what the browser did to the box.
              if (choice.scopes.length === 1 && choice.scopes[0] === scope) currentTarget.checked = true;
            }}
          />
          <span>
            {scope}
            {service.scopes.get(scope)?.description && (
              <small class="muted">{service.scopes.get(scope)?.description}</small>
            )}
            {termsFor(scope).map((text) => (
              <small key={text} class="muted">
                {text}
              </small>
            ))}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** What can be tried, besides modes of calls. */
const SETTINGS = { encoding: ENCODINGS, signing: SIGNING_ALGORITHMS } as const;

export function TryOut({ plan, choice, onChoose }: RequestPanelProps): JSX.Element {
  const { changes } = choice;
  const modes = Object.entries(changes.modes);
  return (
    <section class="panel" aria-labelledby="try-title">
      <h2 id="try-title">
        Try out
        {countChanges(changes) > 0 && (
          <button type="button" class="link" onClick={() => onChoose({ changes: NO_CHANGES })}>
            as declared
          </button>
        )}
      </h2>
      {(['encoding', 'signing'] as const).map((name) => (
        <label key={name} class="field">
          <span>{name}</span>
          <select
            class={changes[name] ? 'changed' : ''}
            value={changes[name] ?? plan.issuer[name]}
            onChange={({ currentTarget }) => {
              const { [name]: _, ...rest } = changes;
              const { value } = currentTarget;
              onChoose({ changes: value === plan.issuer[name] ? rest : { ...rest, [name]: value } });
            }}
          >
            {SETTINGS[name].map((value) => (
              <option key={value} value={value}>
                {value}
                {value === plan.issuer[name] ? ' (declared)' : ''}
              </option>
            ))}
          </select>
        </label>
      ))}
      {modes.length === 0 ? (
        <p class="hint">To try another mode of a call, choose the callee in the tree.</p>
      ) : (
        <ul class="changes" aria-label="Calls with another mode">
          {modes.map(([call, mode]) => (
            <li key={call}>
              <span>
                {call.replace('>', ' → ')} <b>{MODE_NAMES[mode]}</b>
              </span>
              <button
                type="button"
                class="link"
                aria-label={`As declared: ${call.replace('>', ' to ')}`}
                onClick={() => {
                  const { [call]: _, ...rest } = changes.modes;
                  onChoose({ changes: { ...changes, modes: rest } });
                }}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      {countChanges(changes) > 0 && (
        <p class="hint">Findings are about the graph as declared; changes are not checked.</p>
      )}
    </section>
  );
}
