/** Who holds what of the request that is picked: one matrix of who can read, one of who can spend (rule 8). */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { isWaybillError } from '../../../../errors.ts';
import { analyzeAccess, type RequestAccess } from '../../../../planning/index.ts';
import type { Planned } from '../request/planned.ts';
import { plural } from '../text.ts';
import { ClaimsMatrix, MarksLegend, ReadersMatrix, PresentersMatrix } from './matrices.tsx';

/** @returns undefined where there are too many different tokens to look at. */
export function useAccess(planned: Planned | undefined): RequestAccess | undefined {
  return useMemo(() => {
    if (!planned) return undefined;
    const { plan, client, request } = planned;
    try {
      return analyzeAccess(plan, client.name, request);
    } catch (error) {
      if (isWaybillError(error)) return undefined;
      throw error;
    }
  }, [planned]);
}

/** A matrix of more than so many rows is no longer read. */
const MOST_ROWS = 120;

export function AccessView({ planned }: { planned: Planned | undefined }): JSX.Element {
  const holders = useAccess(planned);
  if (!holders) return <p class="empty">This request has no tree.</p>;
  const shown = { ...holders, tokens: holders.tokens.slice(0, MOST_ROWS) };
  const left = holders.tokens.length - shown.tokens.length;
  const spendable = holders.tokens.filter(({ spenders }) => spenders.some(({ own }) => !own)).length;
  return (
    <div class="holders">
      <p class="headline">
        <b>{holders.client}</b> asks for <b>{holders.scope}</b>: {plural(holders.tokens.length, 'token')},
        what is fetched on demand counted in
      </p>
      <section>
        <h2>Who can read which claim</h2>
        <ClaimsMatrix
          holders={holders}
          caption="Who can read which claim"
          empty="No token of this request carries a claim of the graph."
        />
        <p class="hint">
          <span class="cell own">●</span> in its own token <span class="cell other">●</span> in another's that
          it can read <span class="cell bad">✕</span> outside the claim's zones
        </p>
      </section>
      <section>
        <h2>Who can read which token</h2>
        <ReadersMatrix holders={shown} caption="Who can read which token" empty="None." />
        <MarksLegend />
        {left > 0 && <p class="hint">{plural(left, 'token')} more: pick a service to see its own.</p>}
      </section>
      <section>
        <h2>Who can spend which token</h2>
        <p class="hint">
          {spendable === 0
            ? 'Nobody holds a token that it could spend and that is not its own to present.'
            : `${plural(spendable, 'token')} can be spent by others (red): their service does not check who presents a token.`}
        </p>
        <PresentersMatrix holders={shown} caption="Who can spend which token" empty="None." />
        <MarksLegend />
      </section>
    </div>
  );
}
