/** Who can read each claim of one service's tokens, and who can spend them. */
import type { JSX } from 'preact';
import type { Planned } from '../request/planned.ts';
import { Part } from '../service/part.tsx';
import { MarksLegend, useHolders } from './holders-view.tsx';
import { Matrix } from './matrix.tsx';
import { claimRows, readerRows, spenderRows } from './rows.ts';

export function ServiceHolders({
  planned,
  service,
}: {
  planned: Planned;
  service: string;
}): JSX.Element | null {
  const holders = useHolders(planned);
  if (!holders) return null;
  const tokens = holders.tokens.filter((token) => token.service === service);
  // Of every claim those who read it in this service's tokens.
  const claims = holders.claims.flatMap(({ readers, ...claim }) => {
    const here = readers.filter((reader) => reader.in.includes(service));
    return here.length > 0
      ? [{ ...claim, readers: here.map((reader) => ({ ...reader, in: [service] })) }]
      : [];
  });
  return (
    <>
      <Part title="Who can read each claim">
        <Matrix
          what="Claim"
          caption={`Who can read each claim of ${service}`}
          columns={holders.parties}
          rows={claimRows({ ...holders, claims })}
          empty="Its token carries no claim of the graph."
        />
      </Part>
      <Part title="Who can read its token">
        <Matrix
          what="Token"
          caption={`Who can read the token of ${service}`}
          columns={holders.parties}
          rows={readerRows(tokens)}
          empty="It has no token in this request."
        />
      </Part>
      <Part title="Who can spend it">
        <Matrix
          what="Token"
          caption={`Who can spend the token of ${service}`}
          columns={holders.parties}
          rows={spenderRows(tokens)}
          empty="It has no token in this request."
        />
        <MarksLegend />
      </Part>
    </>
  );
}
