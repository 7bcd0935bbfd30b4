/** The chosen request: lit up in the graph, its token tree below, and details of the selected party at the side. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { Plan } from '../../../../graph/index.ts';
import type { FindingView, ViewData } from '../../view-data.ts';
import type { Choice, Focus } from '../choice.ts';
import { callsIn, graphElements } from '../graph/elements.ts';
import { GraphView } from '../graph/graph-view.tsx';
import { LineLegend } from '../graph/legend.tsx';
import { ServiceList } from '../graph/service-list.tsx';
import { AccessView } from '../access/access-view.tsx';
import { ClientPanel } from '../service/client-panel.tsx';
import { ServicePanel } from '../service/service-panel.tsx';
import { RequestTree } from '../tree/request-tree.tsx';
import { plural } from '../text.ts';
import { callKey, callsOf, changedPlan, countChanges, type Changes, type TriedMode } from '../what-if.ts';
import { hopsOf, planned, type Hop, type Outcome } from './planned.ts';
import { FactsPanel } from '../facts/facts-panel.tsx';
import { RequestPanel, TryOut } from './request-panel.tsx';
import { Note, Summary } from './summary.tsx';

export interface RequestViewProps {
  readonly data: ViewData;
  /** The graph as declared. */
  readonly plan: Plan;
  /** The same plan as text, from which changed plans are made. */
  readonly text: string;
  readonly choice: Choice;
  readonly theme: string;
  readonly onChoose: (change: Partial<Choice>) => void;
}

const NO_HOPS: readonly Hop[] = [];

export function RequestView({ data, plan, text, choice, theme, onChoose }: RequestViewProps): JSX.Element {
  const { changes, client, entry, selected, path, focus, facts } = choice;
  const scopes = choice.scopes.join(' ');
  const tries = countChanges(changes) > 0;
  const tried = useMemo(() => (tries ? changedPlan(text, changes) : plan), [tries, text, changes, plan]);
  const outcome = useMemo(() => planned(tried, choice), [tried, client, entry, scopes, facts]);
  const before = useMemo(
    () => (tries ? planned(plan, choice) : undefined),
    [tries, plan, client, entry, scopes, facts],
  );
  const now = 'planned' in outcome ? outcome.planned : undefined;
  const worstTree = 'planned' in outcome ? outcome.planned.worst : outcome.worst;
  const asking = plan.clients.get(client);
  const hops = useMemo(() => (now ? hopsOf(now.tree.root) : NO_HOPS), [now]);
  const worst = useMemo(() => worstOf(data), [data]);
  const reached = useMemo(() => new Set([client, ...hops.map(({ view }) => view.service)]), [client, hops]);
  const own = hops.filter(({ view }) => view.service === selected);
  const hop = own.find((each) => each.path === path) ?? own[0];
  const select = (name: string): void => {
    const shows = focus === 'request' && !reached.has(name) ? { focus: 'around' as const } : {};
    onChoose({ selected: name, path: '', ...shows });
  };
  if (choice.view === 'holders') {
    return (
      <div class="columns">
        <div class="left">
          <RequestPanel plan={plan} choice={choice} onChoose={onChoose} />
          <TryOut plan={plan} choice={choice} onChoose={onChoose} />
        </div>
        <div class="middle">
          {'refused' in outcome ? <Refused outcome={outcome} /> : <AccessView planned={now} />}
        </div>
      </div>
    );
  }
  return (
    <div class={selected === '' ? 'columns' : 'columns with-side'}>
      <div class="left">
        <RequestPanel plan={plan} choice={choice} onChoose={onChoose} />
        {worstTree && asking && (
          <FactsPanel
            {...{ plan, client: asking, root: worstTree.root, given: facts }}
            onChoose={(given) => onChoose({ facts: given })}
          />
        )}
        <TryOut plan={plan} choice={choice} onChoose={onChoose} />
        <ServiceList plan={plan} reached={reached} selected={selected} findings={worst} onSelect={select} />
      </div>
      <div class="middle">
        {now && <Summary now={now} before={before} />}
        {'refused' in outcome && <Refused outcome={outcome} />}
        <Graph {...{ plan, choice, hops, worst, theme, onChoose, select }} />
        {now && (
          <RequestTree
            hops={hops}
            selected={hop?.path}
            onSelect={(service, at) => onChoose({ selected: service, path: at })}
          />
        )}
      </div>
      <Side
        {...{ data, plan, choice, hops: own, hop, onChoose, select }}
        planned={now}
        onTry={(caller, callee, mode) => onChoose({ changes: withMode(plan, changes, caller, callee, mode) })}
      />
    </div>
  );
}

function Refused({ outcome }: { outcome: Extract<Outcome, { refused: string }> }): JSX.Element {
  return <Note state="over">{outcome.refused}</Note>;
}

const FOCUS_TITLES: readonly (readonly [Focus, string])[] = [
  ['request', 'This request'],
  ['around', 'Around the service'],
  ['all', 'Whole graph'],
];

interface GraphProps extends Pick<RequestViewProps, 'plan' | 'choice' | 'theme' | 'onChoose'> {
  readonly hops: readonly Hop[];
  readonly worst: ReadonlyMap<string, 'error' | 'warning'>;
  readonly select: (name: string) => void;
}

function Graph({ plan, choice, hops, worst, theme, onChoose, select }: GraphProps): JSX.Element {
  const { client, selected, focus } = choice;
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const calls = useMemo(() => callsIn(plan), [plan]);
  // The selection changes the picture only if the picture is centred on it.
  const centre = focus === 'around' ? selected : '';
  const drawn = useMemo(
    () => graphElements({ plan, calls, client, hops, selected: centre, focus, open, findings: worst }),
    [plan, calls, client, hops, centre, focus, open, worst],
  );
  const toggle = (group: string): void => {
    const next = new Set(open);
    if (!next.delete(group)) next.add(group);
    setOpen(next);
  };
  return (
    <section class={`graph-part ${focus === 'request' ? '' : 'large'}`} aria-label="Graph">
      <div class="graph-bar">
        <div class="segments" role="group" aria-label="Part of the graph to draw">
          {FOCUS_TITLES.map(([name, title]) => (
            <button
              key={name}
              type="button"
              aria-pressed={focus === name}
              disabled={name === 'around' && selected === ''}
              onClick={() => onChoose({ focus: name })}
            >
              {title}
            </button>
          ))}
        </div>
        {drawn.folded > 0 && <span class="hint">Click a group to open it.</span>}
        {drawn.left > 0 && <span class="hint">{plural(drawn.left, 'minor call')} not drawn.</span>}
        {open.size > 0 && (
          <button type="button" class="link" onClick={() => setOpen(new Set())}>
            fold all
          </button>
        )}
        <LineLegend />
      </div>
      <GraphView elements={drawn} selected={selected} theme={theme} onSelect={select} onToggle={toggle} />
    </section>
  );
}

interface SideProps extends Pick<RequestViewProps, 'data' | 'plan' | 'choice' | 'onChoose'> {
  readonly planned: Extract<Outcome, { planned: unknown }>['planned'] | undefined;
  readonly hops: readonly Hop[];
  readonly hop: Hop | undefined;
  readonly select: (name: string) => void;
  readonly onTry: (caller: string, callee: string, mode: TriedMode) => void;
}

function Side({
  data,
  plan,
  choice,
  planned: now,
  hops,
  hop,
  onChoose,
  select,
  onTry,
}: SideProps): JSX.Element | null {
  const { selected, changes } = choice;
  const findings = data.findings.filter((finding) => partiesOf(finding).has(selected));
  const close = (): void =>
    onChoose({ selected: '', path: '', ...(choice.focus === 'around' ? { focus: 'request' } : {}) });
  const common = { place: data.places[selected], findings, onClose: close };
  const service = plan.services.get(selected);
  const client = plan.clients.get(selected);
  if (!service && !client) return null;
  return (
    <aside class="right" aria-label={selected}>
      {client && <ClientPanel client={client} {...common} onChoose={onChoose} />}
      {service && (
        <ServicePanel
          {...{ plan, service, hops, hop, changes, onTry }}
          {...common}
          planned={now}
          onPath={({ path: at }) => onChoose({ path: at })}
          onSelect={select}
        />
      )}
    </aside>
  );
}

/** A mode that is declared already is no change. */
function withMode(plan: Plan, changes: Changes, caller: string, callee: string, mode: TriedMode): Changes {
  const { [callKey(caller, callee)]: _, ...others } = changes.modes;
  const declared = callsOf(plan.services.get(caller)).find((call) => call.callee === callee)?.mode;
  const modes = declared === mode ? others : { ...others, [callKey(caller, callee)]: mode };
  return { ...changes, modes };
}

/** By client or service: the most severe finding about it. */
function worstOf({ findings }: ViewData): ReadonlyMap<string, 'error' | 'warning'> {
  const worst = new Map<string, 'error' | 'warning'>();
  for (const finding of findings) {
    for (const name of partiesOf(finding)) if (worst.get(name) !== 'error') worst.set(name, finding.severity);
  }
  return worst;
}

/** The clients and services in which a finding has a place. */
function partiesOf(finding: FindingView): ReadonlySet<string> {
  return new Set([finding, ...finding.places].flatMap(({ about }) => about?.name ?? []));
}
