/** Key figures of a request in one row, and for changes being tried also the declared ones. */
import type { ComponentChildren, JSX } from 'preact';
import { standing } from '../tree/bar.tsx';
import { withheldText } from '../../../../planning/index.ts';
import { bytesText, percentText, plural } from '../text.ts';
import { hopsOf, overLimits, weightOf, worstHop, type Outcome, type Planned } from './planned.ts';

export interface SummaryProps {
  readonly now: Planned;
  /** As declared; undefined if no change is being tried. */
  readonly before: Outcome | undefined;
}

export function Summary({ now, before }: SummaryProps): JSX.Element {
  const was = before && 'planned' in before ? before.planned : undefined;
  const { tree } = now;
  const { overflow } = tree;
  const limits = overLimits(now);
  return (
    <div class="summary" role="status">
      <p class="headline">
        <b>{tree.client}</b> asks for <b>{tree.scope}</b>
      </p>
      <dl>
        <Fact name="Tokens" now={String(tree.tokens)} was={was && String(was.tree.tokens)} />
        <Fact name="Levels" now={String(tree.depth)} was={was && String(was.tree.depth)} />
        <Fact name="First token" now={firstToken(now)} was={was && firstToken(was)} />
        <Fact name="Fetched when needed" now={onDemand(now)} was={was && onDemand(was)} />
        <Fact name="Tightest call" now={tightestOf(now)} was={was && tightestOf(was)} />
      </dl>
      {limits.map((text) => (
        <Note key={text} state="over">
          The issuer would refuse this request: {text}.
        </Note>
      ))}
      {now.missing.map((text) => (
        <Note key={text} state="over">
          The issuer would refuse this request: {text}
        </Note>
      ))}
      {tree.withheld?.map((call) => (
        <Note key={call.scope.join(' ')} state="tight">
          Not granted: {withheldText(call)}
        </Note>
      ))}
      {overflow && (
        <Note state="tight">
          As declared, the token for {overflow.because.hop} has {bytesText(overflow.because.bytes)} bytes, but
          the limit is {bytesText(overflow.because.limit)} ({overflow.because.profile}). So{' '}
          {plural(overflow.moved.length, 'token')} will be fetched when needed,{' '}
          {plural(Number(overflow.round_trips.after.toFixed(2)), 'round trip')} per request.
        </Note>
      )}
      {before && 'refused' in before && <Note state="tight">As declared: {before.refused}</Note>}
    </div>
  );
}

export function Note({
  state,
  children,
}: {
  state: 'tight' | 'over';
  children: ComponentChildren;
}): JSX.Element {
  return <p class={`callout ${state}`}>{children}</p>;
}

function Fact({ name, now, was }: { name: string; now: string; was: string | undefined }): JSX.Element {
  const changed = was !== undefined && was !== now;
  return (
    <div class={changed ? 'changed' : ''}>
      <dt>{name}</dt>
      <dd>
        {now}
        {changed && <span class="was">was {was}</span>}
      </dd>
    </div>
  );
}

function firstToken({ tree: { root, encoding } }: Planned): string {
  const weight = weightOf(root);
  return weight ? `${bytesText(weight.bytes)} B ${root.coding === 'bare' ? '' : encoding}`.trim() : '';
}

function onDemand({ tree: { root } }: Planned): string {
  return plural(hopsOf(root).filter(({ view }) => view.mode === 'exchange').length, 'call');
}

function tightestOf({ tree }: Planned): string {
  const view = worstHop(hopsOf(tree.root))?.view;
  if (!view) return 'no limits';
  const share = weightOf(view)?.share ?? 0;
  return `${view.service}, ${standing(view, share) === 'over' ? 'does not fit' : percentText(share)}`;
}
