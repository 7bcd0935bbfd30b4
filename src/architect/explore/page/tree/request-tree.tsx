/** The token tree of a request: a card for each call, with the token's bytes and header budget. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { termTexts } from '../../../../graph/index.ts';
import { BudgetLegend } from '../graph/legend.tsx';
import { withheldText, type CallView, type WithheldCall } from '../../../../planning/index.ts';
import { weightOf, type Hop } from '../request/planned.ts';
import { MODE_NAMES, percentText, plural } from '../text.ts';
import { Bar, standing } from './bar.tsx';
import { Diagram, type DiagramNode } from './diagram.tsx';

const CARD = { width: 236, height: 70 };
const SMALL_CARD = { width: 236, height: 62 };
const SMALLEST_CARD = { width: 236, height: 36 };
/** What the terms of a call add to its card. */
const TERMS_HEIGHT = 18;

/** With more cards than this, the lower levels are folded at first. */
const FOLDED_FROM = 150;
const SHOWN_LEVELS = 2;

export interface RequestTreeProps {
  readonly hops: readonly Hop[];
  readonly selected: string | undefined;
  /** @param path of the call; empty where the request does not make it. */
  readonly onSelect: (service: string, path: string) => void;
}

export function RequestTree({ hops, selected, onSelect }: RequestTreeProps): JSX.Element {
  const [unfolded, setUnfolded] = useState(false);
  const folds = hops.length > FOLDED_FROM && !unfolded;
  const shown = useMemo(
    () => (folds ? hops.filter(({ depth }) => depth <= SHOWN_LEVELS) : hops),
    [hops, folds],
  );
  const nodes = useMemo(() => [...shown.map((hop) => cardOf(hop)), ...shown.flatMap(withheldCards)], [shown]);
  return (
    <>
      {folds && (
        <p class="note">
          {plural(hops.length - shown.length, 'call')} below level {SHOWN_LEVELS + 1} not drawn.{' '}
          <button type="button" class="link" onClick={() => setUnfolded(true)}>
            Draw all {hops.length}
          </button>
        </p>
      )}
      <Diagram
        nodes={nodes}
        selected={selected}
        title="Token tree"
        legend={<BudgetLegend />}
        label="The tokens of this request"
        onSelect={(id) => {
          const hop = hops.find(({ path }) => path === id);
          onSelect(hop?.view.service ?? id.slice(id.lastIndexOf('/') + 1, -WITHHELD.length), hop ? id : '');
        }}
      />
    </>
  );
}

function cardOf(hop: Hop): DiagramNode {
  const { view, path, parent } = hop;
  const weight = weightOf(view);
  const { width, height } = weight ? CARD : view.mode === 'none' ? SMALLEST_CARD : SMALL_CARD;
  return {
    id: path,
    parent: parent?.path,
    width,
    height: height + (termTexts(view, view.scope.length).length > 0 ? TERMS_HEIGHT : 0),
    line: view.mode,
    className: `${view.mode} ${weight ? standing(view, weight.share) : ''}`,
    content: <CardContent view={view} />,
  };
}

/** Ends the id of a card for scopes that the request does not get. */
const WITHHELD = '!';

/** One for each callee of which the facts of the request withhold some scopes. */
function withheldCards({ view, path }: Hop): DiagramNode[] {
  return (view.withheld ?? []).map((call) => ({
    id: `${path}/${call.service}${WITHHELD}`,
    parent: path,
    ...CARD,
    line: 'none',
    className: 'none withheld',
    content: <WithheldContent call={call} />,
  }));
}

function WithheldContent({ call }: { call: WithheldCall }): JSX.Element {
  const why = withheldText(call);
  return (
    <>
      <span class="card-head">
        <b class="name" title={call.service}>
          {call.service}
        </b>
        <span class="muted">not granted</span>
      </span>
      <span class="scopes">{call.scope.join(' ')}</span>
      <span class="terms" title={why}>
        {why}
      </span>
    </>
  );
}

function CardContent({ view }: { view: CallView }): JSX.Element {
  const { service, scope, claims, mode, probability } = view;
  const terms = termTexts(view, scope.length);
  return (
    <>
      <span class="card-head">
        <b class="name" title={service}>
          {service}
        </b>
        {probability < 1 && (
          <span class="often" title="share of the caller's runs that make the call">
            {percentText(probability)}
          </span>
        )}
        {mode === 'none' && <span class="muted">{unissuedText(view)}</span>}
      </span>
      {mode !== 'none' && (
        <span class="scopes" title={scope.join(' ')}>
          {scope.join(' ')}
          {claims.length > 0 && <span class="claims"> {`{${claims.join(' ')}}`}</span>}
        </span>
      )}
      {terms.length > 0 && (
        <span class="terms" title={terms.join('\n')}>
          {terms.join(', ')}
        </span>
      )}
      {view.bytes ? <Bar view={view} /> : mode !== 'none' && <span class="muted">{unissuedText(view)}</span>}
    </>
  );
}

export function unissuedText({ mode, moved }: CallView): string {
  return moved ? `${MODE_NAMES[mode]}: it would not fit` : MODE_NAMES[mode];
}
