/** Details of a client: how it authenticates, and what it may ask for. */
import type { JSX } from 'preact';
import { termTexts, termsOf, type ClientPlan, type ServicePlan } from '../../../../graph/index.ts';
import type { FindingView } from '../../view-data.ts';
import { entriesOf, type Choice } from '../choice.ts';
import { Panel, Part } from './part.tsx';

export interface ClientPanelProps {
  readonly client: ClientPlan;
  readonly place: string | undefined;
  readonly findings: readonly FindingView[];
  readonly onChoose: (change: Partial<Choice>) => void;
  readonly onClose: () => void;
}

export function ClientPanel({ client, place, findings, onChoose, onClose }: ClientPanelProps): JSX.Element {
  const { name, auth, grants, token, subjects } = client;
  const facts = {
    auth: auth.method,
    grants: [...grants].join(', '),
    'users of': subjects.map((subject) => subject.name).join(', '),
    token: token === 'opaque' ? 'opaque: a reference, swapped at the edge' : 'the JWT itself',
    declared: place,
  };
  return (
    <Panel {...{ name, facts, findings, onClose }}>
      <Part title="What it may ask for">
        {entriesOf(client).map(({ service, scopes }) => (
          <p key={service.name} class="entry">
            <button
              type="button"
              class="link"
              onClick={() => onChoose({ client: name, entry: service.name, scopes, path: '' })}
            >
              {service.name}
            </button>{' '}
            {scopes.join(' ')}
            {termsFor(client, service, scopes).map((text) => (
              <small key={text} class="muted">
                {text}
              </small>
            ))}
          </p>
        ))}
      </Part>
    </Panel>
  );
}

function termsFor({ calls }: ClientPlan, service: ServicePlan, names: readonly string[]): readonly string[] {
  const own = calls.filter((call) => call.service === service);
  const scopes = names.flatMap((name) => service.scopes.get(name) ?? []);
  return termTexts(termsOf(own, scopes), scopes.length);
}
