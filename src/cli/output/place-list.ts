/** Further places of a finding, in one line: `also at graph.yaml:11:5, 12:5 and 9 more`. */
import type { FindingPlace } from '../../graph/index.ts';

/**
 * @param file the file that was named last: it is not repeated.
 * @param most places that are listed.
 * @returns nothing where there are none.
 */
export function placeList(places: readonly FindingPlace[], file: string, most: number): string {
  let named = file;
  const shown = places.slice(0, places.length === most + 1 ? most + 1 : most).map((place) => {
    const start = place.file === named ? '' : `${place.file}:`;
    named = place.file;
    return `${start}${place.line}:${place.column}`;
  });
  if (shown.length === 0) return '';
  const more = places.length - shown.length;
  return `also at ${shown.join(', ')}${more > 0 ? ` and ${more.toLocaleString('en')} more` : ''}`;
}
