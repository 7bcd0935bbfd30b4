/** Details of a client: how it authenticates, and what it may ask for. */
import type { JSX } from 'preact';
import { conditionTexts, conditionsOn, type ClientPlan } from '../../../../graph/index.ts';
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
            {conditionTexts(
              conditionsOn(
                client.calls,
                scopes.flatMap((scope) => service.scopes.get(scope) ?? []),
              ),
            ).map((text) => (
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
