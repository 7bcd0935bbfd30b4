/** The page: loads the data, keeps the choice, and shows the views. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import type { Plan } from '../../../graph/index.ts';
import type { ViewData } from '../view-data.ts';
import { readPlan } from '../plan-text.ts';
import { fitted, readChoice, writeChoice, type Choice, type ViewName } from './choice.ts';
import { FindingList } from './findings/finding-list.tsx';
import { Note } from './request/summary.tsx';
import { RequestView } from './request/request-view.tsx';
import { followChanges, loadData } from './source.ts';
import { plural } from './text.ts';
import { useTheme, type Theme } from './theme.ts';
import { TokenView } from './token/token-view.tsx';
import { countChanges } from './what-if.ts';

/** The data with its plan; for a graph with errors, the last plan without. */
interface Loaded {
  readonly data: ViewData;
  readonly plan: Plan | undefined;
  readonly text: string | null;
}

export function Explorer(): JSX.Element {
  const [loaded, setLoaded] = useState<Loaded>();
  const [failure, setFailure] = useState('');
  const [connected, setConnected] = useState(true);
  const [choice, setChoice] = useState<Choice>(() => readChoice(location.hash));
  const [theme, setTheme] = useTheme();

  const load = useCallback(async () => {
    try {
      const data = await loadData();
      const { plan: text } = data;
      setLoaded((before) =>
        text === null
          ? { data, plan: before?.plan, text: before?.text ?? null }
          : { data, plan: readPlan(text), text },
      );
      setFailure('');
    } catch {
      setFailure('The graph cannot be loaded. Is `waybill explore` still running?');
    }
  }, []);
  useEffect(() => void load(), [load]);
  const live = loaded?.data.live ?? false;
  useEffect(() => (live ? followChanges(() => void load(), setConnected) : undefined), [live, load]);
  useEffect(() => {
    const changed = (): void => setChoice(readChoice(location.hash));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);

  const plan = loaded?.plan;
  const current = useMemo(() => (plan ? fitted(choice, plan) : choice), [choice, plan]);
  useEffect(() => {
    if (plan) history.replaceState(null, '', writeChoice(current));
  }, [current, plan]);
  useEffect(() => {
    document.title = plan ? `${plan.name} · Waybill` : 'Waybill';
  }, [plan]);
  const choose = useCallback((change: Partial<Choice>) => setChoice((now) => ({ ...now, ...change })), []);
  const onChoose = useCallback(
    (change: Partial<Choice>) => choose({ ...current, ...change }),
    [choose, current],
  );

  return (
    <>
      <Header
        loaded={loaded}
        view={shownView(loaded, current)}
        onView={(view) => onChoose({ view })}
        theme={theme}
        onTheme={setTheme}
      />
      {failure !== '' && <Note state="over">{failure}</Note>}
      {!connected && <Note state="tight">The server is gone. This page may be out of date.</Note>}
      {loaded && <Main loaded={loaded} choice={current} theme={theme} onChoose={onChoose} />}
    </>
  );
}

/** Without a plan, only findings and tokens can be shown. */
function shownView(loaded: Loaded | undefined, { view }: Choice): ViewName {
  return loaded && !loaded.plan && view !== 'token' ? 'findings' : view;
}

interface HeaderProps {
  readonly loaded: Loaded | undefined;
  readonly view: ViewName;
  readonly onView: (view: ViewName) => void;
  readonly theme: Theme;
  readonly onTheme: (theme: Theme) => void;
}

function Header({ loaded, view, onView, theme, onTheme }: HeaderProps): JSX.Element {
  const findings = loaded?.data.findings ?? [];
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const views: readonly (readonly [ViewName, string])[] = [
    ['request', 'Request'],
    ['holders', 'Access'],
    ['findings', `Findings (${findings.length})`],
    ['token', 'Decode a token'],
  ];
  return (
    <header class="top">
      <h1>
        Waybill <span class="graph-name">{loaded?.plan?.name}</span>
      </h1>
      <nav aria-label="Views">
        {views.map(([name, title]) => (
          <button
            key={name}
            type="button"
            aria-current={view === name ? 'page' : undefined}
            class={name === 'findings' && errors > 0 ? 'has-errors' : ''}
            onClick={() => onView(name)}
          >
            {title}
          </button>
        ))}
      </nav>
      <button type="button" class="theme" onClick={() => onTheme(theme === 'dark' ? 'light' : 'dark')}>
        {theme === 'dark' ? 'Light' : 'Dark'}
      </button>
    </header>
  );
}

interface MainProps {
  readonly loaded: Loaded;
  readonly choice: Choice;
  readonly theme: Theme;
  readonly onChoose: (change: Partial<Choice>) => void;
}

function Main({ loaded, choice, theme, onChoose }: MainProps): JSX.Element {
  const { data, plan, text } = loaded;
  const stale = data.plan === null && plan !== undefined;
  if (choice.view === 'token') {
    return (
      <main>
        <TokenView plan={plan} keys={data.jwks} />
      </main>
    );
  }
  if (shownView(loaded, choice) === 'findings' || !plan || text === null) {
    const show = (name: string): void =>
      onChoose({ view: 'request', selected: name, path: '', focus: 'around' });
    const shows = plan ? { onShow: show } : {};
    return (
      <main class="page-of-findings">
        {!plan && <Note state="over">Fix these errors to see the graph.</Note>}
        {countChanges(choice.changes) > 0 && (
          <Note state="tight">Findings are about the graph as declared; changes are not checked.</Note>
        )}
        {data.findings.length === 0 && <p class="empty">No findings.</p>}
        <FindingList findings={data.findings} {...shows} />
        {data.leftOut.length > 0 && (
          <p class="empty">Left out until these errors are fixed: {data.leftOut.join(', ')}.</p>
        )}
        {data.accepted.length > 0 && (
          <details>
            <summary>{plural(data.accepted.length, 'finding')} accepted in the graph</summary>
            <FindingList findings={data.accepted} {...shows} />
          </details>
        )}
      </main>
    );
  }
  return (
    <main>
      {stale && (
        <Note state="over">
          The graph has errors. This is its last state without errors.{' '}
          <button type="button" class="link" onClick={() => onChoose({ view: 'findings' })}>
            Show them
          </button>
        </Note>
      )}
      <RequestView data={data} plan={plan} text={text} choice={choice} theme={theme} onChoose={onChoose} />
    </main>
  );
}
