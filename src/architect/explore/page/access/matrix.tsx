/** A matrix of claims or tokens against parties, grouped by zone; a mark in each cell gives the reason. */
import type { JSX } from 'preact';

export interface Column {
  readonly name: string;
  readonly kind: 'client' | 'service';
  readonly zone: string | null;
  /** In an external zone, or a client outside every zone. */
  readonly outside: boolean;
}

export interface Cell {
  /** One or two letters. */
  readonly mark: string;
  readonly state: 'own' | 'other' | 'bad';
  /** The mark in words. */
  readonly title: string;
}

export interface Row {
  readonly key: string;
  readonly title: string;
  readonly note: string;
  /** By column name. */
  readonly cells: ReadonlyMap<string, Cell>;
}

export interface MatrixProps {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** What the rows are: `Claim` or `Token`. */
  readonly what: string;
  readonly empty: string;
}

export function Matrix({ caption, columns, rows, what, empty }: MatrixProps): JSX.Element {
  if (rows.length === 0) return <p class="hint">{empty}</p>;
  const used = columns.filter(({ name }) => rows.some(({ cells }) => cells.has(name)));
  const ordered = byZone(used);
  return (
    <div class="scroll matrix" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            <td />
            {zonesOf(ordered).map(({ zone, outside, count }) => (
              <th key={zone} scope="colgroup" colSpan={count} class={`zone ${outside ? 'outside' : ''}`}>
                {zone}
              </th>
            ))}
          </tr>
          <tr>
            <th scope="col">{what}</th>
            {ordered.map(({ name, kind }) => (
              <th key={name} scope="col" class="party">
                <span title={name}>
                  {name}
                  {kind === 'client' && <small class="muted"> client</small>}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, title, note, cells }) => (
            <tr key={key}>
              <th scope="row">
                {title}
                {note !== '' && <small class="muted">{note}</small>}
              </th>
              {ordered.map(({ name }) => {
                const cell = cells.get(name);
                return cell ? (
                  <td key={name} class={`cell ${cell.state}`} title={cell.title}>
                    <span aria-hidden="true">{cell.mark}</span>
                    <span class="unseen">{cell.title}</span>
                  </td>
                ) : (
                  <td key={name} />
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const zoneTitle = ({ zone, outside }: Column): string =>
  zone === null ? 'no zone' : outside ? `${zone} (outside)` : zone;

function byZone(columns: readonly Column[]): readonly Column[] {
  const zones = [...new Set(columns.map(zoneTitle))];
  return zones.flatMap((zone) => columns.filter((column) => zoneTitle(column) === zone));
}

function zonesOf(ordered: readonly Column[]): { zone: string; outside: boolean; count: number }[] {
  const zones: { zone: string; outside: boolean; count: number }[] = [];
  for (const column of ordered) {
    const last = zones.at(-1);
    if (last?.zone === zoneTitle(column)) last.count++;
    else zones.push({ zone: zoneTitle(column), outside: column.outside, count: 1 });
  }
  return zones;
}
