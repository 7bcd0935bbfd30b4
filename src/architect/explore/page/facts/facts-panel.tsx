/** Fields for what is known of a request. Without any, all conditions hold and all values are the largest. */
import type { JSX } from 'preact';
import type { ClientPlan, Plan } from '../../../../graph/index.ts';
import type { CallView } from '../../../../planning/index.ts';
import { factFields, type FactField } from './fields.ts';
import { NO_FACTS, type GivenFacts } from './request-facts.ts';

export interface FactsPanelProps {
  readonly plan: Plan;
  readonly client: ClientPlan;
  /** The tree in the worst case. */
  readonly root: CallView;
  readonly given: GivenFacts;
  readonly onChoose: (given: GivenFacts) => void;
}

export function FactsPanel({ plan, client, root, given, onChoose }: FactsPanelProps): JSX.Element | null {
  const fields = factFields(plan, client, root);
  if (fields.length === 0) return null;
  const set = (name: string, text: string): void => {
    const { [name]: _, ...others } = given;
    onChoose(text === '' ? others : { ...others, [name]: text });
  };
  const isGiven = Object.keys(given).length > 0;
  return (
    <section class="panel" aria-labelledby="facts-title">
      <h2 id="facts-title">
        Facts
        {isGiven && (
          <button type="button" class="link" onClick={() => onChoose(NO_FACTS)}>
            worst case
          </button>
        )}
      </h2>
      {fields.map((field) => (
        <label key={field.name} class="field tall">
          <span>{field.name}</span>
          <FactInput field={field} text={given[field.name] ?? ''} onText={(text) => set(field.name, text)} />
        </label>
      ))}
      <p class="hint">
        {isGiven
          ? 'What is empty has no value. The tree is the one that this request gets.'
          : 'Nothing is known: every condition holds, and every value is the largest.'}
      </p>
    </section>
  );
}

interface FactInputProps {
  readonly field: FactField;
  readonly text: string;
  readonly onText: (text: string) => void;
}

function FactInput({ field: { name, values, hint }, text, onText }: FactInputProps): JSX.Element {
  if (values.length === 0)
    return (
      <input
        type="text"
        value={text}
        placeholder={hint}
        maxLength={1024}
        onInput={({ currentTarget }) => onText(currentTarget.value)}
      />
    );
  return (
    <select value={text} onChange={({ currentTarget }) => onText(currentTarget.value)}>
      <option value="">{name === 'provider' ? `default: ${values[0]}` : 'none'}</option>
      {values.map((value) => (
        <option key={value} value={value}>
          {value}
        </option>
      ))}
    </select>
  );
}
