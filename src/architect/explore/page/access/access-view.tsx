/** Access to the tokens of the chosen request: who can read claims and tokens, and who can use tokens (rule 8). */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { isWaybillError } from '../../../../errors.ts';
import { analyzeAccess, type RequestAccess } from '../../../../planning/index.ts';
import type { Planned } from '../request/planned.ts';
import { plural } from '../text.ts';
import { ClaimsMatrix, MarksLegend, ReadersMatrix, PresentersMatrix } from './matrices.tsx';

/** @returns undefined if there is no request, or if it has too many different tokens. */
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

const MAX_ROWS = 120;

export function AccessView({ planned }: { planned: Planned | undefined }): JSX.Element {
  const holders = useAccess(planned);
  if (!holders) return <p class="empty">This request has no tree.</p>;
  const shown = { ...holders, tokens: holders.tokens.slice(0, MAX_ROWS) };
  const left = holders.tokens.length - shown.tokens.length;
  const usable = holders.tokens.filter(({ spenders }) => spenders.some(({ own }) => !own)).length;
  return (
    <div class="access">
      <p class="headline">
        <b>{holders.client}</b> asks for <b>{holders.scope}</b>: {plural(holders.tokens.length, 'token')},
        including those fetched when needed
      </p>
      <section>
        <h2>Who can read which claim</h2>
        <ClaimsMatrix
          holders={holders}
          caption="Who can read which claim"
          empty="No token of this request carries a claim of the graph."
        />
        <p class="hint">
          <span class="cell own">●</span> in its own token <span class="cell other">●</span> in another token
          that it can read <span class="cell bad">✕</span> outside the claim's zones
        </p>
      </section>
      <section>
        <h2>Who can read which token</h2>
        <ReadersMatrix holders={shown} caption="Who can read which token" empty="None." />
        <MarksLegend />
        {left > 0 && <p class="hint">{plural(left, 'token')} more. Choose a service to see its own.</p>}
      </section>
      <section>
        <h2>Who can use which token</h2>
        <p class="hint">
          {usable === 0
            ? 'No party can use a token that another one passes on.'
            : `${plural(usable, 'token')} can be used by others (red), because the service does not check its callers.`}
        </p>
        <PresentersMatrix holders={shown} caption="Who can use which token" empty="None." />
        <MarksLegend />
      </section>
    </div>
  );
}
