/** Who can read each claim of one service's tokens, and who can use them. */
import type { JSX } from 'preact';
import type { Planned } from '../request/planned.ts';
import { Part } from '../service/part.tsx';
import { useAccess } from './access-view.tsx';
import { ClaimsMatrix, MarksLegend, ReadersMatrix, PresentersMatrix } from './matrices.tsx';

const NO_TOKEN = 'It has no token in this request.';

export function ServiceAccess({
  planned,
  service,
}: {
  planned: Planned;
  service: string;
}): JSX.Element | null {
  const holders = useAccess(planned);
  if (!holders) return null;
  const tokens = holders.tokens.filter((token) => token.service === service);
  // Only readers of this service's tokens.
  const claims = holders.claims.flatMap(({ readers, ...claim }) => {
    const here = readers.filter((reader) => reader.in.includes(service));
    return here.length > 0
      ? [{ ...claim, readers: here.map((reader) => ({ ...reader, in: [service] })) }]
      : [];
  });
  const own = { ...holders, claims, tokens };
  return (
    <>
      <Part title="Who can read each claim">
        <ClaimsMatrix
          holders={own}
          caption={`Who can read each claim of ${service}`}
          empty="Its token carries no claim of the graph."
        />
      </Part>
      <Part title="Who can read its token">
        <ReadersMatrix holders={own} caption={`Who can read the token of ${service}`} empty={NO_TOKEN} />
      </Part>
      <Part title="Who can use it">
        <PresentersMatrix holders={own} caption={`Who can use the token of ${service}`} empty={NO_TOKEN} />
        <MarksLegend />
      </Part>
    </>
  );
}
