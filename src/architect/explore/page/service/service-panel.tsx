/** Details of a service: its token in this request, who may call it, who has access, findings. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Plan, ServicePlan } from '../../../../graph/index.ts';
import type { FindingView } from '../../view-data.ts';
import { ServiceAccess } from '../access/service-access.tsx';
import type { Hop, Planned } from '../request/planned.ts';
import { Bar } from '../tree/bar.tsx';
import { unissuedText } from '../tree/request-tree.tsx';
import { MODE_NAMES, percentText } from '../text.ts';
import { callKey, canSwitch, type Changes, type TriedMode } from '../what-if.ts';
import { callersOf, type Caller } from './callers.ts';
import { Json } from './json.tsx';
import { Panel, Part } from './part.tsx';
import { tokenExample } from './token-example.ts';

export interface ServicePanelProps {
  /** The graph as declared; `planned` has the changes being tried. */
  readonly plan: Plan;
  readonly service: ServicePlan;
  readonly place: string | undefined;
  readonly planned: Planned | undefined;
  /** The calls to it in the request's tree. */
  readonly hops: readonly Hop[];
  readonly hop: Hop | undefined;
  readonly changes: Changes;
  readonly findings: readonly FindingView[];
  readonly onPath: (hop: Hop) => void;
  readonly onSelect: (name: string) => void;
  readonly onTry: (caller: string, callee: string, mode: TriedMode) => void;
  readonly onClose: () => void;
}

export function ServicePanel(props: ServicePanelProps): JSX.Element {
  const { plan, service, place, planned, findings, onSelect, onClose } = props;
  return (
    <Panel name={service.name} facts={factsOf(service, place)} {...{ findings, onClose }}>
      <InRequest {...props} />
      <Part title="Who may call it">
        <Callers callers={callersOf(planned?.plan ?? plan, service.name)} onSelect={onSelect} />
        <Restrictions plan={plan} service={service} />
      </Part>
      {planned && props.hop && <ServiceAccess planned={planned} service={service.name} />}
    </Panel>
  );
}

function factsOf(service: ServicePlan, place: string | undefined): Record<string, string | undefined> {
  const { zone, owner, audiences, identities, identity, caller, auth, encryption } = service;
  return {
    ...{ zone, owner },
    audience: audiences.join(', '),
    identity: identity === service.name && identities.length === 1 ? undefined : identities.join(', '),
    callers: caller === 'mtls' ? 'checked (mtls)' : 'not checked',
    auth: auth ? auth.method : 'none: it fetches no tokens',
    encryption: encryption && (encryption.alg ?? 'as its keys say'),
    declared: place,
  };
}

function InRequest({ planned, hops, hop, changes, onPath, onTry }: ServicePanelProps): JSX.Element {
  const example = useMemo(() => (planned && hop ? tokenExample(planned, hop) : undefined), [planned, hop]);
  if (!hop) {
    return (
      <Part title="Its token">
        <p class="hint">This request does not reach it.</p>
      </Part>
    );
  }
  const { parent, view } = hop;
  return (
    <Part title="Its token in this request">
      {hops.length > 1 && (
        <label class="field">
          <span>through</span>
          <select
            value={hop.path}
            onChange={({ currentTarget }) => {
              const next = hops.find(({ path }) => path === currentTarget.value);
              if (next) onPath(next);
            }}
          >
            {hops.map(({ path }) => (
              <option key={path} value={path}>
                {path.split('/').slice(0, -1).join(' → ') || 'the client'}
              </option>
            ))}
          </select>
        </label>
      )}
      {parent && (
        <ModeSwitch
          planned={planned}
          caller={parent.view.service}
          hop={hop}
          changes={changes}
          onTry={onTry}
        />
      )}
      {view.bytes ? <Bar view={view} /> : <p class="hint">{unissuedText(view)}</p>}
      {view.budget?.profile && <p class="hint">Limited by {view.budget.profile}.</p>}
      {example && <Json label="The token, unsigned" value={example.payload} />}
    </Part>
  );
}

interface ModeSwitchProps extends Pick<ServicePanelProps, 'planned' | 'changes' | 'onTry'> {
  readonly caller: string;
  readonly hop: Hop;
}

function ModeSwitch({ planned, caller, hop: { view }, changes, onTry }: ModeSwitchProps): JSX.Element | null {
  const service = planned?.plan.services.get(view.service);
  if (!canSwitch({ service, mode: view.mode })) return null;
  const tried = changes.modes[callKey(caller, view.service)];
  // A call that was moved for its size is declared as `embed`.
  const current = tried ?? (view.mode === 'exchange' && !view.moved ? 'exchange' : 'embed');
  const cannotFetch = current === 'exchange' && planned?.plan.services.get(caller)?.auth === undefined;
  return (
    <>
      <fieldset class="modes">
        <legend>Its token, when {caller} calls it</legend>
        {(['embed', 'exchange'] as const).map((mode) => (
          <label key={mode} class="check">
            <input
              type="radio"
              name="mode"
              checked={current === mode}
              onChange={() => onTry(caller, view.service, mode)}
            />
            <span>{MODE_NAMES[mode]}</span>
          </label>
        ))}
      </fieldset>
      {cannotFetch && <p class="callout tight">{caller} needs `auth` to fetch this token.</p>}
    </>
  );
}

/** Lists of the graph that say who may call, and whom the selectors in them stand for. */
function Restrictions({ plan, service }: Pick<ServicePanelProps, 'plan' | 'service'>): JSX.Element | null {
  const through = [...service.scopes.values()].flatMap((scope) =>
    scope.through ? [`${scope.name}: only through ${[...scope.through].join(' or ')}`] : [],
  );
  const selected = plan.selectors
    .filter(({ party }) => party === service.name)
    .map(({ scope, list, text, names }) => {
      const where = scope === undefined ? list : `${scope}: ${list}`;
      return `${where} ${text} stands for ${names.join(', ') || 'no one'}`;
    });
  if (through.length + selected.length === 0) return null;
  return (
    <ul class="restrictions">
      {[...through, ...selected].map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

function Callers({
  callers,
  onSelect,
}: {
  callers: readonly Caller[];
  onSelect: (name: string) => void;
}): JSX.Element {
  if (callers.length === 0) return <p class="hint">No one.</p>;
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Caller</th>
            <th scope="col">for</th>
            <th scope="col">token</th>
          </tr>
        </thead>
        <tbody>
          {callers.map(({ name, kind, under, scopes, mode, probability, terms }) => (
            <tr key={name}>
              <th scope="row">
                <button type="button" class="link" onClick={() => onSelect(name)}>
                  {name}
                </button>
                <small class="muted">
                  {kind === 'client' ? 'client' : under.length > 0 ? under.join(' ') : 'always'}
                </small>
              </th>
              <td>
                {scopes.join(' ')}
                {terms.map((text) => (
                  <small key={text} class="muted">
                    {text}
                  </small>
                ))}
              </td>
              <td>
                {MODE_NAMES[mode]}
                {probability < 1 && <small class="muted">{percentText(probability)}</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
